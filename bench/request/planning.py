"""From what a user asked to a run that is planned and not started: names looked up, files checked, cells keyed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import settings
from bench.cache import Cache
from bench.data import EMBEDDED, open_data
from bench.devices import runtime
from bench.engine.plan import Planned, plan
from bench.engine.selections import Selections, digest_of
from bench.errors import InputError
from bench.images.assembling import treated
from bench.images.census import Census, take_census
from bench.images.imageset import ImageSet
from bench.images.inspection import Inspection
from bench.progress import Reporter
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.request.run_request import RunRequest
from detectors import catalogue
from detectors.api import Recipe, Runtime, Setting
from protocols.api import AXES, NONE, Cell, EvaluationProtocol, Group, Scope, Unanswerable
from protocols.degradations import UnknownDegradation, degradation


@dataclass(frozen=True)
class PlannedRun:
    """A run that is planned and not started.

    Attributes:
        request: What was asked.
        setting: That every detector has.
        data: Image sets by name, as cells name them; "" is the run's own.
        recipes: By name.
        runtime: Where it will compute.
        selections: The images of every subset.
        planned: The cells.
        groups: The averages over them.
        census: What the files of the run's own data are.
        files: Identity of its image files, before anything is done to them.
    """

    request: RunRequest
    setting: Setting
    data: Mapping[str, ImageSet]
    recipes: Mapping[str, Recipe]
    runtime: Runtime
    selections: Selections
    planned: Sequence[Planned]
    groups: Sequence[Group]
    census: Census
    files: str

    @property
    def images(self) -> ImageSet:
        """The data of the run."""
        return self.data[""]

    @property
    def protocol(self) -> EvaluationProtocol:
        """What is asked."""
        return self.request.protocol


def choose_setting(asked: str, images: ImageSet, chosen: Runtime) -> Setting:
    """The setting: what was asked; else "paper" for real data on a GPU, and "small" otherwise."""
    if asked == "paper" or (asked == "auto" and images.kind != EMBEDDED and chosen.device != "cpu"):
        return "paper"
    return "small"


def prepare(request: RunRequest, reporter: Reporter) -> PlannedRun:
    """Resolve every name, read the data and plan the cells. Raises `InputError` for what cannot be used."""
    try:
        return _prepare(request, reporter)
    except (catalogue.UnknownName, Unanswerable, UnknownDegradation) as error:
        raise InputError(str(error)) from error


def _prepare(request: RunRequest, reporter: Reporter) -> PlannedRun:
    chosen = runtime(request.device, "bfloat16" if request.precision == "bfloat16" else "float32")
    names = _detectors(request)
    options = _recipe_options(request, names)
    data = {name: open_images(request, name, reporter) for name in ("", *request.protocol.data_sets())}
    setting = choose_setting(request.setting, data[""], chosen)
    recipes = {name: catalogue.recipe(name, setting, **options[name]) for name in names}
    scope = Scope(data[""], names, request.seeds, {name: images for name, images in data.items() if name})
    cells = request.protocol.cells(scope)
    if not cells:
        held_out = data[""].held_out
        msg = f"{request.data} leaves nothing to ask: {held_out} images of the generators are missing; give more"
        raise InputError(msg)
    groups = request.protocol.groups(cells, scope)
    _check(request.protocol, cells, groups)
    inspections = {name: _inspect(request, name, data[name], cells, reporter) for name in data}
    sound = {name: one.checked(request.max_unreadable) for name, one in inspections.items()}
    selections = Selections(sound)
    return PlannedRun(
        request,
        setting,
        data,
        recipes,
        chosen,
        selections,
        plan(cells, recipes, selections, chosen),
        groups,
        take_census(inspections[""]),
        digest_of(sound[""].images, sound[""].hashes),
    )


def _detectors(request: RunRequest) -> tuple[str, ...]:
    """The names of the detectors, "all" spelled out."""
    names = tuple(catalogue.names()) if request.detectors == ("all",) else request.detectors
    if not names:
        msg = f"no detector was named; give some of {', '.join(catalogue.names())}, or all"
        raise InputError(msg)
    return names


def _recipe_options(request: RunRequest, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The options of every detector of the run, checked. Raises `InputError` and `UnknownName`."""
    for name in request.recipe_options:
        if name not in names:
            msg = f"options are given for {name!r}, which is not among the detectors of the run: {', '.join(names)}"
            raise InputError(msg)
    return {
        name: settings.checked(type(catalogue.recipe(name)), request.recipe_options.get(name, {}), name)
        for name in names
    }


def open_images(request: RunRequest, name: str, reporter: Reporter) -> ImageSet:
    """A data set of the run, at most so many images of each kind, in the arm that was asked for; "" is its own."""
    real = "" if name else request.real
    images = open_data(name or request.data, request.cache, request.workers, reporter, real)
    if request.limit is not None:
        images = images.limited(request.limit)
    return images if request.arm == NONE else treated(images, degradation(request.arm).name)


def _check(protocol: EvaluationProtocol, cells: Sequence[Cell], groups: Sequence[Group]) -> None:
    """Raise `Unanswerable` for what only a fault of the protocol explains."""
    axes, planned = {**AXES, **protocol.axes}, set(cells)
    names, roles = [one.name for one in groups], [one.role for one in groups if one.role]
    lost = [axis for axis in (protocol.view.rows, protocol.view.columns) if axis not in axes]
    taken = sorted({*columns.CELLS, *columns.MEASURES} & set(protocol.axes))
    strange = [one.name for one in groups if not one.cells <= planned]
    faults = {
        f"lays its answers out by {', '.join(lost)}, and there are {', '.join(axes)}": lost,
        f"calls an axis of its own {', '.join(taken)}, which is a column already": taken,
        "asks the same question twice": len(planned) < len(cells),
        f"has two averages of one name, or one called {ALL_CELLS!r}": len({*names, ALL_CELLS}) <= len(names),
        "has two averages at home, or two away": len(set(roles)) < len(roles),
        f"averages cells that it does not ask for, in {', '.join(strange)}": strange,
    }
    for fault, found in faults.items():
        if found:
            msg = f"the protocol {protocol.name} {fault}: that is to be mended in {type(protocol).__module__}"
            raise Unanswerable(msg)


def _inspect(request: RunRequest, name: str, images: ImageSet, cells: Sequence[Cell], reporter: Reporter) -> Inspection:
    """What is known of the files that the cells name."""
    named = {subset for cell in cells for subset in (cell.train, cell.test) if subset and subset.data == name}
    used = images.covering(named)
    with reporter.stage("check files", len(used)) as advance:
        return Cache(request.cache).inspect(used, request.workers, advance)
