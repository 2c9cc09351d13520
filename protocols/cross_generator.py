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
    train_generators,
)


@dataclass(frozen=True)
class CrossGenerator(EvaluationProtocol):
    """Every detector, trained on each generator, tested on every generator, the diagonal included."""

    train_on: tuple[str, ...] = option(
        (), "Generators to train on, several together joined with +; empty: each one.", names="generators"
    )

    name: ClassVar[str] = "cross_generator"
    title: ClassVar[str] = "Cross-generator: train on one generator (rows), test on each (columns)"
    source: ClassVar[str] = "GenImage, arXiv 2306.08571, Tables 2 to 4; Yu et al., slides, CUHK-Shenzhen, 2024"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")
    published: ClassVar[PublishedAverage | None] = PublishedAverage(over="test", beside="all cells")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set and test generator; of released ones per test generator alone."""
        images = scope.images
        tests = [Subset((test,), images.held_out) for test in images.generators_in(images.held_out)]
        trained = [
            Cell(detector, Subset(train, "train"), test, seed=seed)
            for detector in scope.trained
            for seed in scope.seeds
            for train in train_generators(images, self.train_on)
            for test in tests
        ]
        return trained + scope.released_cells(tests)

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells tested on generators of the train set, on others, and of the others those of the same family or not."""
        families = scope.images.families

        def family(subset: Subset | None) -> set[str]:
            return {families.get(name, name) for name in subset.generators} if subset else set()

        cells = [cell for cell in cells if cell.train is not None]
        away = [cell for cell in cells if not _on_diagonal(cell)]
        same_family = [cell for cell in away if family(cell.test) <= family(cell.train)]
        return [
            grouped("diagonal", filter(_on_diagonal, cells), "home"),
            grouped("off-diagonal", away, "away"),
            grouped("same family", same_family),
            grouped("cross family", set(away) - set(same_family)),
        ]


def _on_diagonal(cell: Cell) -> bool:
    """Whether the detector was trained on every generator that it is tested on."""
    return cell.train is not None and set(cell.test.generators) <= set(cell.train.generators)
