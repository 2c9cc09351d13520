"""Synthetic runs: the skill of each detector in each cell is given, the scores follow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from bench.records import CELL_COLUMNS, SCORE_COLUMNS, THROUGHPUT_COLUMNS, Run

FAMILIES = {"fog": "mist", "haze": "mist", "kiln": "fire", "ember": "fire"}
GENERATORS = tuple(FAMILIES)
STEPS = ("none", "jpeg:65", "blur:1")

Skill = Callable[[str, str, str, str, int], float]  # detector, train, test, degradation, seed -> accuracy


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


def manifest(detectors: Sequence[str], seeds: Sequence[int], view: dict[str, str]) -> dict:
    return {
        "protocol": "made_up",
        "title": "Made up: train (rows), test (columns)",
        "view": view,
        "data": {
            "title": "rendered scenes, tiny generators",
            "kind": "embedded",
            "version": "1",
            "digest": "d1",
            "images": 4000,
            "generators": list(GENERATORS),
            "families": dict(FAMILIES),
        },
        "setting": "small",
        "seeds": list(seeds),
        "detectors": {
            name: {"card": {"name": name, "version": 1, "title": name.title()}, "key": f"{name}.1.small"}
            for name in detectors
        },
        "runtime": {"device": "cpu", "precision": "float32", "processor": "p"},
        "versions": {"numpy": "2"},
        "commit": "abc",
        "options": {},
    }


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

    With `degraded` one generator is tested under every step, else every generator on every generator. `noise` draws
    other errors of the same skill.
    """
    skill = skill or falling()
    trains, tests, steps = (
        (GENERATORS, GENERATORS, ("none",)) if not degraded else (GENERATORS[:1], GENERATORS[:1], STEPS)
    )
    cells, parts = [], []
    for detector, seed, train, test, step in product(detectors, seeds, trains, tests, steps):
        key = f"{detector}/{train}/{test}/{step}/{seed}"
        frame = images(test, n)
        made = scores(skill(detector, train, test, step, seed), frame["label"].to_numpy(), rng(key, noise))
        parts.append(frame.assign(key=key, score=made))
        cells.append((key, detector, train, test, step, seed, "binary", "scored", ""))
    timing = [
        (d, f"{d}.1.small", "d1", "p", "cpu", "float32", 64, 200, 3, 100.0 + i, 90.0, 110.0, *[1.0] * 5, 50.0)
        for i, d in enumerate(detectors)
    ]
    view = {"rows": "train", "columns": "degradation" if degraded else "test"}
    return Run(
        manifest(detectors, seeds, view),
        pd.DataFrame(cells, columns=list(CELL_COLUMNS)),
        pd.concat(parts, ignore_index=True)[list(SCORE_COLUMNS)],
        pd.DataFrame(timing, columns=list(THROUGHPUT_COLUMNS)),
    )


def without(run: Run, where: pd.Series, status: str = "skipped", reason: str = "its weights are not here") -> Run:
    """The same run with some cells skipped or failed."""
    cells = run.cells.copy()
    cells.loc[where, ["status", "reason"]] = [status, reason]
    return Run(run.manifest, cells, run.scores[~run.scores["key"].isin(cells["key"][where])], run.throughput)
