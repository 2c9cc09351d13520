"""The committed ranking of every detector on the embedded corpus, for the list of detectors and the documentation.

It is the `leaderboard.csv` of `make bench DETECTORS=all`, copied to `results/embedded/cross_generator.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.platform.errors import InputError
from bench.platform.shipped_results import shipped_results

TABLE = shipped_results() / "embedded" / "cross_generator.csv"
COLUMNS = ("off-diagonal", "same family", "cross family")
AT_CHANCE = "†"  # behind the name of a detector, here and on every leaderboard
CHANCE_NOTE = "at chance here: not evidence against the method"


@dataclass(frozen=True, slots=True)
class EmbeddedResult:
    """One row of the table.

    Attributes:
        detector: Its name.
        diagonal: Accuracy on the generators that it was trained on, in [0, 1].
        low: Lower end of its 95% interval.
        high: Upper end.
        averages: Further averages by name, in [0, 1].
        average_precision: Over all cells, in [0, 1].
        at_chance: Whether the interval of its balanced accuracy on the diagonal holds 0.5.
    """

    detector: str
    diagonal: float
    low: float
    high: float
    averages: dict[str, float]
    average_precision: float
    at_chance: bool

    @property
    def text(self) -> str:
        """The diagonal and the off-diagonal accuracy in per cent, and whether it is at chance."""
        found = f"diagonal {_interval(self)}, off-diagonal {_percent(self.averages['off-diagonal'])}"
        return f"{found}; {CHANCE_NOTE}" if self.at_chance else found


def embedded_results(path: Path | None = None) -> dict[str, EmbeddedResult]:
    """A table, by default the committed one, by detector, best first; empty where there is none."""
    path = path or TABLE
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["detector"]: _result(row) for row in csv.DictReader(file)}


def _result(row: dict[str, str]) -> EmbeddedResult:
    return EmbeddedResult(
        detector=row["detector"],
        diagonal=float(row["diagonal value"]),
        low=float(row["diagonal low"]),
        high=float(row["diagonal high"]),
        averages={name: float(row[f"{name} value"]) for name in COLUMNS},
        average_precision=float(row["ap"]),
        at_chance=row["at_chance"] == "True",
    )


def results_as_markdown() -> Iterator[str]:
    """The committed table in Markdown, what is at chance marked. Raises `InputError` where there is no table."""
    if not (results := embedded_results()):
        msg = f"{TABLE} is not there: this copy of Lineup comes without results on the embedded corpus"
        raise InputError(msg)
    yield f"| detector | diagonal | {' | '.join(COLUMNS)} | AP |"
    yield "|---|--:|" + "--:|" * (len(COLUMNS) + 1)
    for result in results.values():
        mark = f" {AT_CHANCE}" if result.at_chance else ""
        cells = [_interval(result), *map(_percent, (*result.averages.values(), result.average_precision))]
        yield f"| `{result.detector}`{mark} | {' | '.join(cells)} |"


def _interval(result: EmbeddedResult) -> str:
    """Such as "93.1 [91.9, 94.2]"."""
    return f"{_percent(result.diagonal)} [{_percent(result.low)}, {_percent(result.high)}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
