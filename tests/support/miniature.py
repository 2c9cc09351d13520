"""A miniature data set, two small recipes, and a run over them, for tests of the engine."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from PIL import Image
from rich.console import Console

from bench.engine.cache import Cache
from bench.engine.places.one_machine import OneMachine
from bench.engine.places.work_place import WorkPlace
from bench.engine.plan import PlannedCell, plan
from bench.engine.run import Engine, Resources
from bench.engine.selections import Selections
from bench.images.data_sets import read
from bench.images.quality.census import take_census
from bench.platform.processes.executors import Executor, in_processes
from bench.platform.progress import Reporter
from bench.records.outcomes import Outcome
from bench.records.run import Run
from bench.records.store import Store
from bench.request.planned_run import PlannedRun
from bench.request.run_record import cell_table, manifest_of
from bench.request.run_request import RunRequest
from detectors.api import (
    Array,
    Card,
    Embedder,
    Embeddings,
    Probe,
    Recipe,
    Runtime,
    Sample,
    Scores,
    Setting,
    State,
    TrainSet,
    Unavailable,
    Variant,
)
from detectors.checks import texture
from protocols.api import Cell, EvaluationProtocol, Group, MatrixLayout, Scope, Subset, grouped

GENERATORS = {"even": (0, 20), "odd": (1, 14), "faint": (0, 5)}
SIZES = {"train": 8, "val": 6}


class Means(Embedder):
    """Mean and deviation of each phase of a 2x2 grid; counts what it embeds."""

    key = "means.1"
    dim = 8

    def __init__(self) -> None:
        self.embedded = 0

    def prepare(self, sample: Sample) -> Array:
        grey = sample.pixels.astype(np.float32).mean(axis=2)
        phases = [grey[y::2, x::2] - grey.mean() for y in (0, 1) for x in (0, 1)]
        return np.array([value for phase in phases for value in (phase.mean(), phase.std())], dtype=np.float32)

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        self.embedded += len(batch)
        return np.asarray(batch, dtype=np.float32).reshape(-1, self.dim)


class NearestMean(Probe):
    def __init__(self, embedder: Embedder, means: Array) -> None:
        self.embedder = embedder
        self.means = means

    def decide(self, embeddings: Embeddings) -> Scores:
        real, generated = (np.square(embeddings - mean).sum(axis=1) for mean in self.means)
        return (real / (real + generated + 1e-9)).astype(np.float32)

    def state(self) -> State:
        return {"means": self.means}


@dataclass(frozen=True)
class NearestMeanRecipe(Recipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="nearest_mean")
    variants: ClassVar[Mapping[Setting, Variant]] = Checkerboard.variants
    shared: Means = field(default_factory=Means, compare=False)

    def embedder(self, runtime: Runtime) -> Embedder:
        return self.shared

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> NearestMean:
        embeddings = train.embed(self.shared)
        return NearestMean(self.shared, np.stack([embeddings[train.labels == label].mean(axis=0) for label in (0, 1)]))

    def restore(self, state: State, runtime: Runtime) -> NearestMean:
        return NearestMean(self.shared, state["means"])


@dataclass(frozen=True)
class Missing(NearestMeanRecipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="missing")

    def embedder(self, runtime: Runtime) -> Embedder:
        msg = "weights of missing are not here; fetch them"
        raise Unavailable(msg)


@dataclass(frozen=True)
class Smoothed(Checkerboard):
    """A plug-in's recipe with an option, which says nothing of keys."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="smoothed")
    sigma: float = 1.0

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> CheckerboardDetector:
        return CheckerboardDetector(float(self.sigma), 1.0)


def write_folder(root: Path, train: int = SIZES["train"], val: int = SIZES["val"]) -> Path:
    """Three generators in GenImage layout: checkerboards of different phase and strength on textures."""
    for generator, (phase, strength) in GENERATORS.items():
        for split, size in (("train", train), ("val", val)):
            for index in range(size):
                for class_name in ("nature", "ai"):
                    name = f"{generator}_{split}_{class_name}_{index}"
                    pixels = texture(name, 40, 40).astype(int)
                    if class_name == "ai":
                        pixels[phase::2, phase::2] += strength
                    path = root / generator / split / class_name / f"{name}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    buffer = io.BytesIO()
                    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "PNG")
                    path.write_bytes(buffer.getvalue())
    return root


@dataclass(frozen=True)
class Miniature(EvaluationProtocol):
    """What the tests ask, as a protocol; their cells are written by hand."""

    name: ClassVar[str] = "miniature"
    title: ClassVar[str] = "Miniature"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope: Scope) -> list[Cell]:
        return []

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        home = [cell for cell in cells if cell.train and set(cell.test.generators) <= set(cell.train.generators)]
        return [grouped("diagonal", home, "home"), grouped("off-diagonal", set(cells) - set(home), "away")]


@dataclass
class Bench:
    """Runs cells over the miniature in its own cache and result folders."""

    folder: Path
    root: Path
    recipes: dict[str, Recipe]
    batch_size: int = 5
    workers: int = 2
    executor: Executor = in_processes
    runtime: Runtime = field(default_factory=Runtime)
    place: WorkPlace | None = None
    degrading_device: str = ""

    @property
    def store(self) -> Store:
        return Store.at(self.root / "out")

    def plan(self, degradations: Sequence[str] = ("none", "jpeg:65"), seeds: Sequence[int] = (0,)) -> list[PlannedCell]:
        """Two train sets, three test sets."""
        return self.planned(
            Cell(detector, Subset((train,), "train"), Subset((test,), "val", degradation=degradation), seed)
            for detector in self.recipes
            for seed in seeds
            for train in ("even", "odd")
            for test in GENERATORS
            for degradation in degradations
        )

    def planned(self, cells: Iterable[Cell], **further: Path) -> list[PlannedCell]:
        """These cells, over the folder of the bench and others by name."""
        cache, folders = Cache(self.root / "cache"), {"": self.folder, **further}
        self.inspections = {
            name: cache.inspect(read(str(folder)), self.workers, lambda _: None) for name, folder in folders.items()
        }
        cells = list(cells)
        sound = {name: one.require_usable(0.0) for name, one in self.inspections.items()}
        self.selections = Selections(sound, {one for cell in cells for one in (cell.train, cell.test) if one})
        return plan(cells, self.recipes, self.selections, self.runtime, degrading_device=self.degrading_device)

    def run(self, planned: Sequence[PlannedCell]) -> tuple[Engine, dict[str, Outcome]]:
        reporter = Reporter(Console(file=io.StringIO()))
        resources = Resources(
            Cache(self.root / "cache"),
            self.store,
            reporter,
            self.runtime,
            batch_size=self.batch_size,
            workers=self.workers,
            place=self.place or OneMachine(self.executor),
        )
        engine = Engine(self.selections, resources)
        return engine, engine.run(planned)

    def stored_run(
        self, seeds: Sequence[int] = (0,), degradation: str = "jpeg:65", planned: Sequence[PlannedCell] | None = None
    ) -> Run:
        """Plan, run, record, and read back what was recorded."""
        planned = self.plan(("none", degradation), seeds) if planned is None else planned
        _, outcomes = self.run(planned)
        cells = [item.cell for item in planned]
        protocol = Miniature()
        images = self.selections.sets[""]
        scope = Scope(images, tuple(self.recipes), tuple(seeds))
        request = RunRequest(
            protocol,
            str(self.folder),
            tuple(self.recipes),
            "small",
            "cpu",
            "float32",
            self.root / "out",
            None,
            tuple(seeds),
            self.batch_size,
            self.workers,
            self.root / "cache",
        )
        run = PlannedRun(
            request,
            "small",
            self.selections.sets,
            self.recipes,
            Runtime(),
            self.selections,
            cells,
            planned,
            protocol.groups(cells, scope),
            {name: take_census(inspection) for name, inspection in self.inspections.items()},
            "files",
        )
        self.store.finish(manifest_of(run), cell_table(run, outcomes))
        return self.store.read()

    def scores(self, planned: Sequence[PlannedCell]) -> dict[tuple[object, ...], dict[str, float]]:
        """Recorded scores by cell, then by image name."""
        cells = {item.key: item.cell for item in planned}
        found: dict[tuple[object, ...], dict[str, float]] = {}
        for path in sorted((self.root / "out" / "scores").glob("*.parquet")):
            for row in pd.read_parquet(path).itertuples():
                if row.key in cells:
                    found.setdefault(cells[row.key], {})[row.name] = row.score
        return found
