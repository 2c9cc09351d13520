"""A protocol of its own: how many training images a detector needs."""

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

HALVINGS = 3  # all, a half, a quarter and an eighth


@dataclass(frozen=True)
class TrainingSize(EvaluationProtocol):
    """Every detector, trained on so many images of one generator, tested on the same generator."""

    sizes: tuple[int, ...] = option((), "Training images of each class, ascending; empty: halves down from all.")
    train_on: tuple[str, ...] = option(
        (), "Generators to train on, each by itself; empty: each one.", names="generators"
    )

    name: ClassVar[str] = "training_size"
    title: ClassVar[str] = (
        "Training size: train on so many images (columns) of a generator (rows), test on the same one"
    )
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="train_size")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set and size."""
        images = scope.images
        trains = train_generators(images, self.train_on)
        most = min(images.largest_size(Subset(train, "train")) for train in trains)
        sizes = tuple(sorted(set(self.sizes))) or tuple(sorted({max(most >> step, 1) for step in range(HALVINGS + 1)}))
        if sizes[0] < 1 or sizes[-1] > most:
            msg = f"training sizes {', '.join(map(str, sizes))} are not all from 1 to {most}, the most that there are"
            raise Unanswerable(msg)
        return [
            Cell(detector, Subset(train, "train", size=size), Subset(train, images.held_out), seed)
            for detector in scope.detectors
            for seed in scope.seeds
            for train in trains
            for size in sizes
        ]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The largest size, all smaller ones, and each of these."""
        del scope
        by_size: dict[int, list[Cell]] = {}
        for cell in cells:
            if cell.train is not None and cell.train.size is not None:
                by_size.setdefault(cell.train.size, []).append(cell)
        if not by_size:
            return []
        *smaller, largest = sorted(by_size)
        return [
            grouped(f"{largest} images", by_size[largest], "home"),
            grouped("fewer images", (cell for size in smaller for cell in by_size[size]), "away"),
            *(grouped(f"{size} images", by_size[size]) for size in reversed(smaller)),
        ]
