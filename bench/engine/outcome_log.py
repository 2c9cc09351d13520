"""What has become of the planned cells so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.engine.plan import PlannedCell
from bench.engine.prepared_image import explain_error
from bench.platform.errors import InputError
from bench.records.outcomes import Failed, Outcome, Scored, Skipped
from detectors.api import Unavailable
from detectors.isolation.calls import first_line


class OutcomeLog:
    """Which cells are recorded, and why others have no scores.

    A cell keeps its first reason, and one that is recorded stays recorded.
    """

    def __init__(
        self, recorded: Iterable[str], told: Callable[[Mapping[str, Outcome]], object] = lambda _: None
    ) -> None:
        """Start from the keys of the cells whose scores are written already.

        Args:
            recorded: The keys.
            told: Called with the reasons of cells that are left without scores, by key, when that is known.
        """
        self._recorded, self._told = set(recorded), told
        self._reasons: dict[str, Outcome] = {}  # by cell key

    def add_recorded(self, keys: Iterable[str]) -> None:
        """Remember that the scores of these cells are written."""
        self._recorded |= set(keys)

    def fail(self, items: Iterable[PlannedCell], error: Exception) -> None:
        """Leave cells without scores: skipped for an `Unavailable` detector, failed for any other error."""
        if isinstance(error, Unavailable):
            reason: Outcome = Skipped(str(error))
        else:
            reason = Failed(first_line(error))
        new = {item.key: reason for item in items if item.key not in self._recorded and item.key not in self._reasons}
        self._reasons |= new
        if new:
            self._told(new)

    @contextmanager
    def failures_of(self, items: Iterable[PlannedCell]) -> Iterator[None]:
        """Let the cells fail where the body raises, so that other cells go on. `InputError` is passed on."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a detector raises is the reason that the table shows
            self.fail(items, explain_error(error))

    def missing(self, planned: Iterable[PlannedCell]) -> list[PlannedCell]:
        """The cells whose scores are not written."""
        return [item for item in planned if item.key not in self._recorded]

    def without_failure(self, items: Iterable[PlannedCell]) -> list[PlannedCell]:
        """The cells that have not failed and were not skipped."""
        return [item for item in items if item.key not in self._reasons]

    def outcomes(self, planned: Sequence[PlannedCell]) -> dict[str, Outcome]:
        """The outcome of each cell by key, at the end of a run."""
        return {item.key: self._reasons.get(item.key, Scored()) for item in planned}
