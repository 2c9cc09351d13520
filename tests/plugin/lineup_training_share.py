"""A protocol of its own: what a detector loses when it is trained on a share of the images."""

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


@dataclass(frozen=True)
class TrainingShare(EvaluationProtocol):
    """Every detector, trained on shares of the images of one generator, tested on the same generator."""

    shares: tuple[float, ...] = option((0.25, 0.5, 1.0), "Shares of the training images, above 0 and at most 1.")
    train_on: tuple[str, ...] = option(
        (), "Generators to train on, each by itself; empty: each one.", names="generators"
    )

    name: ClassVar[str] = "training_share"
    title: ClassVar[str] = "Training share: train on so many images (columns) of a generator (rows), test on the same"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="train_size")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set and share; shares that come to one number are one."""
        if not self.shares or not all(0 < share <= 1 for share in self.shares):
            msg = f"training shares {', '.join(map(str, self.shares)) or '(none)'} are not all above 0 and at most 1"
            raise Unanswerable(msg)
        images = scope.images
        trains = train_generators(images, self.train_on)
        most = min(images.largest_size(Subset(train, "train")) for train in trains)
        sizes = sorted({max(1, round(share * most)) for share in self.shares})
        return [
            Cell(detector, Subset(train, "train", size=size), Subset(train, images.held_out), seed)
            for detector in scope.detectors
            for seed in scope.seeds
            for train in trains
            for size in sizes
        ]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The largest share, and all smaller ones."""
        del scope
        most = max((cell.train.size or 0 for cell in cells if cell.train), default=0)
        largest = [cell for cell in cells if cell.train and cell.train.size == most]
        return [
            grouped("largest share", largest, "home"),
            grouped("smaller shares", set(cells) - set(largest), "away"),
        ]
