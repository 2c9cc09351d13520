"""One run, from what the user asked to result files: resolve, plan, answer, time, write."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bench import settings
from bench.cache import Cache
from bench.curves import CurvesIn, no_curves
from bench.data import EMBEDDED, open_data
from bench.defaults import MAX_UNREADABLE
from bench.devices import describe, runtime
from bench.engine import Engine, Outcome
from bench.errors import InputError
from bench.fitted import Fitted, keep
from bench.fitting import Resources
from bench.images.assembling import treated
from bench.images.census import Census, take_census
from bench.images.imageset import ImageSet
from bench.plan import Planned, Selection, Selections, plan
from bench.progress import Reporter
from bench.records import CELL_COLUMNS, THROUGHPUT_COLUMNS, Run
from bench.routes import trace
from bench.settings import Options as RecipeOptions
from bench.store import Store
from bench.timing import IMAGES, measure
from detectors import catalogue
from detectors.api import Recipe, Runtime, Setting
from protocols.api import Options, Question, Unanswerable
from protocols.degradations import NONE, UnknownDegradation, degradation

PROTOCOLS = "lineup.protocols"
TIMED_BY = ("recipe", "data", "processor", "device", "precision", "batch_size")
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "scikit-learn", "torch", "torchvision", "open_clip_torch")


@dataclass(frozen=True)
class Asked:
    """What a user asked, as the command line has it."""

    protocol: str
    data: str
    detectors: tuple[str, ...]
    setting: str
    device: str
    precision: str
    out: Path
    limit: int | None
    seeds: tuple[int, ...]
    options: Options
    batch_size: int
    workers: int
    cache: Path
    timed: bool = True
    real: str = ""  # where real images lie, for data without any
    arm: str = NONE  # a degradation that every image goes through first, for training and testing alike
    max_unreadable: float = MAX_UNREADABLE
    recipe_options: RecipeOptions = field(default_factory=dict)
    tensorboard: bool = False
    keep_fitted: bool = False


@dataclass(frozen=True)
class Prepared:
    """A run that is planned and not started."""

    asked: Asked
    question: Question
    images: ImageSet
    recipes: dict[str, Recipe]
    runtime: Runtime
    selections: Selections
    planned: list[Planned]
    census: Census
    files: str  # identity of the image files, before anything is done to them

    @property
    def setting(self) -> Setting:
        """The setting that every detector of the run has."""
        return next(iter(self.recipes.values())).setting


def choose_setting(asked: str, images: ImageSet, chosen: Runtime) -> Setting:
    """The setting: what was asked; else "paper" for real data on a GPU, and "small" otherwise."""
    if asked == "paper" or (asked == "auto" and images.kind != EMBEDDED and chosen.device != "cpu"):
        return "paper"
    return "small"


def prepare(asked: Asked, reporter: Reporter) -> Prepared:
    """Resolve every name, read the data and plan the cells. Raises `InputError` for what cannot be used."""
    try:
        return _prepare(asked, reporter)
    except (catalogue.UnknownName, Unanswerable, UnknownDegradation) as error:
        raise InputError(str(error)) from error


def _prepare(asked: Asked, reporter: Reporter) -> Prepared:
    question: Question = catalogue.find(PROTOCOLS, "protocol", asked.protocol)()
    chosen = runtime(asked.device, "bfloat16" if asked.precision == "bfloat16" else "float32")
    names = tuple(catalogue.names()) if asked.detectors == ("all",) else asked.detectors
    if not names:
        msg = f"no detector was named; give some of {', '.join(catalogue.names())}, or all"
        raise InputError(msg)
    options = _recipe_options(asked, names)
    images = open_images(asked, reporter)
    setting = choose_setting(asked.setting, images, chosen)
    recipes = {name: catalogue.recipe(name, setting, **options[name]) for name in names}
    cells = question.cells(images, names, asked.seeds, asked.options)
    if not cells:
        msg = f"{asked.data} leaves nothing to ask: {images.held_out} images of the generators are missing; give more"
        raise InputError(msg)
    used = images.covering({subset for cell in cells for subset in (cell.train, cell.test)})
    with reporter.stage("check files", len(used)) as advance:
        inspection = Cache(asked.cache).inspect(used, asked.workers, advance)
    sound = inspection.checked(asked.max_unreadable)
    selections = Selections.of(sound)
    planned = plan(cells, recipes, selections, chosen)
    files = Selection(sound.images, sound.hashes).digest
    return Prepared(asked, question, images, recipes, chosen, selections, planned, take_census(inspection), files)


def _recipe_options(asked: Asked, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The options of every detector of the run, checked. Raises `InputError` and `UnknownName`."""
    for name in asked.recipe_options:
        if name not in names:
            msg = f"options are given for {name!r}, which is not among the detectors of the run: {', '.join(names)}"
            raise InputError(msg)
    return {
        name: settings.checked(type(catalogue.recipe(name)), asked.recipe_options.get(name, {}), name) for name in names
    }


def open_images(asked: Asked, reporter: Reporter) -> ImageSet:
    """The images that were asked for, at most so many of each kind, in the arm that was asked for."""
    images = open_data(asked.data, asked.cache, asked.workers, reporter, asked.real)
    if asked.limit is not None:
        images = images.limited(asked.limit)
    return images if asked.arm == NONE else treated(images, degradation(asked.arm).name)


def answer(run: Prepared, store: Store, reporter: Reporter) -> Run:
    """Answer the planned cells, time the detectors and record everything."""
    asked = run.asked
    curves = CurvesIn(store.root / "tensorboard") if asked.tensorboard else no_curves
    resources = Resources(Cache(asked.cache), store, reporter, run.runtime, asked.batch_size, asked.workers, curves)
    engine = Engine(run.recipes, run.selections, resources)
    outcomes = engine.run(run.planned)
    reporter.say("Done: " + ", ".join(f"{count} {what}" for what, count in engine.counts.items() if count) + ".")
    store.write("excluded.csv", run.census.excluded.to_csv(index=False).encode())
    store.finish(manifest(run), cell_rows(run.planned, outcomes))
    scored = [item for item in run.planned if outcomes[item.key].status == "scored"]
    trace(scored, run.recipes, run.selections, engine, resources)
    _write_training(run, resources)
    if asked.keep_fitted:
        _keep_fitted(run, scored, engine, resources)
    if asked.timed:
        _time(run, engine, outcomes, resources)
    return store.read()


def _write_training(run: Prepared, resources: Resources) -> None:
    """Write the epochs of every training behind the planned cells as `training.csv`, where there are any."""
    rows = []
    for fit_key, cell in {item.fit_key: item.cell for item in run.planned}.items():
        place = {"fit": fit_key[:12], "detector": cell.detector, "train": cell.train.name, "seed": cell.seed}
        rows += [{**place, "epoch": number, **row} for number, row in enumerate(resources.cache.history(fit_key))]
    known = resources.store.training()  # of fits that the cache has forgotten
    found = pd.concat([pd.DataFrame(rows), known]).drop_duplicates(["fit", "epoch"]) if rows else known
    resources.store.clear("training.csv")
    if (kept := found[found["fit"].isin([item.fit_key[:12] for item in run.planned])]).size:
        resources.store.write("training.csv", kept.to_csv(index=False).encode())


def _keep_fitted(run: Prepared, scored: Sequence[Planned], engine: Engine, resources: Resources) -> None:
    """Write every fitted detector behind the scored cells into the result folder."""
    for item in {one.fit_key: one for one in scored}.values():
        cell = item.cell
        recipe, options = run.recipes[cell.detector], run.asked.recipe_options.get(cell.detector, {})
        where = (cell.train.name, cell.seed, run.images.title)
        said = Fitted(cell.detector, recipe.card.version, recipe.setting, options, *where)
        keep(resources.store.root / "fitted", said, engine.fitted(item).state())


def cell_rows(planned: Sequence[Planned], outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row per planned cell with what became of it, columns `CELL_COLUMNS`."""
    rows = []
    for item in planned:
        cell, outcome = item.cell, outcomes[item.key]
        where = (cell.train.name, cell.test.name, cell.degradation, cell.seed, cell.task)
        rows.append((item.key, cell.detector, *where, outcome.status, outcome.reason))
    return pd.DataFrame(rows, columns=list(CELL_COLUMNS))


def _time(run: Prepared, engine: Engine, outcomes: Mapping[str, Outcome], resources: Resources) -> None:
    """Time one fitted detector of each recipe, unless this folder has its figures already."""
    known = resources.store.throughput()
    conditions = {"data": _data_digest(run), "processor": describe(run.runtime)}
    have = set(zip(*(known[name] for name in TIMED_BY), strict=True))
    wanted: dict[str, Planned] = {}
    for item in run.planned:
        recipe = run.recipes[item.cell.detector]
        place = (recipe.key, *conditions.values(), run.runtime.device, run.runtime.precision, resources.batch_size)
        if outcomes[item.key].status == "scored" and place not in have:
            wanted.setdefault(item.cell.detector, item)
    steps = sorted({item.cell.degradation for item in run.planned} - {NONE})
    rows = []
    with resources.reporter.stage("time detectors", len(wanted)) as advance:
        for name, item in wanted.items():
            few = run.selections[item.cell.test].images.limited(IMAGES // 2)
            try:
                detector = engine.fitted(item)
                figures = measure(detector, few, list(map(degradation, steps)), resources.batch_size, run.runtime)
                rows.append({"detector": name, "recipe": run.recipes[name].key, **conditions, **figures})
            except Exception as error:  # noqa: BLE001 - scores are recorded already: a speed alone is missing, and said so
                resources.reporter.say(f"{name} could not be timed: {type(error).__name__}: {error}")
            advance(1)
    if rows:
        new = pd.DataFrame(rows, columns=list(THROUGHPUT_COLUMNS))
        table = new if known.empty else pd.concat([known, new])
        resources.store.write("throughput.csv", table.to_csv(index=False).encode())


def _data_digest(run: Prepared) -> str:
    """Name, content and label of every image that the protocol uses."""
    return Selection(run.selections.images, run.selections.hashes).digest


def manifest(run: Prepared) -> dict[str, Any]:
    """Everything that says what a run was, ready for JSON."""
    asked, images = run.asked, run.images
    return {
        "protocol": asked.protocol,
        "title": run.question.title,
        "view": asdict(run.question.view),
        "data": {
            "title": images.title,
            "kind": images.kind,
            "version": images.version,
            "digest": _data_digest(run),
            "images": len(run.selections.images),
            "generators": list(images.generators),
            "families": {name: images.families[name] for name in images.generators},
            "limit": asked.limit,
            "arm": asked.arm,
            "files": run.files,
            "census": run.census.to_json(),
        },
        "setting": run.setting,
        "seeds": list(asked.seeds),
        "detectors": {
            name: {"key": one.key, "card": {**asdict(one.card), **one.variant.told()}}
            for name, one in run.recipes.items()
        },
        "runtime": {
            **asdict(run.runtime),
            "processor": describe(run.runtime),
            "batch_size": asked.batch_size,
            "workers": asked.workers,
        },
        "versions": {name: version(name) for name in ("lineup", *LIBRARIES)},
        "commit": _commit(),
        "options": asdict(asked.options),
        "recipe_options": {name: dict(options) for name, options in asked.recipe_options.items()},
    }


def _commit() -> str:
    """The commit of the checkout that this code runs from, or "unknown" outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    except OSError:
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
