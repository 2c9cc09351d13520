"""What has to be done: every cell with its recipe, its key, and the key of the fit that it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from bench.engine.selections import Selections
from bench.engine.versions import code_of
from bench.inference.backends import backend_key
from bench.platform.errors import InputError
from bench.platform.files import digest, plain_name
from bench.platform.option_values import parse_options
from detectors.api import Recipe, Runtime
from detectors.epochs import FineTunable, training_follows_threads
from detectors.network_kinds import fit_reads_outputs, network_kinds
from detectors.weights.released import checkpoint_id
from protocols.api import AXES, Cell, Subset, Task, Unanswerable
from protocols.attacks import parse_attack
from protocols.degradations import Degradation, parse_degradation

LONGEST_NAME = 150  # characters of a file name for what was trained on; file systems take 255 bytes in all
TRAINING_COLUMNS = ("generator", "source", "content")  # what a train set gives of an image beside its label
TASK_COLUMNS: Mapping[Task, tuple[str, ...]] = {"binary": (), "generator": ("generator",)}  # the truth beside the label
DetectorPath = tuple[str, ...]  # the key of a recipe, then names of members of composites
ScoringKey = tuple[str, str]  # key of a fit, and the condition of the images: each image is scored once for it


def runtime_key(runtime: Runtime) -> str:
    """Identity of a runtime as far as it changes scores: the kind of device and the precision, not which card."""
    return f"{runtime.device.partition(':')[0]}-{runtime.precision}"


@dataclass(frozen=True)
class PlannedCell:
    """A cell with its recipe and its keys.

    Attributes:
        cell: The cell of the protocol.
        recipe: Recipe of its detector, with the options of the cell.
        recipe_key: The recipe's key, and behind an @ the content of the files that it is loaded from.
        key: Hash of everything that changes its scores.
        fit_key: Hash of everything that changes the fitted detector, and of how it is shown test images.
        training_key: Hash of everything that changes what fitting learns: detectors that are shown images differently
            share it.
        missing: Why its checkpoint cannot be used, or its detector cannot do its task; empty where they can.
        target: The planned cell of the detector that its images are attacked for; None without an attack.
        base: A cell with the fit that its own one goes on from, by fine-tuning; None where it is fitted at once.
        degrading_device: As `degradation_of`.
    """

    cell: Cell
    recipe: Recipe
    recipe_key: str
    key: str
    fit_key: str
    training_key: str
    missing: str = ""
    target: PlannedCell | None = None
    base: PlannedCell | None = None
    degrading_device: str = ""

    @property
    def fitted_on(self) -> Subset | None:
        """What its own fit reads: all that it trains on, or of that what is new after its base; None without a fit."""
        return self.cell.train.shots_alone if self.base and self.cell.train else self.cell.train

    @property
    def path(self) -> DetectorPath:
        """The path of its detector."""
        return (self.recipe_key,)

    @property
    def subsets(self) -> tuple[Subset, ...]:
        """The subsets that it reads: for its training, then for its test."""
        return tuple(subset for subset in (self.cell.train, self.cell.test) if subset is not None)

    @property
    def scoring_key(self) -> ScoringKey:
        """Equal for cells that need the same answer about an image."""
        return self.fit_key, self.condition

    def degradation(self, subset: Subset) -> Degradation:
        """What all images of one of its subsets go through, computed where the run degrades."""
        return degradation_of(subset, self.degrading_device)

    @property
    def condition(self) -> str:
        """What the test images go through, different for different pixels: a degradation by name, after an attack."""
        degradation = degradation_of(self.cell.test).name
        if self.cell.attack is None or self.target is None:
            return degradation
        return f"{self.cell.attack.method} on {self.target.fit_key}, {degradation}"


def degradation_of(subset: Subset, device: str = "") -> Degradation:
    """What all images of a subset go through.

    Args:
        subset: The subset. What one class of it alone goes through is a part of its images, and not looked at.
        device: The device, as torch names it, on which torch degrades as far as it can; empty for none.
    """
    return parse_degradation(subset.common_degradation).on(device)


def plan(
    cells: Sequence[Cell],
    recipes: Mapping[str, Recipe],
    selections: Selections,
    runtime: Runtime,
    missing: Mapping[str, str] | None = None,
    degrading_device: str = "",
) -> list[PlannedCell]:
    """Give each cell its recipe and its keys.

    Args:
        cells: Of the protocol.
        recipes: By detector as cells name it.
        selections: The images of every subset.
        runtime: Where detectors compute.
        missing: Why the checkpoint of a detector cannot be used, by detector; empty where it can.
        degrading_device: As `degradation_of`.

    Raises:
        Unanswerable: A recipe does not have the options of a cell.
    """
    train_key = cache(partial(_train_key, selections, degrading_device))
    test_keys = {
        (test, task): selections[test].digest_with("source", *TASK_COLUMNS[task])
        for test, task in {(cell.test, cell.task) for cell in cells}
    }
    by_options = {(cell.detector, cell.options): _with_options(recipes[cell.detector], cell) for cell in cells}
    identities = {
        options: ((recipe.key, _key_of_training(recipe)), _key_of_code(recipe, runtime))
        for options, recipe in by_options.items()
    }
    base_of = {cell: found for cell in cells if (found := _base(cell, by_options[cell.detector, cell.options]))}
    related = list(dict.fromkeys([*(cell.attack.target for cell in cells if cell.attack), *base_of.values()]))
    planned_of = {
        item.cell: item
        for item in (plan(related, recipes, selections, runtime, missing, degrading_device) if related else ())
    }
    planned = []
    for cell in cells:
        recipe = by_options[cell.detector, cell.options]
        (recipe_key, key_of_training), code = identities[cell.detector, cell.options]
        base, target = planned_of[base_of[cell]] if cell in base_of else None, None
        if cell.train is None:
            recipe_key = f"{recipe_key}@{checkpoint_id(recipe.card.name, Path(cell.checkpoint))}"
            fit_key = training_key = digest("checkpoint", recipe_key, *code)  # nothing is fitted
        elif base and isinstance(recipe, FineTunable):
            further_training = recipe.fine_tuning, *train_key(cell.train.shots_alone)
            fit_key, training_key = (
                digest("fine-tuned", one, *further_training) for one in (base.fit_key, base.training_key)
            )
        else:
            trained = *train_key(cell.train), str(cell.seed), *_thread_key(recipe, runtime)
            fit_key, training_key = (digest("fit", one, *code, *trained) for one in (recipe_key, key_of_training))
        test_key = test_keys[cell.test, cell.task], degradation_of(cell.test, degrading_device).key
        further = _scoring_parts(cell, recipe, runtime)
        reason = (missing or {}).get(cell.detector, "") or _cannot_name(recipe, cell.task)
        if cell.attack:
            target = planned_of[cell.attack.target]
            further += ["attack", parse_attack(cell.attack.method).key, target.fit_key]
            reason = reason or target.missing
        key = digest("cell", cell.detector, fit_key, *test_key, cell.task, *further)[:32]
        planned.append(
            PlannedCell(cell, recipe, recipe_key, key, fit_key, training_key, reason, target, base, degrading_device)
        )
    return planned


def _key_of_code(recipe: Recipe, runtime: Runtime) -> tuple[str, ...]:
    """Identity of the code that fits, and of what computes networks where the fit reads their scores or embeddings."""
    code = code_of(recipe), runtime_key(runtime)
    backend = backend_key(runtime, network_kinds(recipe))
    return (*code, backend) if backend and fit_reads_outputs(recipe) else code


def training_threads(recipe: Recipe, runtime: Runtime) -> int:
    """The threads that torch trains a recipe with where what is learned depends on their number; 0 where it does not.

    Torch itself knows it: it follows the cores that the process may use, and the environment.
    """
    if runtime.device != "cpu" or not training_follows_threads(recipe):
        return 0
    import torch

    return torch.get_num_threads()


def _thread_key(recipe: Recipe, runtime: Runtime) -> list[str]:
    """Identity of the number of threads, where what is learned depends on it."""
    threads = training_threads(recipe, runtime)
    return [f"{threads} threads"] if threads else []


def _scoring_parts(cell: Cell, recipe: Recipe, runtime: Runtime) -> list[str]:
    """Identity of what changes scores or their records beside the fitted detector and the images, where there is any.

    Records name images with a further data set that they are of.
    """
    backend = backend_key(runtime, network_kinds(recipe))
    return [*([cell.test.data] if cell.test.data else []), *(["backend", backend] if backend else [])]


def _train_key(selections: Selections, degrading_device: str, train: Subset) -> tuple[str, str]:
    """Identity of the images of a train subset and of what is done to them."""
    return selections[train].digest_with(*TRAINING_COLUMNS), degradation_of(train, degrading_device).key


def _base(cell: Cell, recipe: Recipe) -> Cell | None:
    """A cell of the fit that the one of a cell goes on from; None where it does not, or its detector cannot."""
    if not cell.fine_tuned or cell.train is None or not isinstance(recipe, FineTunable):
        return None
    return replace(cell, train=cell.train.without_shots, attack=None, fine_tuned=False)


def _cannot_name(recipe: Recipe, task: Task) -> str:
    """Why a detector cannot do the task; empty where it can, or says so itself once it is fitted."""
    if task == "binary" or recipe.names_generators:
        return ""
    return f"{recipe.card.name} tells real from generated and does not say which generator made an image"


def _key_of_training(recipe: Recipe) -> str:
    """The key of a recipe as far as fitting depends on it: not on how test images are shown."""
    return replace(recipe, input="published").key if recipe.input != "published" else recipe.key


def _with_options(recipe: Recipe, cell: Cell) -> Recipe:
    """The recipe with the options of a cell, checked as those of a user are."""
    if not cell.options:
        return recipe
    try:
        return replace(recipe, **parse_options(type(recipe), dict(cell.options), cell.detector))
    except (InputError, TypeError, ValueError) as error:
        msg = f"{cell.detector} cannot have the options {dict(cell.options)} of a cell: {error}"
        raise Unanswerable(msg) from error


def training_text(cell: Cell) -> str:
    """What a detector was fitted on, in a few words: the generators, and every axis of training beside its default."""
    first = Path(cell.checkpoint).stem if cell.train is None else cell.train.name
    train = None if cell.train is None else Subset(cell.train.generators, "train")
    default = Cell(cell.detector, train, cell.test, checkpoint=cell.checkpoint)
    axes = {name: axis.value for name, axis in AXES.items() if name.startswith("train") or name == "options"}
    further = [f"{name}={value(cell)}" for name, value in axes.items() if value(cell) != value(default)]
    return ",".join([first, *further])


def fit_name(cell: Cell) -> str:
    """A file name for the fit of a detector; those of two checkpoints may be equal.

    A text that is long or has odd characters is shortened, and told from others by its digest.
    """
    text = training_text(cell)
    plain = plain_name(text)[:LONGEST_NAME]
    return f"{plain}-{cell.seed}" if plain == text else f"{plain}-{digest(text)[:8]}-{cell.seed}"


def detector_names(cells: Mapping[str, Cell]) -> dict[str, str]:
    """File names of fitted detectors, different for each.

    Args:
        cells: A cell of each fit, by the key of the fit, which is part of a name that two would have otherwise.
    """
    names = {fit_key: f"{plain_name(cell.detector)}-{fit_name(cell)}" for fit_key, cell in cells.items()}
    counts = Counter(names.values())
    return {fit_key: name if counts[name] == 1 else f"{name}-{fit_key[:8]}" for fit_key, name in names.items()}
