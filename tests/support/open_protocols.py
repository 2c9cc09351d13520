"""Protocols that the harness does not ship: roles that do not come first, no roles, axes of numbers, another task."""

from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import Axis, Cell, EvaluationProtocol, MatrixLayout, Subset, grouped
from tests.support.synthetic_runs import GENERATORS, falling, run_of


@dataclass(frozen=True)
class BySize(EvaluationProtocol):
    """Trained on more and more images of one generator, with and without strong augmentation; no home, no away."""

    sizes: tuple[int | None, ...] = (10, 2, None)
    strengths: tuple[float, ...] = ()

    name: ClassVar[str] = "by_size"
    title: ClassVar[str] = "By size: train on some images (rows), test on each generator (columns)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train_size", columns="test")
    axes: ClassVar = {"strength": Axis(lambda cell: dict(cell.options).get("strength", 0.0))}

    def cells(self, scope):
        options = [(("strength", one),) for one in self.strengths] or [()]
        return [
            Cell(detector, Subset(("fog",), "train", size=size), Subset((test,), "val"), seed, options=chosen)
            for detector in scope.detectors
            for seed in scope.seeds
            for size in self.sizes
            for chosen in options
            for test in GENERATORS[:2]
        ]

    def groups(self, cells, scope):
        return [grouped("few", (cell for cell in cells if cell.train.size == 2))]


@dataclass(frozen=True)
class AwayFirst(EvaluationProtocol):
    """Every generator on every generator; the roles stand last, and one group has neither cells nor a role."""

    name: ClassVar[str] = "away_first"
    title: ClassVar[str] = "Away first: train (rows), test (columns)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope):
        return [
            Cell(detector, Subset((train,), "train"), Subset((test,), "val"), seed)
            for detector in scope.detectors
            for seed in scope.seeds
            for train in GENERATORS
            for test in GENERATORS
        ]

    def groups(self, cells, scope):
        return [
            grouped("on fog", (cell for cell in cells if cell.test.generators == ("fog",))),
            grouped("nobody", ()),
            grouped("abroad", (cell for cell in cells if cell.test != replace(cell.train, split="val")), "away"),
            grouped("own", (cell for cell in cells if cell.test == replace(cell.train, split="val")), "home"),
        ]


@dataclass(frozen=True)
class Naming(AwayFirst):
    """The generator has to be named; cells are those of fog."""

    def cells(self, scope):
        return [replace(cell, task="generator") for cell in super().cells(scope) if cell.train.generators == ("fog",)]


def by_size(sizes=(10, 2, None), strengths=(), **further):
    return run_of(BySize(sizes, strengths), falling(home=0.9, kin=0.7), **further)
