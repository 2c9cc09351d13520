"""Degradation matrix: train on one generator, test on degraded images (GenImage, arXiv 2306.08571, Table 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from protocols.api import Cell, Images, Options, Question, Subset, View, trainable
from protocols.degradations import NONE, degradation

PREFERRED = "SDv1.4"  # what GenImage trains on for this table
GENIMAGE = ("lr:112", "lr:64", "jpeg:65", "jpeg:30", "blur:3", "blur:5")
# On small images GenImage's own steps leave every detector at chance, which ranks nothing.
SMALL_SIDE = 128
MILDER = ("lr:112", "lr:96", "lr:64", "jpeg:85", "jpeg:65", "jpeg:30", "blur:0.5", "blur:1", "blur:3", "blur:5")


class Degraded(Question):
    """Every detector, trained on clean images of one generator, tested on the same one under each degradation."""

    name: ClassVar[str] = "degradation"
    title: ClassVar[str] = "Degradation: train on clean images (rows), test under each degradation (columns)"
    view: ClassVar[View] = View(rows="train", columns="degradation")

    def cells(self, images: Images, detectors: Sequence[str], seeds: Sequence[int], options: Options) -> list[Cell]:
        """One cell per detector, seed, train generator, test generator and degradation."""
        there = trainable(images, options.train_on)
        preferred = (PREFERRED,)
        rows = there if options.train_on else (preferred if preferred in there else there[0],)
        held_out = images.held_out
        default_steps = MILDER if images.short_side <= SMALL_SIDE else GENIMAGE
        steps = tuple(degradation(text).name for text in options.degradations if text != NONE) or default_steps
        return [
            Cell(detector, Subset(train, "train"), Subset(test, held_out), step, seed)
            for detector in detectors
            for seed in seeds
            for train in rows
            for test in ([(name,) for name in images.having(held_out)] if options.test_all else (train,))
            for step in (NONE, *steps)
        ]
