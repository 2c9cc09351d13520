"""From a request to a run that is planned and not started: names looked up, files checked, cells keyed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bench.engine.cache import Cache
from bench.engine.plan import PlannedCell, plan
from bench.engine.selections import Selections, images_digest
from bench.images.assembly import with_base_degradation, with_splits_by_content
from bench.images.counts.counted_images import counted_images
from bench.images.data_names import EMBEDDED, is_counts, layout_and_place
from bench.images.data_sets import open_data
from bench.images.image_set import ImageSet, TooFewImages
from bench.images.quality.census import Census, equal_conditions, take_census
from bench.images.quality.inspection import InspectedImages
from bench.images.unmade_corpus import corpus_families, unmade_corpus, unmade_root
from bench.platform.errors import InputError
from bench.platform.option_values import parse_options
from bench.platform.progress import Reporter
from bench.request.defaults import CPU
from bench.request.devices import runtime
from bench.request.early_checks import check_options, check_validation, entries_of
from bench.request.protocol_catalogue import with_generators_of
from bench.request.protocol_check import axes_of, check_cells, protocol_fault
from bench.request.run_request import RunRequest
from bench.request.setting import AUTO, choose_setting
from detectors import catalogue
from detectors.api import Recipe, Runtime, Setting
from detectors.differentiable import has_gradient
from detectors.entries import Entry
from detectors.weights.released import FoundCheckpoint, find_checkpoint
from protocols.api import NONE, Cell, EvaluationProtocol, Group, Scope, Split, Subset, Unanswerable, options_naming
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.validation import ValidationCells, hold_out_validation


@dataclass(frozen=True)
class PlannedRun:
    """A run that is planned and not started.

    Attributes:
        request: The request.
        setting: The setting of every detector.
        data: Image sets by name, as cells name them; "" is the run's own.
        recipes: Recipes by row.
        runtime: Where it will compute.
        selections: The images of every subset.
        cells: The cells of the protocol, in reading order.
        planned: Those of them that the data can answer, then those with validation scores.
        groups: The averages over them.
        censuses: Counts and warnings of the files of each data set, by name as in `data`.
        files: Digest of the image files of the run's own data, before any degradation.
        checkpoints: The files that some of the rows are loaded from, by row.
        unasked: Why the data cannot answer the other cells, by cell.
        validation: The cell with the validation scores of a cell's fit, by cell; what is planned has them too.
        uninspected: Number of files that are known by their names alone, where the plan is only to be looked at.
    """

    request: RunRequest
    setting: Setting
    data: Mapping[str, ImageSet]
    recipes: Mapping[str, Recipe]
    runtime: Runtime
    selections: Selections
    cells: Sequence[Cell]
    planned: Sequence[PlannedCell]
    groups: Sequence[Group]
    censuses: Mapping[str, Census]
    files: str
    checkpoints: Mapping[str, FoundCheckpoint] = field(default_factory=dict)
    unasked: Mapping[Cell, str] = field(default_factory=dict)
    uninspected: int = 0
    validation: Mapping[Cell, Cell] = field(default_factory=dict)

    @property
    def images(self) -> ImageSet:
        """The data of the run."""
        return self.data[""]

    @property
    def degrading_device(self) -> str:
        """As `bench.engine.plan.degradation_of` has it."""
        return _degrading_device(self.request, self.runtime)

    @property
    def protocol(self) -> EvaluationProtocol:
        """The protocol with its options."""
        return self.request.protocol


def plan_run(request: RunRequest, reporter: Reporter, *, dry: bool = False) -> PlannedRun:
    """Resolve every name, read the data and plan the cells.

    Args:
        request: The request.
        reporter: Shows progress.
        dry: Whether the plan is only to be looked at: then nothing is made, decoded or written, and files that were
            never inspected are told apart by their names alone.

    Raises:
        InputError: Something cannot be used.
    """
    try:
        return _plan(request, reporter, dry=dry)
    except (catalogue.UnknownName, Unanswerable, UnknownDegradation) as error:
        raise InputError(str(error)) from error


def _plan(request: RunRequest, reporter: Reporter, *, dry: bool) -> PlannedRun:
    device = runtime(request.device, request.precision, request.backend, request.cache)
    entries = entries_of(request)
    check_options(request.recipe_options, entries)
    check_validation(request)
    checkpoints = _checkpoints(request, entries)
    request = _with_corpus_generators(request)
    further = (*request.data_sets[1:], *request.protocol.data_sets())
    data = {name: _open_images(request, name, reporter, dry=dry) for name in ("", *further)}
    own = data[""]
    protocol = with_generators_of(request.protocol, own.generators, own.title) if own.generators else request.protocol
    request = replace(request, protocol=protocol)
    setting = _setting(request, data[""], device)
    # a released checkpoint is of the published network, whatever size the others are trained in
    recipes = {entry.label: _recipe(request, entry, "paper" if entry.checkpoint else setting) for entry in entries}
    paths = {label: str(found.path) for label, found in checkpoints.items()}
    differentiable = [label for label, recipe in recipes.items() if has_gradient(recipe)]
    others = {name: images for name, images in data.items() if name}
    scope = Scope(own, tuple(recipes), request.seeds, others, paths, differentiable)
    held_out = _checked_cells(request, scope, recipes, data)
    cells, groups = held_out.cells, held_out.groups
    facts = {name: _facts_of_used(request, name, data[name], cells, reporter, dry=dry) for name in data}
    inspections = {name: found for name, (found, _) in facts.items()}
    sound = {name: inspection.require_usable(request.max_unreadable) for name, inspection in inspections.items()}
    selections = Selections(sound, {subset for cell in cells for subset in (cell.train, cell.test) if subset})
    unasked = _unasked(cells, selections)
    asked = [cell for cell in cells if cell not in unasked]
    validation = held_out.validation_of(asked)
    return PlannedRun(
        request,
        setting,
        data,
        recipes,
        device,
        selections,
        cells,
        plan(
            [*asked, *dict.fromkeys(validation.values())],
            recipes,
            selections,
            device,
            {label: found.missing for label, found in checkpoints.items()},
            _degrading_device(request, device),
        ),
        groups,
        {
            name: _with_equal_conditions(
                _with_overlap(_census(request, *found), name, asked, selections), name, asked, *found
            )
            for name, found in facts.items()
        },
        images_digest(sound[""].images, sound[""].hashes),
        checkpoints,
        unasked,
        sum(count for _, count in facts.values()),
        validation,
    )


def _degrading_device(request: RunRequest, runtime: Runtime) -> str:
    """The device on which torch degrades images, empty for none; a node of a cluster sees its own card alone."""
    if request.degrade_on == CPU:
        return ""
    return runtime.device.partition(":")[0] if request.cluster else runtime.device


def _checkpoints(request: RunRequest, entries: Sequence[Entry]) -> dict[str, FoundCheckpoint]:
    """The files that some of the rows are loaded from, by row."""
    return {
        entry.label: find_checkpoint(entry.detector, entry.checkpoint, request.weights_folder)
        for entry in entries
        if entry.checkpoint
    }


def _checked_cells(
    request: RunRequest, scope: Scope, recipes: Mapping[str, Recipe], data: Mapping[str, ImageSet]
) -> ValidationCells:
    """The cells and averages of the protocol, without faults, and what is held out. Raises what `plan_run` raises."""
    found = hold_out_validation(*_cells_and_groups(request.protocol, scope), request.validation)
    if not found.cells:
        held_out = data[""].held_out
        msg = f"{request.data} leaves nothing to ask: {held_out} images of the generators are missing; give more"
        raise InputError(msg)
    check_cells(request.protocol, found.cells, found.groups, tuple(recipes), data)
    _require_naming(found.cells, recipes)
    return found


def _require_naming(cells: Sequence[Cell], recipes: Mapping[str, Recipe]) -> None:
    """Raise `InputError` where every cell asks which generator made an image, and no detector says that."""
    asked = {cell.detector for cell in cells if cell.task == "generator"}
    if not asked or len(asked) < len({cell.detector for cell in cells}):
        return
    if any(recipes[name].names_generators for name in asked):
        return
    able = [name for name in catalogue.names() if catalogue.recipe(name).names_generators]
    names = ", ".join(recipes)
    msg = f"none of {names} says which generator made an image, which is asked here; give some of {', '.join(able)}"
    raise InputError(msg)


def _census(request: RunRequest, inspection: InspectedImages, uninspected: int) -> Census:
    """The census of a data set; where splits were drawn for training, with the generators that have none of one."""
    images = inspection.images
    if uninspected:
        note = f"{uninspected} of {images.count} files were never inspected: the run will decode each of them first"
        known = take_census(InspectedImages(images.select([]), inspection.records.iloc[:0]))
        return replace(known, notes=(*images.notes, note))
    census = take_census(inspection)
    if not (request.protocol.trains and images.drawn_splits):
        return census
    needed: tuple[tuple[Split, str], ...] = (("train", "trained on"), ("test", "tested"))
    warnings = [
        f"{generator} has too few images for a {split} split, and is not {verb}"
        for split, verb in needed
        for generator in images.generators
        if generator not in images.generators_in(split)
    ]
    return replace(census, warnings=(*census.warnings, *warnings))


def _with_overlap(census: Census, data: str, cells: Sequence[Cell], selections: Selections) -> Census:
    """The census of a data set, with a warning where images of a further one are tested that were trained on."""
    trained = {cell.train for cell in cells if cell.train and cell.train.data != data}
    tested = {cell.test for cell in cells if cell.train and cell.test.data == data}
    if not (data and trained and tested):
        return census
    images = selections.positions(tested)
    count = int(np.isin(images, selections.positions(trained)).sum())
    if not count:
        return census
    warning = f"{count} of its {len(images)} tested images are among those that are trained on: they show no transfer"
    return replace(census, warnings=(*census.warnings, warning))


def _with_equal_conditions(
    census: Census, data: str, cells: Sequence[Cell], inspected: InspectedImages, uninspected: int
) -> Census:
    """The census of a data set, with a warning where it is tested under degradations that are one to its images.

    A degradation that every image went through first may change its size, and that of a file that was never inspected
    is not known: then nothing is said.
    """
    if uninspected or any(inspected.images.degradations):
        return census
    tested = dict.fromkeys(cell.test.degradation for cell in cells if cell.test.data == data)
    return replace(census, warnings=(*census.warnings, *equal_conditions(inspected, tested)))


def _unasked(cells: Sequence[Cell], selections: Selections) -> dict[Cell, str]:
    """Why the data cannot answer some of the cells. Raises `TooFewImages` where it can answer none."""
    faults: dict[Subset, TooFewImages] = {}
    for subset in dict.fromkeys(subset for cell in cells for subset in (cell.train, cell.test) if subset):
        try:
            selections[subset]
        except TooFewImages as error:
            faults[subset] = error
    lost = {cell: next((faults[one] for one in (cell.train, cell.test) if one in faults), None) for cell in cells}
    if all(lost.values()):
        raise next(iter(faults.values()))
    return {cell: fault.reason for cell, fault in lost.items() if fault}


def _setting(request: RunRequest, images: ImageSet, device: Runtime) -> Setting:
    """The setting of what is trained; released checkpoints are of the published networks."""
    if not request.protocol.trains:
        if request.setting not in {AUTO, "paper"}:
            msg = f"--setting {request.setting} is for what is trained, and {request.protocol.name} trains nothing"
            raise InputError(msg)
        return "paper"
    return choose_setting(request.setting, real_data=images.kind != EMBEDDED, device=device.device)


def _with_corpus_generators(request: RunRequest) -> RunRequest:
    """The request with generators that the embedded corpus has, which are known before it is made."""
    protocol = request.protocol
    if request.data_sets[0] != EMBEDDED or not any(options_naming(protocol, "generators").values()):
        return request
    return replace(request, protocol=with_generators_of(protocol, list(corpus_families()), "the embedded corpus"))


def _open_images(request: RunRequest, name: str, reporter: Reporter, *, dry: bool) -> ImageSet:
    """A data set of the run, "" its own: limited, and under the base degradation, as the request says."""
    if not name and request.images is not None:
        return request.images
    text, real = name or request.data_sets[0], "" if name else request.real
    if is_counts(text):
        if not dry:
            msg = f"{text} are numbers of images, and none is here to be read; add --dry-run, or name the images"
            raise InputError(msg)
        images: ImageSet = counted_images(layout_and_place(text)[1])
    elif dry and text == EMBEDDED and (root := unmade_root(request.cache)):
        images = unmade_corpus(root)
    else:
        opened = open_data(text, request.cache, request.workers, reporter, real, request.reading)
        images = replace(opened, max_pixels=request.max_pixels)
    if request.limit is not None:
        images = images.select_at_most(request.limit)
    if images.drawn_splits and request.protocol.trains and not dry:
        inspected = _inspect(request, images, reporter)
        images = with_splits_by_content(images, inspected.hashes)
    return (
        images
        if request.base_degradation == NONE
        else with_base_degradation(images, parse_degradation(request.base_degradation).name)
    )


def _recipe(request: RunRequest, entry: Entry, setting: Setting) -> Recipe:
    """The recipe of a row. Raises `InputError` for options that do not go together."""
    name = entry.detector
    written = {**request.recipe_options.get(name, {}), **entry.options}
    options = parse_options(type(catalogue.recipe(name)), written, name)
    try:
        return catalogue.recipe(name, setting, **options)
    except ValueError as error:
        msg = f"{name} cannot have the options {dict(options)}: {error}"
        raise InputError(msg) from error


def _cells_and_groups(protocol: EvaluationProtocol, scope: Scope) -> tuple[list[Cell], list[Group]]:
    """The cells of a protocol, and the averages over them. Raises `Unanswerable`, `UnknownDegradation`."""
    try:
        cells = protocol.cells(scope)
        for cell in cells:
            for axis in axes_of(protocol).values():
                axis.value(cell)
        return cells, protocol.groups(cells, scope)
    except (InputError, Unanswerable, UnknownDegradation):
        raise
    except Exception as error:
        raise protocol_fault(protocol, f"breaks with {type(error).__name__}: {error}") from error


def _facts_of_used(
    request: RunRequest, name: str, images: ImageSet, cells: Sequence[Cell], reporter: Reporter, *, dry: bool
) -> tuple[InspectedImages, int]:
    """The facts of the files that the cells name, and of how many there are none in a dry run."""
    named = {subset for cell in cells for subset in (cell.train, cell.test) if subset and subset.data == name}
    used = images.select_subsets(named)
    if dry:
        return Cache.at(request.cache).recall(used, request.workers)
    return _inspect(request, used, reporter), 0


def _inspect(request: RunRequest, images: ImageSet, reporter: Reporter) -> InspectedImages:
    """The facts of some files, from the cache where it has them."""
    with reporter.stage("check files", len(images)) as advance:
        return Cache.at(request.cache).inspect(images, request.workers, advance)
