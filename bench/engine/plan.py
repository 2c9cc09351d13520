"""What has to be done: every cell with its recipe, its key, and the key of the fit that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.selections import Selections
from bench.engine.versions import code_of
from bench.platform.errors import InputError
from bench.platform.files import digest
from bench.platform.option_values import checked
from detectors.api import Recipe, Runtime
from detectors.weight_file import content_id
from protocols.api import Cell, Task, Unanswerable
from protocols.degradations import degradation

TOLD = ("generator", "source", "content")  # what a train set tells of an image beside its label
TASKS: Mapping[Task, tuple[str, ...]] = {"binary": (), "generator": ("generator",)}  # what decides beside the label
Place = tuple[str, ...]  # of a detector: the key of its recipe, then names of members


def runtime_key(runtime: Runtime) -> str:
    """What of a runtime changes scores: the kind of device and the precision, not which card."""
    return f"{runtime.device.partition(':')[0]}-{runtime.precision}"


@dataclass(frozen=True)
class PlannedCell:
    """One cell.

    Attributes:
        cell: What is asked.
        recipe: Of its detector, with the options of the cell.
        recipe_key: The recipe's key.
        key: Hash of everything that changes its scores.
        fit_key: Hash of everything that changes the fitted detector.
    """

    cell: Cell
    recipe: Recipe
    recipe_key: str
    key: str
    fit_key: str

    @property
    def place(self) -> Place:
        """What the detector's preparations are called by."""
        return (self.recipe_key,)


def plan(
    cells: Sequence[Cell], recipes: Mapping[str, Recipe], selections: Selections, runtime: Runtime
) -> list[PlannedCell]:
    """Give each cell its recipe and its keys. Raises `Unanswerable` for options that a recipe does not have."""
    trains = {
        train: (selections[train].digest_with(*TOLD), degradation(train.degradation).key)
        for train in {cell.train for cell in cells}
        if train is not None
    }
    asked = {(cell.test, cell.task) for cell in cells}
    tests = {(test, task): selections[test].digest_with("source", *TASKS[task]) for test, task in asked}
    chosen = {(cell.detector, cell.options): with_options(recipes[cell.detector], cell) for cell in cells}
    codes = {place: (recipe.key, code_of(recipe), runtime_key(runtime)) for place, recipe in chosen.items()}
    planned = []
    for cell in cells:
        code = codes[cell.detector, cell.options]
        if cell.train is None:
            fit_key = digest("checkpoint", *code, content_id(Path(cell.checkpoint)))
        else:
            fit_key = digest("fit", *code, *trains[cell.train], str(cell.seed))
        parts = (cell.detector, fit_key, tests[cell.test, cell.task], degradation(cell.test.degradation).key, cell.task)
        recipe = chosen[cell.detector, cell.options]
        planned.append(PlannedCell(cell, recipe, code[0], digest("cell", *parts)[:32], fit_key))
    return planned


def with_options(recipe: Recipe, cell: Cell) -> Recipe:
    """The recipe with the options of a cell, checked as those of a user are."""
    try:
        return replace(recipe, **checked(type(recipe), dict(cell.options), cell.detector))
    except (InputError, TypeError, ValueError) as error:
        msg = f"{cell.detector} cannot have the options {dict(cell.options)} of a cell: {error}"
        raise Unanswerable(msg) from error
