"""A miniature data set, two small recipes, and a run over them, for tests of the engine."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from lineup_checkerboard import Checkerboard
from PIL import Image
from rich.console import Console

from bench.cache import Cache
from bench.data import read
from bench.engine import Engine, Outcome
from bench.fitting import Resources
from bench.plan import Planned, Selections, plan
from bench.progress import Reporter
from bench.records import Run
from bench.run import cell_rows
from bench.store import Store
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
    State,
    TrainSet,
    Unavailable,
)
from detectors.checks import texture
from protocols.api import Cell, Subset

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
    shared: Means = field(default_factory=Means)

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


@dataclass
class Bench:
    """Runs cells over the miniature in its own cache and result folders."""

    folder: Path
    root: Path
    recipes: dict[str, Recipe]
    batch_size: int = 5
    workers: int = 2

    @property
    def store(self) -> Store:
        return Store.at(self.root / "out")

    def plan(self, degradations: Sequence[str] = ("none", "jpeg:65"), seeds: Sequence[int] = (0,)) -> list[Planned]:
        images, cache = read(str(self.folder)), Cache(self.root / "cache")
        self.selections = Selections.of(cache.inspect(images, self.workers, lambda _: None).checked(0.0))
        cells = [
            Cell(detector, Subset((train,), "train"), Subset((test,), "val"), degradation, seed)
            for detector in self.recipes
            for seed in seeds
            for train in ("even", "odd")
            for test in GENERATORS
            for degradation in degradations
        ]
        return plan(cells, self.recipes, self.selections, Runtime())

    def run(self, planned: Sequence[Planned]) -> tuple[Engine, dict[str, Outcome]]:
        reporter = Reporter(Console(file=io.StringIO()))
        resources = Resources(
            Cache(self.root / "cache"), self.store, reporter, batch_size=self.batch_size, workers=self.workers
        )
        engine = Engine(self.recipes, self.selections, resources)
        return engine, engine.run(planned)

    def stored_run(self, seeds: Sequence[int] = (0,), degradation: str = "jpeg:65") -> Run:
        """Plan, run, record, and read back what was recorded."""
        planned = self.plan(("none", degradation), seeds)
        _, outcomes = self.run(planned)
        images = self.selections.images
        self.store.finish(
            {
                "protocol": "miniature",
                "title": "Miniature",
                "view": {"rows": "train", "columns": "test"},
                "data": {
                    "title": images.title,
                    "kind": images.kind,
                    "version": images.version,
                    "digest": "d",
                    "images": len(images),
                    "generators": list(images.generators),
                    "families": dict(images.families),
                },
                "setting": "small",
                "seeds": list(seeds),
                "detectors": {
                    name: {"key": recipe.key, "card": asdict(recipe.card)} for name, recipe in self.recipes.items()
                },
                "runtime": {"device": "cpu", "precision": "float32", "processor": "p"},
                "commit": "unknown",
            },
            cell_rows(planned, outcomes),
        )
        return self.store.read()

    def scores(self, planned: Sequence[Planned]) -> dict[tuple[object, ...], dict[str, float]]:
        """Recorded scores by cell, then by image name."""
        cells = {item.key: item.cell for item in planned}
        found: dict[tuple[object, ...], dict[str, float]] = {}
        for path in sorted((self.root / "out" / "scores").glob("*.parquet")):
            for row in pd.read_parquet(path).itertuples():
                if row.key in cells:
                    found.setdefault(cells[row.key], {})[row.name] = row.score
        return found
