"""Which images detectors are asked about, in which chunks, and which cells are complete when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from bench.engine.image_pass import in_chunks
from bench.engine.plan import PlannedCell
from bench.engine.scoring import Unit
from bench.engine.selections import Positions, Selections, each_once
from protocols.degradations import degradation


class ScoringPlan:
    """Which images are asked about, in which chunks, and which cells are complete when.

    Chunks and batches follow from all planned cells, so that a run that was killed and repeated computes the very
    batches of an undisturbed one; chunks that no missing cell needs are left out.

    Attributes:
        units: The missing cells by what an image is asked about once for.
        chunks: All planned images in chunks.
    """

    def __init__(
        self, selections: Selections, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], batch_size: int
    ) -> None:
        self._selections = selections
        self.units: dict[Unit, list[PlannedCell]] = defaultdict(list)
        for item in missing:
            self.units[unit_of(item)].append(item)
        self._planned: dict[Unit, list[PlannedCell]] = defaultdict(list)
        for item in planned:
            self._planned[unit_of(item)].append(item)
        order = self._tests(planned)
        self.chunks = in_chunks(order, batch_size)
        self._chunk = np.full(len(selections.pool), -1)
        self._chunk[order] = np.arange(len(order)) // batch_size
        self._last: dict[int, list[PlannedCell]] = defaultdict(list)
        for item in missing:
            self._last[int(self._chunk[selections[item.cell.test].positions].max())].append(item)

    def _tests(self, items: Iterable[PlannedCell]) -> Positions:
        """The test images of some cells, each once."""
        return each_once(self._selections[test].positions for test in dict.fromkeys(item.cell.test for item in items))

    def images(self, unit: Unit) -> Positions:
        """The planned images of a unit in the chunks that its missing cells need."""
        needed = np.unique(self._chunk[self._tests(self.units[unit])])
        images = self._tests(self._planned[unit])
        return images[np.isin(self._chunk[images], needed)]

    def completed(self, chunk: Positions) -> list[PlannedCell]:
        """The missing cells whose last images these are."""
        return self._last[int(self._chunk[chunk[0]])]


def unit_of(item: PlannedCell) -> Unit:
    """What an image is asked about once for."""
    return item.fit_key, degradation(item.cell.test.degradation).name
