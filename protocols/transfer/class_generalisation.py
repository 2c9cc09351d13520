"""Class generalisation: train on some content classes, test on others (GenImage, arXiv 2306.08571)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import ClassVar

from protocols.api import (
    Axis,
    AxisValue,
    Cell,
    EvaluationProtocol,
    Group,
    MatrixLayout,
    Scope,
    Subset,
    Unanswerable,
    grouped,
    option,
)
from protocols.subsets import (
    Question,
    cells_of,
    halves,
    mixed_subsets,
    require_at_least,
    require_contents,
    trained_cells,
)

STEPS = 4  # numbers of classes: a half of all, a quarter, and so on
SEEN, UNSEEN = "seen", "unseen"


def _classes(cell: Cell) -> AxisValue:
    return "" if cell.train is None else len(cell.train.contents)


def _tested(cell: Cell) -> str:
    """Whether a detector was trained on the classes that it is tested on; of a released one that is not known."""
    if cell.train is None:
        return ""
    return SEEN if set(cell.test.contents) <= set(cell.train.contents) else UNSEEN


@dataclass(frozen=True)
class ClassGeneralisation(EvaluationProtocol):
    """Every detector, trained on k content classes, tested on those and on classes that no train set has.

    The order of the classes is drawn from their names and `draw`: the first k are trained on, and what no k reaches is
    unseen, the same for all k.
    """

    k: tuple[int, ...] = option((), "Numbers of classes to train on; empty: halves down from a half of all.")
    same_size: bool = option(
        default=True, about="As many training images for every number of classes, so that classes alone differ."
    )
    draw: int = option(0, "Draws the order of the classes.")
    train_on: tuple[str, ...] = option((), "Generators to train on, all together; empty: all.", names="generators")

    name: ClassVar[str] = "class_generalisation"
    title: ClassVar[str] = "Class generalisation: train on k content classes (rows), test on those and on others"
    source: ClassVar[str] = "GenImage, arXiv 2306.08571 (train on a subset of the classes, test on the others)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="classes", columns="tested")
    axes: ClassVar[Mapping[str, Axis]] = {"classes": Axis(_classes), "tested": Axis(_tested)}

    def __post_init__(self) -> None:
        """Raises ValueError for a number of classes below 1."""
        require_at_least(1, k=self.k)

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, number of classes, and seen or unseen classes. Raises `Unanswerable`."""
        order = sorted(
            require_contents(scope.images, ()), key=lambda one: sha256(f"{self.draw}/{one}".encode()).digest()
        )
        counts = sorted(set(self.k)) or halves(len(order) // 2, STEPS)
        if counts[0] < 1 or counts[-1] >= len(order):
            msg = (
                f"numbers of classes {', '.join(map(str, counts))} are not all from 1 to {len(order) - 1}: the data "
                f"has {len(order)} content classes, and one at least is to be unseen"
            )
            raise Unanswerable(msg)
        return cells_of(scope, self._questions(scope, order, counts))

    def _questions(self, scope: Scope, order: Sequence[str], counts: Sequence[int]) -> list[Question]:
        """Each number of classes, tested on the classes that are seen and on those that are unseen."""
        train, test = mixed_subsets(scope, self.train_on)
        unseen = replace(test, contents=tuple(sorted(order[counts[-1] :])))
        if not scope.trained:
            return [(train, unseen)]
        trains = [replace(train, contents=tuple(sorted(order[:count]))) for count in counts]
        if self.same_size:
            sizes = [size for one in trains if (size := scope.images.largest_size(one))]  # one of none is left out
            trains = [replace(one, size=min(sizes, default=1)) for one in trains]
        return [(one, shown) for one in trains for shown in (_seen(test, one), unseen)]

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells tested on seen classes, on unseen ones, and of the latter those of each number of classes."""
        del scope
        trained = trained_cells(cells)
        unseen = [(cell, len(train.contents)) for cell, train in trained if _tested(cell) == UNSEEN]
        return [
            grouped("seen classes", (cell for cell, _ in trained if _tested(cell) == SEEN), "home"),
            grouped("unseen classes", (cell for cell, _ in unseen), "away"),
            *(
                grouped(f"unseen, trained on {count}", (cell for cell, one in unseen if one == count))
                for count in sorted({count for _, count in unseen})
            ),
        ]


def _seen(test: Subset, train: Subset) -> Subset:
    """The held-out images of the classes of a train set."""
    return replace(test, contents=train.contents)
