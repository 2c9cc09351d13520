"""From a request to a run that is planned and not started: names looked up, files checked, cells keyed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.engine.cache import Cache
from bench.engine.plan import PlannedCell, plan
from bench.engine.selections import Selections, images_digest
from bench.images.assembly import require_both_classes, with_base_degradation
from bench.images.data_names import EMBEDDED
from bench.images.data_sets import open_data
from bench.images.image_set import ImageSet
from bench.images.quality.census import Census, take_census
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
from bench.platform.option_values import parse_options
from bench.platform.progress import Reporter
from bench.request.devices import runtime
from bench.request.early_checks import check_options, entries_of
from bench.request.protocol_check import axes_of, check_cells, protocol_fault
from bench.request.run_request import RunRequest
from bench.request.setting import AUTO, choose_setting
from detectors import catalogue
from detectors.api import Recipe, Runtime, Setting
from detectors.entries import Entry
from detectors.weights.released import FoundCheckpoint, find_checkpoint
from protocols.api import NONE, Cell, EvaluationProtocol, Group, Scope, Unanswerable
from protocols.degradations import UnknownDegradation, parse_degradation


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
        planned: The cells.
        groups: The averages over them.
        censuses: Counts and warnings of the files of each data set, by name as in `data`.
        files: Digest of the image files of the run's own data, before any degradation.
        checkpoints: The files that some of the rows are loaded from, by row.
    """

    request: RunRequest
    setting: Setting
    data: Mapping[str, ImageSet]
    recipes: Mapping[str, Recipe]
    runtime: Runtime
    selections: Selections
    planned: Sequence[PlannedCell]
    groups: Sequence[Group]
    censuses: Mapping[str, Census]
    files: str
    checkpoints: Mapping[str, FoundCheckpoint] = field(default_factory=dict)

    @property
    def images(self) -> ImageSet:
        """The data of the run."""
        return self.data[""]

    @property
    def protocol(self) -> EvaluationProtocol:
        """The protocol with its options."""
        return self.request.protocol


def plan_run(request: RunRequest, reporter: Reporter) -> PlannedRun:
    """Resolve every name, read the data and plan the cells. Raises `InputError` for what cannot be used."""
    try:
        return _plan(request, reporter)
    except (catalogue.UnknownName, Unanswerable, UnknownDegradation) as error:
        raise InputError(str(error)) from error


def _plan(request: RunRequest, reporter: Reporter) -> PlannedRun:
    device = runtime(request.device, request.precision)
    entries = entries_of(request)
    check_options(request.recipe_options, entries)
    further = (*request.data_sets[1:], *request.protocol.data_sets())
    data = {name: _open_images(request, name, reporter) for name in ("", *further)}
    if request.protocol.trains:
        for images in data.values():
            require_both_classes(images)
    setting = _setting(request, data[""], device)
    checkpoints = {
        entry.label: find_checkpoint(entry.detector, entry.checkpoint, request.weights_folder)
        for entry in entries
        if entry.checkpoint
    }
    # a released checkpoint is of the published network, whatever size the others are trained in
    recipes = {entry.label: _recipe(request, entry, "paper" if entry.checkpoint else setting) for entry in entries}
    names = tuple(recipes)
    paths = {label: str(found.path) for label, found in checkpoints.items()}
    scope = Scope(data[""], names, request.seeds, {name: images for name, images in data.items() if name}, paths)
    cells, groups = _cells_and_groups(request.protocol, scope)
    if not cells:
        held_out = data[""].held_out
        msg = f"{request.data} leaves nothing to ask: {held_out} images of the generators are missing; give more"
        raise InputError(msg)
    check_cells(request.protocol, cells, groups, names, data)
    inspections = {name: _inspect_used(request, name, data[name], cells, reporter) for name in data}
    sound = {name: inspection.require_usable(request.max_unreadable) for name, inspection in inspections.items()}
    selections = Selections(sound)
    return PlannedRun(
        request,
        setting,
        data,
        recipes,
        device,
        selections,
        plan(cells, recipes, selections, device, {label: found.missing for label, found in checkpoints.items()}),
        groups,
        {name: take_census(inspection) for name, inspection in inspections.items()},
        images_digest(sound[""].images, sound[""].hashes),
        checkpoints,
    )


def _setting(request: RunRequest, images: ImageSet, device: Runtime) -> Setting:
    """The setting of what is trained; released checkpoints are of the published networks."""
    if not request.protocol.trains:
        if request.setting not in {AUTO, "paper"}:
            msg = f"--setting {request.setting} is for what is trained, and {request.protocol.name} trains nothing"
            raise InputError(msg)
        return "paper"
    return choose_setting(request.setting, real_data=images.kind != EMBEDDED, device=device.device)


def _open_images(request: RunRequest, name: str, reporter: Reporter) -> ImageSet:
    """A data set of the run, "" its own: limited, and under the base degradation, as the request says."""
    real = "" if name else request.real
    opened = open_data(name or request.data_sets[0], request.cache, request.workers, reporter, real)
    images = replace(opened, max_pixels=request.max_pixels)
    if request.limit is not None:
        images = images.select_at_most(request.limit)
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


def _inspect_used(
    request: RunRequest, name: str, images: ImageSet, cells: Sequence[Cell], reporter: Reporter
) -> InspectedImages:
    """The facts of the files that the cells name."""
    named = {subset for cell in cells for subset in (cell.train, cell.test) if subset and subset.data == name}
    used = images.select_subsets(named)
    with reporter.stage("check files", len(used)) as advance:
        return Cache(request.cache).inspect(used, request.workers, advance)
