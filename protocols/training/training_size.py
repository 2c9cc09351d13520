"""Accuracy against the number of training images (GenImage, arXiv 2306.08571)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from protocols.api import (
    Cell,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    Scope,
    Subset,
    Unanswerable,
    grouped,
    option,
    train_generators,
)
from protocols.subsets import (
    Question,
    asked_split,
    cells_of,
    halves,
    mixed_subsets,
    require_at_least,
    trained_cells,
)

STEPS = 6  # numbers of images: all, a half, and so on to a thirty-second
LEAST = 2  # images of each class, of what is asked by default: of a single one no head can learn


@dataclass(frozen=True)
class TrainingSize(EvaluationProtocol):
    """Every detector, trained on more and more images, tested on the held-out images of the same generators."""

    sizes: tuple[int, ...] = option(
        (), f"Training images of each class; empty: halves down from all to {LEAST} at least."
    )
    train_on: tuple[str, ...] = option(
        (), "Generators, each by itself, several together joined with +; empty: all together.", names="generators"
    )

    name: ClassVar[str] = "training_size"
    title: ClassVar[str] = "Training size: train on so many images of each class (columns), test on the same generators"
    source: ClassVar[str] = "GenImage, arXiv 2306.08571 (effect of the number of training images)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="train_size", curves=True)

    def __post_init__(self) -> None:
        """Raises ValueError for a size below 1."""
        require_at_least(1, sizes=self.sizes)

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set and size. Raises `Unanswerable` for sizes that are not there."""
        sets = self._train_and_test(scope)
        if not scope.trained:
            return cells_of(scope, sets)
        most = min(scope.images.largest_size(train) for train, _ in sets)
        sizes = sorted(set(self.sizes)) or halves(most, STEPS, LEAST)
        if sizes[0] < 1 or sizes[-1] > most:
            msg = f"training sizes {', '.join(map(str, sizes))} are not all from 1 to {most}, the most that there are"
            raise Unanswerable(msg)
        return cells_of(
            scope,
            [
                (Subset(train.generators, "train", size=size, label=train.label), test)
                for train, test in sets
                for size in sizes
            ],
        )

    def _train_and_test(self, scope: Scope) -> list[Question]:
        """The whole train sets, and what is tested for each."""
        if not self.train_on:
            return [mixed_subsets(scope, ())]
        groups = train_generators(scope.images, self.train_on, asked_split(scope))
        return [(Subset(group, "train"), Subset(group, scope.images.held_out)) for group in groups]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The largest size, all smaller ones, and each of these."""
        del scope
        sizes = {cell: train.size for cell, train in trained_cells(cells) if train.size}
        *smaller, largest = sorted({*sizes.values()}) or [0]
        of_size = {size: [cell for cell, one in sizes.items() if one == size] for size in (*smaller, largest)}
        return [
            grouped(f"{largest} images", of_size[largest], "home"),
            grouped("fewer images", (cell for size in smaller for cell in of_size[size]), "away"),
            *(grouped(f"{size} images", of_size[size]) for size in reversed(smaller)),
        ]
