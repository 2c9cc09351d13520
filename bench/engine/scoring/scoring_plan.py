"""Which images detectors score, in which chunks, and which cells are complete when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from bench.engine.image_pass import split_into_chunks
from bench.engine.plan import PlannedCell, ScoringKey
from bench.engine.selections import Positions, Selections


class ScoringPlan:
    """Which images detectors score, in which chunks, and which cells are complete when.

    Chunks and batches follow from all planned cells, so that a run that was killed and repeated computes the very
    batches of an undisturbed one; chunks that no missing cell needs are left out.

    Attributes:
        missing: The missing cells by their scoring key.
        chunks: All planned test images in chunks.
    """

    def __init__(
        self, selections: Selections, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], batch_size: int
    ) -> None:
        self._selections = selections
        self.missing = _by_scoring_key(missing)
        self._planned = _by_scoring_key(planned)
        self._images: dict[frozenset[tuple[int, int]], Positions] = {}  # by what `_tested` says of their keys
        order = self._test_images(planned)
        self.chunks = split_into_chunks(order, batch_size)
        self._chunk = np.full(len(selections.pool), -1)  # of each distinct image
        self._chunk[order] = np.arange(len(order)) // batch_size
        self._completed: dict[int, list[PlannedCell]] = defaultdict(list)  # by chunk
        for item in missing:
            self._completed[int(self._chunk[selections[item.cell.test].positions].max())].append(item)

    def _test_images(self, items: Iterable[PlannedCell]) -> Positions:
        """The test images of some cells, each once."""
        return self._selections.positions(item.cell.test for item in items)

    def images(self, key: ScoringKey) -> Positions:
        """The planned images of a scoring key in the chunks that its missing cells need, in ascending order.

        Keys with the same tests share one array: there are as many as fits and degradations together.
        """
        tested = self._tested(key)
        if tested not in self._images:
            needed = np.unique(self._chunk[self._test_images(self.missing[key])])
            images = np.sort(self._test_images(self._planned[key]))
            self._images[tested] = images[np.isin(self._chunk[images], needed)]
        return self._images[tested]

    def _tested(self, key: ScoringKey) -> frozenset[tuple[int, int]]:
        """Which selections the cells of a scoring key are tested on, and those of them that are missing."""
        groups = (self._planned[key], self.missing[key])
        return frozenset(
            (missing, id(self._selections[item.cell.test])) for missing, items in enumerate(groups) for item in items
        )

    def holding(self, key: ScoringKey, images: Positions) -> list[PlannedCell]:
        """The missing cells of a scoring key with any of these test images."""
        tests = [(item, self._selections[item.cell.test].positions) for item in self.missing[key]]
        return [item for item, positions in tests if np.isin(images, positions).any()]

    def completed(self, chunk: Positions) -> list[PlannedCell]:
        """The missing cells whose last images are in this chunk."""
        return self._completed[int(self._chunk[chunk[0]])]


def _by_scoring_key(items: Iterable[PlannedCell]) -> dict[ScoringKey, list[PlannedCell]]:
    groups: dict[ScoringKey, list[PlannedCell]] = defaultdict(list)
    for item in items:
        groups[item.scoring_key].append(item)
    return groups
