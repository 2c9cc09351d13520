"""Leave-out: one generator, or one family of them, is kept out of a mixed train set and tested (Saland; Yu et al.)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from protocols.api import (
    Cell,
    EvaluationProtocol,
    Group,
    Images,
    MatrixLayout,
    Scope,
    Subset,
    Unanswerable,
    grouped,
    option,
)
from protocols.subsets import all_together, cells_of, held_out_generators, trained_cells


@dataclass(frozen=True)
class LeaveOut(EvaluationProtocol):
    """Every detector, trained on all generators but one, or but one family, tested on every generator."""

    leave: Literal["generator", "family"] = option(
        "generator", "What is left out: one generator, or all generators of one family."
    )
    train_on: tuple[str, ...] = option(
        (), "The generators among which one is left out; empty: all.", names="generators"
    )

    name: ClassVar[str] = "leave_out"
    title: ClassVar[str] = "Leave-out: train on all generators but one (rows), test on each (columns)"
    source: ClassVar[str] = (
        "Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024; Yu et al., slides, CUHK-Shenzhen, 2024; "
        "GenImage, arXiv 2306.08571"
    )
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, generator or family that is left out, and test generator."""
        trains = self._train_sets(scope.images) if scope.trained else [Subset((), "train")]
        tests = held_out_generators(scope.images)
        return cells_of(scope, [(train, test) for train in trains for test in tests])

    def _train_sets(self, images: Images) -> list[Subset]:
        """The train set without each generator or family. Raises `Unanswerable` where nothing would be left."""
        every = all_together(images, self.train_on)
        left_out = tuple(dict.fromkeys(self._unit(name, images) for name in every))
        if len(left_out) < 2:
            msg = (
                f"the data has training images of one {self.leave} alone ({', '.join(every)}), and without it nothing "
                "is left to train on; add others, or use the protocol mixed"
            )
            raise Unanswerable(msg)
        kept = {one: tuple(name for name in every if self._unit(name, images) != one) for one in left_out}
        return [Subset(names, "train", label=f"all but {one}") for one, names in kept.items()]

    def _unit(self, name: str, images: Images) -> str:
        """What is left out where this generator is: its family, or itself."""
        return images.families.get(name, name) if self.leave == "family" else name

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells tested on a generator of the train set, on what was left out of it, and on what no train set has."""
        del scope
        trained = trained_cells(cells)
        every = {name for _, train in trained for name in train.generators}
        seen = [cell for cell, train in trained if set(cell.test.generators) <= set(train.generators)]
        never = [cell for cell, _ in trained if not set(cell.test.generators) & every]
        left = {cell for cell, _ in trained} - {*seen, *never}
        return [
            grouped("trained on", seen, "home"),
            grouped("left out", left, "away"),
            grouped("in no train set", never),
        ]
