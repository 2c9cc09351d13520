"""Cross-generator matrix: train on one generator, test on each (GenImage, arXiv 2306.08571, Tables 2 to 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from protocols.api import (
    Cell,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    PublishedAverage,
    Scope,
    Subset,
    grouped,
    option,
    trainable,
)


@dataclass(frozen=True)
class CrossGenerator(EvaluationProtocol):
    """Every detector, trained on each generator, tested on every generator, the diagonal included."""

    train_on: tuple[str, ...] = option((), "Generators to train on, several together joined with +; empty: each one.")

    name: ClassVar[str] = "cross_generator"
    title: ClassVar[str] = "Cross-generator: train on one generator (rows), test on each (columns)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")
    published: ClassVar[PublishedAverage | None] = PublishedAverage(over="test", beside="all cells")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set and test generator."""
        images = scope.images
        return [
            Cell(detector, Subset(train, "train"), Subset((test,), images.held_out), seed=seed)
            for detector in scope.detectors
            for seed in scope.seeds
            for train in trainable(images, self.train_on)
            for test in images.having(images.held_out)
        ]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Tested on generators that were trained on, on others, and of the others those of the same family or not."""
        families = scope.images.families

        def family(subset: Subset | None) -> set[str]:
            return {families.get(name, name) for name in subset.generators} if subset else set()

        away = [cell for cell in cells if not _seen(cell)]
        kin = [cell for cell in away if family(cell.test) <= family(cell.train)]
        return [
            grouped("diagonal", filter(_seen, cells), "home"),
            grouped("off-diagonal", away, "away"),
            grouped("same family", kin),
            grouped("cross family", set(away) - set(kin)),
        ]


def _seen(cell: Cell) -> bool:
    """Whether the cell's detector was trained on every generator that it is tested on."""
    return cell.train is not None and set(cell.test.generators) <= set(cell.train.generators)
