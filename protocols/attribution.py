"""Attribution: which generator made an image (Saland; Kilinkarov, Dorin and Grabovoy)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import Cell, EvaluationProtocol, MatrixLayout, Scope, Unanswerable, option
from protocols.subsets import cells_of, held_out_generators, mixed_subsets


@dataclass(frozen=True)
class Attribution(EvaluationProtocol):
    """Every detector that can, trained on all generators together, names the generator of each image, or "real".

    An image is right where its own generator, or "real", is named. The section `attribution` of the report has the
    confusion matrix, macro F1, the accuracy of families, and the decision real or generated that follows from the name.
    """

    train_on: tuple[str, ...] = option((), "Generators to tell apart; empty: all.", names="generators")

    name: ClassVar[str] = "attribution"
    title: ClassVar[str] = "Attribution: train on all generators together, name the one of each image (columns)"
    source: ClassVar[str] = (
        "Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024; Kilinkarov, Dorin and Grabovoy, preprint"
    )
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")
    usual_detectors: ClassVar[tuple[str, ...]] = ("clip_classes", "clip_ovo", "two_stage")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed and generator. Raises `Unanswerable` for checkpoints, and one generator alone."""
        if scope.checkpoints:
            msg = (
                f"{', '.join(scope.checkpoints)} would be loaded from a checkpoint, and none names the generators of "
                "this data; give detectors that are trained, or use the protocol released"
            )
            raise Unanswerable(msg)
        train, test = mixed_subsets(scope, self.train_on)
        if len(train.generators) < 2:
            msg = f"{train.name} is the only generator to name; give data with several, or name several in --train-on"
            raise Unanswerable(msg)
        tests = [one for one in held_out_generators(scope.images) if set(one.generators) <= set(test.generators)]
        return [replace(cell, task="generator") for cell in cells_of(scope, [(train, one) for one in tests])]
