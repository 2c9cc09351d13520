"""Cross-generator matrix: train on one generator, test on each (GenImage, arXiv 2306.08571, Tables 2 to 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from protocols.api import Cell, Images, Options, Question, Subset, View, trainable


class CrossGenerator(Question):
    """Every detector, trained on each generator, tested on every generator, the diagonal included."""

    name: ClassVar[str] = "cross_generator"
    title: ClassVar[str] = "Cross-generator: train on one generator (rows), test on each (columns)"
    view: ClassVar[View] = View(rows="train", columns="test")

    def cells(self, images: Images, detectors: Sequence[str], seeds: Sequence[int], options: Options) -> list[Cell]:
        """One cell per detector, seed, train set and test generator."""
        rows, held_out = trainable(images, options.train_on), images.held_out
        return [
            Cell(detector, Subset(train, "train"), Subset((test,), held_out), seed=seed)
            for detector in detectors
            for seed in seeds
            for train in rows
            for test in images.having(held_out)
        ]
