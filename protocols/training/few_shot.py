"""Few-shot: some images of a new generator join the training (after Cozzolino et al., arXiv 2312.00195)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from protocols.api import (
    Axis,
    AxisValue,
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
from protocols.subsets import Question, all_together, cells_of, held_out_generators, require_at_least, trained_cells

USUAL = (0, 1, 4, 16, 64)


def _shots(cell: Cell) -> AxisValue:
    """How many images of the new generator joined the training."""
    return "" if cell.train is None else _count(cell.train)


def _count(train: Subset) -> int:
    return sum(size for _, size in train.shots)


@dataclass(frozen=True)
class FewShot(EvaluationProtocol):
    """Trained on all generators but one, networks go on with k images of that one, heads are refitted; tested on it.

    With the k generated images come k real ones of the same pool. A network goes on from the training without them: it
    is fine-tuned on these 2k images alone, as ForensicTransfer (arXiv 1812.02510) is on a few of a new kind. Each is
    seen 10 times, at a constant tenth of the training's first learning rate, without dropout or new batch statistics
    (see `NetworkRecipe.fine_tune`). A head on frozen embeddings is fitted anew on all images together, which costs
    seconds and is exact. Whatever else cannot go on from a fit, such as an ensemble of networks, is trained anew on all
    images. A notice of the run says who did what.
    """

    shots: tuple[int, ...] = option((), "Numbers of images of the new generator; empty: 0, 1, 4, 16, 64 as there are.")
    new: tuple[str, ...] = option(
        (), "The generators that are new, each by itself; empty: each one.", names="generators"
    )

    name: ClassVar[str] = "few_shot"
    title: ClassVar[str] = "Few-shot: train on all generators but one (rows), go on with k images of that one (columns)"
    source: ClassVar[str] = "Lineup; few training images of a generator as in Cozzolino et al., arXiv 2312.00195"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="test", columns="shots", curves=True)
    axes: ClassVar[Mapping[str, Axis]] = {"shots": Axis(_shots)}

    def __post_init__(self) -> None:
        """Raises ValueError for a negative number of images."""
        require_at_least(0, shots=self.shots)

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, new generator and number of its images. Raises `Unanswerable`."""
        images, tests = scope.images, held_out_generators(scope.images)
        if not scope.trained:
            return cells_of(scope, [(test, test) for test in tests])
        every = all_together(images, ())
        new = all_together(images, self.new)
        if len(every) < 2:
            msg = f"{every[0]} is the only generator with training images, and none is new to it; add others"
            raise Unanswerable(msg)
        counts = self._counts(images, new)
        found: list[Question] = []
        for test in tests:
            (name,) = test.generators
            known = tuple(one for one in every if one != name)
            if name in new:
                found += [(_train(known, name, count), test) for count in counts]
        return [replace(cell, fine_tuned=bool(cell.train and cell.train.shots)) for cell in cells_of(scope, found)]

    def _counts(self, images: Images, new: Sequence[str]) -> list[int]:
        """The numbers of images, ascending. Raises `Unanswerable` for more than there are."""
        most = min(images.largest_size(Subset((name,), "train")) for name in new)
        counts = sorted(set(self.shots)) or [count for count in USUAL if count <= max(most, 1)]
        if counts[-1] > most:
            msg = f"shots {', '.join(map(str, counts))} are not all from 0 to {most}, the most that every generator has"
            raise Unanswerable(msg)
        return counts

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Cells with images of the new generator, those without, and those of each number."""
        del scope
        shots = {cell: _count(train) for cell, train in trained_cells(cells)}
        return [
            grouped("with shots", (cell for cell, count in shots.items() if count), "home"),
            grouped("without", (cell for cell, count in shots.items() if not count)),
            *(
                grouped(f"{count} shot{'s' * (count > 1)}", (cell for cell, one in shots.items() if one == count))
                for count in sorted({*shots.values()} - {0})
            ),
        ]


def _train(known: tuple[str, ...], new: str, count: int) -> Subset:
    """The known generators, and so many images of the new one."""
    label = f"all but {new}"
    if not count:
        return Subset(known, "train", label=label)
    return Subset(known, "train", label=f"{label}, and {count} of it", shots=((new, count),))
