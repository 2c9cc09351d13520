"""Synthetic runs: the skill of each detector in each cell is given, the scores follow."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from bench.records import columns
from bench.records.manifest import (
    AxisRecord,
    CheckpointRecord,
    DataRecord,
    DetectorRecord,
    GroupRecord,
    Manifest,
    ProtocolRecord,
    RuntimeRecord,
)
from bench.records.run import Run
from bench.records.score_table import ScoreTable
from bench.request.protocol_check import axes_of
from protocols.api import Cell, EvaluationProtocol, Scope
from protocols.cross_generator import CrossGenerator
from protocols.degradation import DegradationMatrix

FAMILIES = {"fog": "mist", "haze": "mist", "kiln": "fire", "ember": "fire"}
GENERATORS = tuple(FAMILIES)
STEPS = ("none", "jpeg:65", "blur:1")

Skill = Callable[[str, str, str, str, int], float]  # detector, train, test, degradation, seed -> accuracy


@cache
def falling(home: float = 0.95, kin: float = 0.8, away: float = 0.6, degraded: float = 0.7) -> Skill:
    """High where trained, lower within the family, low elsewhere; `degraded` under any degradation."""

    def skill(_: str, train: str, test: str, degradation: str, seed: int) -> float:
        del seed
        if degradation != "none":
            return degraded
        if train == test:
            return home
        return kin if FAMILIES[train] == FAMILIES[test] else away

    return skill


def rng(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@cache
def images(test: str, n: int) -> pd.DataFrame:
    """n real images that all generators share and n generated ones, which are made of n other scenes."""
    real = [(f"val/nature/{i:04d}.jpg", f"scene{i:04d}", 0) for i in range(n)]
    fake = [(f"val/{test}/{i:04d}.jpg", f"scene{n + i:04d}", 1) for i in range(n)]
    return pd.DataFrame(real + fake, columns=["name", "source", "label"])


def scores(skill: float, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32 scores, each on the right side of 0.5 with probability `skill`."""
    margin = random.uniform(0.01, 0.5, labels.size)
    right = random.random(labels.size) < skill
    return (0.5 + np.where(right == (labels == 1), margin, -margin)).astype(np.float32)


class Images:
    """What a protocol may know of the images."""

    generators, families, contents, held_out, short_side = GENERATORS, FAMILIES, (), "val", 128

    def generators_in(self, split):
        return GENERATORS

    def largest_size(self, subset):
        return 100


def protocol_record(asked: EvaluationProtocol, cells: Sequence[Cell], scope: Scope) -> ProtocolRecord:
    axes = axes_of(asked)
    rows, across = (AxisRecord(name, axes[name].generators) for name in (asked.view.rows, asked.view.columns))
    groups = tuple(GroupRecord(one.name, one.role) for one in asked.groups(cells, scope))
    title = "Made up: train (rows), test (columns)"
    return ProtocolRecord("made_up", title, rows, across, groups, {}, tuple(asked.axes), asked.published)


def manifest(detectors: Sequence[str], seeds: Sequence[int], protocol: ProtocolRecord) -> Manifest:
    return Manifest(
        protocol=protocol,
        data=DataRecord(
            title="rendered scenes, tiny generators",
            kind="embedded",
            version="1",
            digest="d1",
            images=4000,
            generators=GENERATORS,
            families=dict(FAMILIES),
        ),
        setting="small",
        seeds=tuple(seeds),
        detectors={
            name: DetectorRecord(f"{name}.1.small", 1, "", {"name": name, "version": 1, "title": name.title()})
            for name in detectors
        },
        runtime=RuntimeRecord("cpu", "float32", "p", 64, 2),
        versions={"numpy": "2"},
        commit="abc",
    )


def cells_of(asked: EvaluationProtocol, cells: Sequence[Cell], scope: Scope) -> pd.DataFrame:
    """The table of these cells, all scored, as the engine writes it."""
    axes, groups = axes_of(asked), asked.groups(cells, scope)
    rows = [
        {
            columns.KEY: key,
            columns.DETECTOR: cell.detector,
            **{name: axis.value(cell) for name, axis in axes.items()},
            columns.SEED: cell.seed,
            columns.STATUS: "scored",
            columns.REASON: "",
            columns.GROUPS: tuple(group.name for group in groups if cell in group.cells),
        }
        for key, cell in zip(_keys(cells), cells, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(columns.of_cells(asked.axes)))


def _keys(cells: Sequence[Cell]) -> list[str]:
    """A key for each cell; those that differ in an axis of the protocol's own alone are counted."""
    places = ["/".join(map(str, _place(cell))) for cell in cells]
    counts: Counter[str] = Counter()
    keys = []
    for place in places:
        keys.append(f"{place}#{counts[place]}" if counts[place] else place)
        counts[place] += 1
    return keys


def _trained_on(cell: Cell) -> str:
    return cell.train.name if cell.train else ""


def _place(cell: Cell) -> tuple[str | int, ...]:
    """Detector, train, test, degradation, then the size where there is one, and the seed."""
    sized = [] if cell.train is None or cell.train.size is None else [cell.train.size]
    data = [cell.test.data] if cell.test.data else []
    return cell.detector, _trained_on(cell), *data, cell.test.name, cell.test.degradation, *sized, cell.seed


def run_of(
    asked: EvaluationProtocol,
    skill: Skill | None = None,
    detectors: Sequence[str] = ("alpha", "beta"),
    seeds: Sequence[int] = (0,),
    n: int = 50,
    noise: int = 0,
) -> Run:
    """A run of a protocol in which every cell is scored; the same arguments give the same run."""
    made = _made(asked, skill or falling(), tuple(detectors), tuple(seeds), n, noise)
    return replace(made, cells=made.cells.copy(), throughput=made.throughput.copy())


@lru_cache(maxsize=64)
def _made(
    asked: EvaluationProtocol, skill: Skill, detectors: tuple[str, ...], seeds: tuple[int, ...], n: int, noise: int
) -> Run:
    """The run that several tests ask for, made once: each gets tables of its own, and scores cannot be changed."""
    return scored_run(asked, Scope(Images(), detectors, seeds), skill, n, noise)


def scored_run(asked: EvaluationProtocol, scope: Scope, skill: Skill | None = None, n: int = 50, noise: int = 0) -> Run:
    """The same for any scope; a cell of a checkpoint has no training, so that its skill is asked for a training ""."""
    skill, cells, detectors = skill or falling(), asked.cells(scope), scope.detectors
    table, made = cells_of(asked, cells, scope), []
    for key, cell in zip(table[columns.KEY], cells, strict=True):
        accuracy = skill(cell.detector, _trained_on(cell), cell.test.name, cell.test.degradation, cell.seed)
        made.append(scores(accuracy, images(cell.test.name, n)["label"].to_numpy(), rng(key, noise)))
    shown = pd.concat([images(cell.test.name, n) for cell in cells], ignore_index=True)
    keys = table[columns.KEY].repeat(2 * n).array
    shown = shown.assign(key=keys, score=np.concatenate(made), log_odds=np.float32(np.nan))
    timing = [
        (d, f"{d}.1.small", "d1", "p", "cpu", "float32", 64, "", 200, 3, 100.0 + i, 90.0, 110.0)
        + (1.0,) * 7
        + (50.0, 0.2, 1.0, 0.1, False)
        for i, d in enumerate(detectors)
    ]
    return Run(
        manifest(detectors, scope.seeds, protocol_record(asked, cells, scope)),
        table,
        ScoreTable.from_frame(shown),
        pd.DataFrame(timing, columns=list(columns.THROUGHPUT)),
    )


def make_run(
    skill: Skill | None = None,
    detectors: Sequence[str] = ("alpha", "beta"),
    seeds: Sequence[int] = (0,),
    *,
    degraded: bool = False,
    n: int = 50,
    noise: int = 0,
) -> Run:
    """A run in which every cell is scored; the same arguments give the same run.

    With `degraded` one generator is tested under every step, else every generator on every generator. `noise` samples
    other errors of the same skill.
    """
    asked = DegradationMatrix(train_on=GENERATORS[:1], degradations=STEPS[1:]) if degraded else CrossGenerator()
    return run_of(asked, skill, detectors, seeds, n, noise)


def with_scores(run: Run, scores: pd.DataFrame, **changes: object) -> Run:
    """The same run with other scores, and what else changes."""
    return replace(run, score_table=ScoreTable.from_frame(scores), **changes)


def own_real_images(run: Run) -> Run:
    """The same run with other real images in the test set of each generator."""
    test = run.scores["key"].map(run.cells.set_index("key")["test"])
    own = run.scores["name"].where(run.scores["label"].eq(1), test + "/" + run.scores["name"])
    return with_scores(run, run.scores.assign(name=own, source=own))


def with_data(run: Run, **changes: object) -> Run:
    """The same run on other data, as its manifest says."""
    return with_manifest(run, data=replace(run.manifest.data, **changes))


def with_manifest(run: Run, **changes: object) -> Run:
    """The same run with another manifest."""
    return replace(run, manifest=replace(run.manifest, **changes))


def with_detector(run: Run, name: str, **changes: object) -> Run:
    """The same run with another record of one detector."""
    found = run.manifest.detectors
    return with_manifest(run, detectors={**found, name: replace(found[name], **changes)})


def with_released(run: Run, name: str) -> Run:
    """The same run with one detector as a released checkpoint, which was trained on nothing here."""
    run = with_detector(run, name, checkpoint=CheckpointRecord("a.pth", "0" * 64, "a"))
    own = run.cells["detector"].eq(name)
    once = run.cells[~own | run.cells["train"].eq(GENERATORS[0])].reset_index(drop=True)
    cells = once.assign(train=once["train"].mask(once["detector"].eq(name), ""))
    return replace(run, cells=cells, score_table=run.score_table.only(cells["key"]))


def without(run: Run, where: pd.Series, status: str = "skipped", reason: str = "its weights are not here") -> Run:
    """The same run with some cells skipped or failed."""
    cells = run.cells.copy()
    cells.loc[where, ["status", "reason"]] = [status, reason]
    return with_scores(run, run.scores[~run.scores["key"].isin(cells["key"][where])], cells=cells)
