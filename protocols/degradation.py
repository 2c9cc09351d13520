"""Degradation matrix: train on one generator, test on degraded images (GenImage, arXiv 2306.08571, Table 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from protocols.api import (
    NONE,
    Cell,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    PublishedAverage,
    Scope,
    Subset,
    grouped,
    option,
    train_generators,
)
from protocols.degradations import canonical_steps
from protocols.subsets import asked_split

PREFERRED = "SDv1.4"  # what GenImage trains on for this table
GENIMAGE_STEPS = ("lr:112", "lr:64", "jpeg:65", "jpeg:30", "blur:3", "blur:5")
# on small images GenImage's own steps leave every detector at chance, so that there is no ranking
SMALL_SIDE = 128
MILDER_STEPS = ("lr:112", "lr:96", "lr:64", "jpeg:85", "jpeg:65", "jpeg:30", "blur:0.5", "blur:1", "blur:3", "blur:5")


@dataclass(frozen=True)
class DegradationMatrix(EvaluationProtocol):
    """Every detector, trained on clean images of one generator, tested on the same one under each degradation."""

    train_on: tuple[str, ...] = option(
        (),
        f"Generators to train on, several together joined with +; empty: {PREFERRED}, or the first.",
        names="generators",
    )
    degradations: tuple[str, ...] = option(
        (), "As jpeg:65,lr:112+blur:1, or a profile as delivery; empty: GenImage's or milder.", names="degradations"
    )
    test_all: bool = option(default=False, about="Test on all generators, not the trained one alone.")

    name: ClassVar[str] = "degradation"
    title: ClassVar[str] = "Degradation: train on clean images (rows), test under each degradation (columns)"
    source: ClassVar[str] = "GenImage, arXiv 2306.08571, Table 5"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="degradation")
    published: ClassVar[PublishedAverage | None] = PublishedAverage(over="degradation", beside="degraded")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set, test generator and degradation; of released ones without training."""
        images = scope.images
        held_out, steps = images.held_out, (NONE, *self._steps(images.short_side))
        every = [(name,) for name in images.generators_in(held_out)]
        rows = self._train_sets(scope) if scope.trained or self.train_on else every
        trained = [
            Cell(detector, Subset(train, "train"), Subset(test, held_out, degradation=step), seed)
            for detector in scope.trained
            for seed in scope.seeds
            for train in rows
            for test in (every if self.test_all else (train,))
            for step in steps
        ]
        tests = every if self.test_all else rows
        return trained + scope.released_cells(
            [Subset(test, held_out, degradation=step) for test in tests for step in steps]
        )

    def _train_sets(self, scope: Scope) -> tuple[tuple[str, ...], ...]:
        """The generators of each train set; where nothing is trained, those that are named are tested."""
        train_sets = train_generators(scope.images, self.train_on, asked_split(scope))
        default = (PREFERRED,) if (PREFERRED,) in train_sets else train_sets[0]
        return train_sets if self.train_on else (default,)

    def _steps(self, short_side: int) -> tuple[str, ...]:
        """The degradations under their canonical names."""
        if not self.degradations:
            return MILDER_STEPS if short_side <= SMALL_SIDE else GENIMAGE_STEPS
        return canonical_steps(self.degradations)

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Clean images, all degradations, and each one."""
        del scope
        steps = dict.fromkeys(cell.test.degradation for cell in cells if cell.test.degradation != NONE)
        return [
            grouped(NONE, (cell for cell in cells if cell.test.degradation == NONE), "home"),
            grouped("degraded", (cell for cell in cells if cell.test.degradation != NONE), "away"),
            *(grouped(step, (cell for cell in cells if cell.test.degradation == step)) for step in steps),
        ]
