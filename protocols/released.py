"""Released detectors: checkpoints of other people on every generator of one or several data sets, nothing trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from protocols.api import (
    NONE,
    Axis,
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
from protocols.degradations import canonical_steps


def generator_of(cell: Cell) -> str:
    """The generator that a cell tests on, behind its data set where that is a further one of the run."""
    return f"{cell.test.data}:{cell.test.name}" if cell.test.data else cell.test.name


@dataclass(frozen=True)
class Released(EvaluationProtocol):
    """Every checkpoint on every generator, on clean images and under each degradation."""

    degradations: tuple[str, ...] = option(
        (), "As jpeg:65,lr:112+blur:1, or a profile as delivery, beside clean images.", names="degradations"
    )

    name: ClassVar[str] = "released"
    title: ClassVar[str] = "Released: checkpoints of other people on every generator, nothing is trained"
    source: ClassVar[str] = "Lineup; as papers report checkpoints, such as CNNDetection, arXiv 1912.11035"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="degradation", columns="generator")
    axes: ClassVar[Mapping[str, Axis]] = {"generator": Axis(generator_of, generators=True)}
    worst_over: ClassVar[Mapping[str, str]] = {"generator": "generator", "test_data": "data set"}
    trains: ClassVar[bool] = False
    several_data_sets: ClassVar[bool] = True

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per checkpoint, data set, generator and degradation. Raises `Unanswerable` for a trained one."""
        if scope.trained:
            msg = (
                f"{', '.join(scope.trained)} would have to be trained, and this protocol trains nothing; write "
                "DETECTOR@CHECKPOINT with a name of `lineup weights list` or the path of a file"
            )
            raise Unanswerable(msg)
        steps = (NONE, *canonical_steps(self.degradations))
        data_sets = {"": scope.images, **scope.other_images}
        return scope.released_cells(
            [
                Subset((name,), images.untouched, degradation=step, data=data)
                for data, images in data_sets.items()
                for name in images.generators_in(images.untouched)
                for step in steps
            ]
        )

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """Clean images, degraded ones, each degradation, and each data set where there are several."""
        steps = dict.fromkeys(cell.test.degradation for cell in cells)
        found = [grouped(step, (cell for cell in cells if cell.test.degradation == step)) for step in steps]
        if len(steps) > 2:
            found.insert(1, grouped("degraded", (cell for cell in cells if cell.test.degradation != NONE)))
        if scope.other_images:
            found += [
                grouped(f"data: {data or 'the first'}", (cell for cell in cells if cell.test.data == data))
                for data in ("", *scope.other_images)
            ]
        return found if len(found) > 1 else []
