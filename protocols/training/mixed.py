"""Mixed training: all generators together, accuracy on each (Kilinkarov, Dorin and Grabovoy: a table of 26 classes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from protocols.api import Cell, EvaluationProtocol, Group, MatrixLayout, Scope, grouped, option
from protocols.subsets import cells_of, held_out_generators, mixed_subsets, trained_cells


@dataclass(frozen=True)
class Mixed(EvaluationProtocol):
    """Every detector, trained on several generators together, tested on every generator."""

    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "mixed"
    title: ClassVar[str] = "Mixed: train on several generators together (rows), test on each (columns)"
    source: ClassVar[str] = (
        "Kilinkarov, Dorin and Grabovoy, Robust method for detecting machine-generated images, preprint"
    )
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed and test generator."""
        train, _ = mixed_subsets(scope, self.train_on)
        return cells_of(scope, [(train, test) for test in held_out_generators(scope.images)])

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells tested on generators of the train set, and on others."""
        del scope
        trained = trained_cells(cells)
        home = [cell for cell, train in trained if set(cell.test.generators) <= set(train.generators)]
        others = [cell for cell, _ in trained if cell not in set(home)]
        away = [grouped("not trained on", others, "away")] if others else []
        return [grouped("trained on", home, "home"), *away]
