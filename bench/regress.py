"""Has a detector become worse? A run against the golden record, image by image.

Scores are paired by image name. A cell fell when its accuracy is lower by more than its tolerance and the one-sided
exact McNemar test says so at `Limits.alpha` after Holm's correction over all cells compared. A small fall everywhere is
caught by averages: each detector's mean on home ground and over all cells has a tighter tolerance and a test that
flips whole sources, since one source stands in many cells.

A network trained again elsewhere is another network: its tolerances are widened by what the golden record's training
seeds show. One cell's few seeds often agree by luck, so a cell is given the widest range among the detector's cells
of its kind, on home ground or away from it. A detector whose seeds agree in every cell is given nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.cells import QUESTION, SCORED, Mask, groups
from bench.metrics import called_generated, check
from bench.records import Run
from bench.stats import Array, Floats, generator_for, holm, mcnemar_fall, source_fall

FELL, ROSE, SAME = "fell", "rose", "same"
_CELL = ["detector", *QUESTION]
CELL_CHANGES = (*_CELL, "seed", "golden_seed", "images", "golden", "now", "change", "tolerance", "p", "verdict")
MEAN_CHANGES = ("detector", "average", "cells", "golden", "now", "change", "tolerance", "p", "verdict")


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as a fall, or as a rise.

    Attributes:
        cell: Change of one cell's accuracy that is tolerated, in [0, 1].
        mean: Change of an average that is tolerated.
        slack: How many times the range over the golden record's training seeds is added to either. In simulations,
            2 lets one in twenty retrained networks fail by chance with three golden seeds, and fewer with five.
        alpha: Level of the corrected tests, once for all cells and once for all averages.
    """

    cell: float = 0.02
    mean: float = 0.005
    slack: float = 2.0
    alpha: float = 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison found.

    Attributes:
        cells: One row per compared cell, columns `CELL_CHANGES`; `p` is corrected and belongs to the direction of the
            change.
        means: One row per detector and average, columns `MEAN_CHANGES`.
        obstacles: What could not be compared, and why.
        notes: What a reader should know and nobody has to act on.
    """

    cells: pd.DataFrame
    means: pd.DataFrame
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where something fell, else 2 where something could not be compared, else 0."""
        if self.cells["verdict"].eq(FELL).any() or self.means["verdict"].eq(FELL).any():
            return 1
        return 2 if self.obstacles else 0


def _other_question(golden: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Why two manifests cannot be compared at all."""
    pairs = {
        "protocol": (golden["protocol"], now["protocol"]),
        "setting": (golden["setting"], now["setting"]),
        "data": (golden["data"]["title"], now["data"]["title"]),
        "data version": (golden["data"]["version"], now["data"]["version"]),
    }
    return [
        f"another {what}: {old} in the golden record, {new} now" for what, (old, new) in pairs.items() if old != new
    ]


def _version(entry: Mapping[str, Any]) -> str:
    return f"{entry['key']} (version {entry['card']['version']})"


def _lost_detectors(golden: Run, now: Run) -> dict[str, str]:
    """Detectors of the golden record that cannot be compared as a whole, with the reason."""
    lost = {}
    for name, entry in golden.manifest["detectors"].items():
        found = now.manifest["detectors"].get(name)
        if found is None:
            lost[name] = f"{name}: not in this run"
        elif _version(found) != _version(entry):
            lost[name] = f"{name}: the golden record holds {_version(entry)}, this run {_version(found)}"
    return lost


def _holes(golden: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """Cells of the golden record's questions that this run did not score, per detector and reason."""
    wanted = golden[_CELL].drop_duplicates().merge(now, on=_CELL, how="left")
    wanted = wanted.assign(status=wanted["status"].fillna("not asked"), reason=wanted["reason"].fillna(""))
    missing = wanted[wanted["status"] != SCORED]
    counts = missing.groupby(["detector", "status", "reason"], sort=False).size().reset_index(name="count")
    return [
        f"{detector}: {count} cells {status}" + (f": {reason}" if reason else "")
        for detector, status, reason, count in counts.itertuples(index=False, name=None)
    ]


def _pairs(golden: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Each scored cell of this run beside the golden one of the same seed, or of the golden record's lowest."""
    scored = now[now["status"] == SCORED]
    first = golden.groupby("detector")["seed"].transform("min")
    same = scored.merge(golden[[*_CELL, "seed", "key"]], on=[*_CELL, "seed"], suffixes=("", "_golden"))
    others = scored[~scored["key"].isin(same["key"])].merge(
        golden.loc[golden["seed"] == first, [*_CELL, "seed", "key"]], on=_CELL, suffixes=("", "_golden")
    )
    pairs = pd.concat([same.assign(golden_seed=same["seed"]), others.rename(columns={"seed_golden": "golden_seed"})])
    return pairs.reset_index(drop=True)


def _paired_images(pairs: pd.DataFrame, golden: Run, now: Run) -> tuple[pd.DataFrame, list[str]]:
    """One row per image of each pair: columns `pair`, `source`, `was` and `is` (called right), and what is missing."""
    sides = []
    for run, key in ((golden, "key_golden"), (now, "key")):
        keys = pd.DataFrame({"key": pairs[key], "pair": pairs.index})
        sides.append(keys.merge(run.scores, on="key").drop(columns="key"))
    both = sides[0].merge(sides[1], on=["pair", "name"], how="outer", suffixes=("", "_now"), indicator="side")
    faults = {
        "images of the golden record were not scored": both["side"].eq("left_only"),
        "images are not in the golden record": both["side"].eq("right_only"),
        "images have another label now": both["side"].eq("both") & both["label"].ne(both["label_now"]),
    }
    detectors = both["pair"].map(pairs["detector"])
    obstacles = []
    for what, wrong in faults.items():
        for detector, rows in both[wrong].groupby(detectors[wrong]):
            names = f"{len(rows)} {what}, in {rows['pair'].nunique()} cells, such as {rows['name'].iloc[0]}"
            obstacles.append(f"{detector}: {names}")
    common = both[both["side"].eq("both")]
    return pd.DataFrame(
        {
            "pair": common["pair"].to_numpy(),
            "source": common["source"].to_numpy(),
            "was": _right(common["label"], common["score"]),
            "is": _right(common["label_now"], common["score_now"]),
        }
    ), obstacles


def _right(labels: pd.Series[Any], scores: pd.Series[Any]) -> Mask:
    """Whether each image was called what it is. Raises `UnusableScores`."""
    if not len(scores):
        return np.zeros(0, bool)
    check(labels.to_numpy(), scores.to_numpy())
    right: Mask = called_generated(scores.to_numpy()) == labels.to_numpy()
    return right


def _golden_accuracies(golden: Run, pairs: pd.DataFrame) -> pd.DataFrame:
    """The golden record's cells whose questions are compared, of all its seeds, with their `accuracy`."""
    right = _right(golden.scores["label"], golden.scores["score"])
    accuracy = pd.Series(right).groupby(golden.scores["key"].to_numpy()).mean()
    asked = golden.cells.merge(pairs[_CELL].drop_duplicates(), on=_CELL)
    return asked.assign(accuracy=asked["key"].map(accuracy))


def _verdict(change: Floats, tolerance: Floats, p: Floats, limits: Limits) -> Array:
    """What to call each change: beyond its tolerance and beyond chance, or the same."""
    beyond = (np.abs(change) > tolerance) & (p < limits.alpha)
    return np.where(beyond, np.where(change < 0, FELL, ROSE), SAME)


def _cell_changes(
    pairs: pd.DataFrame, images: pd.DataFrame, asked: pd.DataFrame, run: Run, limits: Limits
) -> pd.DataFrame:
    """Compare the cells: columns `CELL_CHANGES`."""
    by_pair = images.groupby("pair")
    changes = pairs.join(by_pair.agg(images=("was", "size"), golden=("was", "mean"), now=("is", "mean")), how="inner")
    lost = (images["was"] & ~images["is"]).groupby(images["pair"]).sum().to_numpy()
    won = (images["is"] & ~images["was"]).groupby(images["pair"]).sum().to_numpy()
    change = (changes["now"] - changes["golden"]).to_numpy()
    ranges = asked.groupby(_CELL, sort=False)["accuracy"].agg(np.ptp).rename("range").reset_index()
    ranges["home"], home = (next(iter(groups(cells, run.manifest).values())) for cells in (ranges, changes))
    widest = ranges.groupby(["detector", "home"])["range"].max()
    slack = widest.loc[list(zip(changes["detector"], home, strict=True))].to_numpy()
    tolerance = limits.cell + limits.slack * slack
    p = np.where(change < 0, holm(mcnemar_fall(lost, won)), holm(mcnemar_fall(won, lost)))
    verdict = _verdict(change, tolerance, p, limits)
    return changes.assign(change=change, tolerance=tolerance, p=p, verdict=verdict)[list(CELL_CHANGES)]


def _averages(cells: pd.DataFrame, run: Run) -> dict[tuple[str, str], Mask]:
    """The averages that are compared: per detector, home ground and all cells."""
    asked = groups(cells, run.manifest)
    names = (next(iter(asked)), "all cells")
    detectors = cells["detector"].to_numpy()
    return {
        (detector, name): asked[name] & (detectors == detector) for detector in pd.unique(detectors) for name in names
    }


def _mean_row(cells: pd.DataFrame, asked: pd.DataFrame, limits: Limits) -> dict[str, Any]:
    """One average now and in the golden record, and what is tolerated."""
    seeds = asked.groupby("seed")["accuracy"].mean()
    golden, now = cells["golden"].mean(), cells["now"].mean()
    tolerance = limits.mean + limits.slack * np.ptp(seeds)
    return {"cells": len(cells), "golden": golden, "now": now, "change": now - golden, "tolerance": tolerance}


def _by_source(cells: pd.DataFrame, images: pd.DataFrame, averages: Mapping[Any, Mask]) -> Floats:
    """What each source adds to the change of each average: floats (sources, averages)."""
    sources, names = pd.factorize(images["source"])
    step = images["is"].to_numpy(int) - images["was"].to_numpy(int)
    columns = []
    for mask in averages.values():
        share = pd.Series(mask / mask.sum(), index=cells.index) / cells["images"]
        weights = images["pair"].map(share).to_numpy() * step
        columns.append(np.bincount(sources, weights, minlength=len(names)))
    return np.stack(columns, axis=1)


def _mean_changes(
    cells: pd.DataFrame, images: pd.DataFrame, asked: pd.DataFrame, run: Run, limits: Limits
) -> pd.DataFrame:
    """Compare the averages: columns `MEAN_CHANGES`."""
    averages = {name: mask for name, mask in _averages(cells, run).items() if mask.any()}
    before = _averages(asked, run)
    rows = [
        {"detector": detector, "average": name, **_mean_row(cells[mask], asked[before[detector, name]], limits)}
        for (detector, name), mask in averages.items()
    ]
    changes = pd.DataFrame(rows)
    by_source = _by_source(cells, images, averages)
    flips = math.ceil(10 * len(rows) / limits.alpha)  # so that the smallest corrected p is a tenth of the level
    random = generator_for(sorted(images["source"].unique()))
    falls, rises = (holm(source_fall(sign * by_source, flips, random)) for sign in (1, -1))
    p = np.where(changes["change"] < 0, falls, rises)
    verdict = _verdict(changes["change"].to_numpy(), changes["tolerance"].to_numpy(), p, limits)
    return changes.assign(p=p, verdict=verdict)[list(MEAN_CHANGES)]


def _notes(golden: Run, now: Run, kept: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """What a reader should know: other files, cells new to the record, other seeds, slack that cannot be known."""
    counts = kept[~kept["key"].isin(pairs["key"])].groupby("detector", sort=False).size()
    notes = [
        f"{detector}: {count} cells are not in the golden record, not compared" for detector, count in counts.items()
    ]
    others = pairs.loc[pairs["seed"] != pairs["golden_seed"], ["detector", "seed", "golden_seed"]].drop_duplicates()
    notes += [
        f"{detector}: seed {seed} is not in the golden record, compared with seed {golden_seed}"
        for detector, seed, golden_seed in others.itertuples(index=False, name=None)
    ]
    if golden.cells["seed"].nunique() == 1:
        notes.append("the golden record has one training seed: networks are given no slack")
    if golden.manifest["data"]["digest"] != now.manifest["data"]["digest"]:
        notes.append("the image files are not the golden record's to the last byte, images are paired by name")
    return notes


def compare(golden: Run, now: Run, limits: Limits = Limits()) -> Outcome:
    """Compare a run with the golden record.

    A cell is compared with the golden cell of the same training seed, or, where the record lacks that seed, of the
    record's lowest; a note says so. Seeds of the golden record that this run did not train are not missed.

    Args:
        golden: The record, from `bench.golden`.
        now: The run.
        limits: What is tolerated.

    Raises:
        UnusableScores: A score is not a probability.
    """
    nothing = pd.DataFrame(columns=list(CELL_CHANGES)), pd.DataFrame(columns=list(MEAN_CHANGES))
    if unlike := _other_question(golden.manifest, now.manifest):
        return Outcome(*nothing, tuple(unlike), ())
    lost = _lost_detectors(golden, now)
    before, after = (run.cells[~run.cells["detector"].isin(lost)] for run in (golden, now))
    pairs = _pairs(before, after)
    images, faults = _paired_images(pairs, golden, now)
    obstacles = (*lost.values(), *_holes(before, after), *faults)
    notes = tuple(_notes(golden, now, after[after["status"] == SCORED], pairs))
    if images.empty:
        return Outcome(*nothing, obstacles, notes)
    asked = _golden_accuracies(golden, pairs)
    cells = _cell_changes(pairs, images, asked, golden, limits)
    return Outcome(cells, _mean_changes(cells, images, asked, golden, limits), obstacles, notes)
