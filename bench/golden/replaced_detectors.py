"""Detectors that say themselves that they are others than those of the record: another checkpoint, version or option.

Their decisions are meant to change, and what is asked is whether any accuracy fell. Both answered the same images, so
every test is a paired one, over images and trainings; p is corrected for all cells, and for all averages.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bench.evaluation.cells import axes_shown
from bench.evaluation.comparing.comparison import DetectorComparison, compare_detectors
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from bench.golden.pairing import lost_detectors, question_differences
from bench.platform.errors import InputError
from bench.records.manifest import Manifest
from bench.records.run import Run
from bench.statistics.ranks import BETTER


@dataclass(frozen=True, slots=True)
class ReplacementResult:
    """What a comparison of replaced detectors with those of the record found.

    Attributes:
        comparisons: One per detector, the record first.
        obstacles: What could not be compared, and why.
        axes: The columns of cells that tell questions apart for a reader.
    """

    comparisons: tuple[DetectorComparison, ...]
    obstacles: tuple[str, ...]
    axes: tuple[str, ...]

    @property
    def fallen(self) -> tuple[str, ...]:
        """The detectors of which an average or a cell fell beyond chance."""
        return tuple(
            one.paired.second.detector
            for one in self.comparisons
            if one.cells["verdict"].eq(BETTER).any() or any(found.on_these.verdict == BETTER for found in one.averages)
        )

    @property
    def exit_code(self) -> int:
        """1 where something fell, else 2 where something could not be compared, else 0."""
        if self.fallen:
            return 1
        return 2 if self.obstacles else 0


def replaced_detectors(golden: Manifest, now: Manifest) -> list[str]:
    """The detectors of a record that are there, and others by their own saying."""
    return [
        name
        for name in lost_detectors(golden, now)
        if name in now.detectors and not _is_absent(now, name) and not _is_absent(golden, name)
    ]


def _is_absent(manifest: Manifest, name: str) -> bool:
    checkpoint = manifest.detectors[name].checkpoint
    return checkpoint is not None and not checkpoint.sha256


def compare_replaced(golden: Run, now: Run, detectors: Collection[str]) -> ReplacementResult:
    """Compare detectors with those of the same names in the record, cell by cell and on every average.

    Args:
        golden: The record.
        now: The run.
        detectors: Names, one at least.
    """
    axes = tuple(axes_shown(golden.cells, golden.manifest.protocol))
    if differences := question_differences(golden.manifest, now.manifest):
        return ReplacementResult((), tuple(differences), axes)
    pairs, obstacles = [], []
    for first, second in choose_sides([golden, now], list(detectors)):
        try:
            pairs.append(pair_runs(first, second))
        except InputError as error:
            obstacles.append(f"{second.detector}: {error}")
    return ReplacementResult(tuple(compare_detectors(pairs)) if pairs else (), tuple(obstacles), axes)
