"""JPEG quality of training against that of testing (Saland, internship report on CLIP detectors, 2024: 3x3 table)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from protocols.api import Cell, EvaluationProtocol, Group, MatrixLayout, Scope, Subset, grouped, option
from protocols.degradations import canonical_steps
from protocols.subsets import cells_of, mixed_subsets, trained_cells


@dataclass(frozen=True)
class JpegQuality(EvaluationProtocol):
    """Every detector, trained on images encoded at each quality, tested on the same generators at each quality."""

    qualities: tuple[int, ...] = option((40, 65, 90), "Qualities of JPEG from 1 to 100.")
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "jpeg_quality"
    title: ClassVar[str] = "JPEG quality: train on images of one quality (rows), test on each (columns)"
    source: ClassVar[str] = "Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024 (qualities 40, 65, 90)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train_degradation", columns="degradation")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, quality of training and quality of testing. Raises `UnknownDegradation`."""
        steps = canonical_steps(f"jpeg:{quality}" for quality in self.qualities)
        trains, tests = ([mixed_subsets(scope, self.train_on, step)[place] for step in steps] for place in (0, 1))
        return cells_of(scope, [(train, test) for train in trains for test in tests])

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells tested at the quality of their training, at another one, at a higher one, and at a lower one."""
        del scope
        gains = {cell: _quality(cell.test) - _quality(train) for cell, train in trained_cells(cells)}
        return [
            grouped("same quality", (cell for cell, gain in gains.items() if gain == 0), "home"),
            grouped("other quality", (cell for cell, gain in gains.items() if gain != 0), "away"),
            grouped("tested at a higher quality", (cell for cell, gain in gains.items() if gain > 0)),
            grouped("tested at a lower quality", (cell for cell, gain in gains.items() if gain < 0)),
        ]


def _quality(subset: Subset) -> int:
    return int(subset.degradation.partition(":")[2])
