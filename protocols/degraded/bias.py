"""Bias: a degradation of one class only (Grommelt et al., arXiv 2403.17608: real images JPEG, generated ones not)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import (
    NONE,
    Axis,
    Cell,
    DegradedImages,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    Scope,
    Subset,
    Unanswerable,
    grouped,
    option,
)
from protocols.degradations import canonical_steps
from protocols.subsets import Question, cells_of, mixed_subsets, trained_cells

ON: tuple[DegradedImages, ...] = ("both", "real", "generated")


def condition(subset: Subset | None) -> str:
    """What was done to which images of a subset: "none", or such as "jpeg:65 on real"."""
    if subset is None:
        return ""
    return NONE if subset.degradation == NONE else f"{subset.degradation} on {subset.degraded}"


@dataclass(frozen=True)
class Bias(EvaluationProtocol):
    """Every detector, trained and tested with a degradation of no image, of all, of real and of generated ones alone.

    A detector that reads the degradation in place of the generator is best where the bias of testing is that of
    training, and below chance where it is the other way round.
    """

    degradations: tuple[str, ...] = option(
        ("jpeg:65",), "Each by itself, such as jpeg:65,lr:112.", names="degradations"
    )
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "bias"
    title: ClassVar[str] = "Bias: train (rows) and test (columns) with a degradation of one class only, both ways"
    source: ClassVar[str] = "Lineup, after Grommelt et al., Fake or JPEG?, arXiv 2403.17608"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="trained_with", columns="tested_with")
    axes: ClassVar[Mapping[str, Axis]] = {
        "trained_with": Axis(lambda cell: condition(cell.train)),
        "tested_with": Axis(lambda cell: condition(cell.test)),
    }

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, condition of training and of testing. Raises `Unanswerable` without any."""
        if not (steps := canonical_steps(self.degradations)):
            msg = "no degradation is named; give some with --degradations, such as jpeg:65"
            raise Unanswerable(msg)
        train, test = mixed_subsets(scope, self.train_on)
        found: list[Question] = []
        for step in steps:
            tests = [test, *(replace(test, degradation=step, degraded=on) for on in ON)]
            trains = [train, *(_labelled(replace(train, degradation=step, degraded=on)) for on in ON)]
            found += [(one, other) for one in trains for other in tests]
        return cells_of(scope, dict.fromkeys(found))

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """No bias; the same one in training and testing; the opposite one; and bias in training alone."""
        del scope
        trained = trained_cells(cells)
        biased = [(cell, train) for cell, train in trained if train.degraded != "both"]
        same = [cell for cell, train in biased if condition(cell.test) == condition(train)]
        opposite = [cell for cell, train in biased if {cell.test.degraded, train.degraded} == {"real", "generated"}]
        return [
            grouped("no bias", (cell for cell, train in trained if train.degraded == cell.test.degraded == "both")),
            grouped("same bias", same, "home"),
            grouped("opposite bias", opposite, "away"),
            grouped("bias in training alone", (cell for cell, _ in biased if cell.test.degraded == "both")),
        ]


def _labelled(train: Subset) -> Subset:
    """A train subset that files of fitted detectors tell from the same images without the bias."""
    return replace(train, label=f"{train.name}, {condition(train)}")
