"""Has a detector become worse? A run against the golden record, image by image.

Scores are paired by image name. A cell fell when its accuracy is lower by more than its tolerance and the one-sided
exact McNemar test says so at `FallLimits.alpha` after Holm's correction over all cells compared. A small fall
everywhere is caught by averages: each detector's mean on home ground and over all cells has a tighter tolerance and a
test that flips whole sources, since one source stands in many cells.

A network trained again elsewhere is another network: its tolerances are widened by what the golden record's training
seeds show. One cell's few seeds often agree by luck, so a cell is given the widest range among the detector's cells
of its kind, on home ground or away from it. A detector whose seeds agree in every cell is given nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, Mask, averages, axes_shown, decided
from bench.evaluation.metrics import check
from bench.records import columns
from bench.records.manifest import ALL_CELLS, DetectorRecord, Manifest, ProtocolRecord
from bench.records.run import Run
from bench.statistics.hypothesis_tests import holm_correction, mcnemar_test, sign_flip_test
from bench.statistics.intervals import Floats, random_generator
from detectors.types import Array

FELL, ROSE, SAME = "fell", "rose", "same"
_NOW = "_now"
_CHANGE = ("golden", "now", "change", "tolerance", "p", "verdict")
MEAN_CHANGES = (columns.DETECTOR, "average", "cells", *_CHANGE)


def cell_changes(axes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of a comparison of cells, of a protocol with further axes of its own."""
    return (*columns.of_identity(axes), "golden_seed", columns.IMAGES, *_CHANGE)


@dataclass(frozen=True, slots=True)
class FallLimits:
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
class GateResult:
    """What a comparison found.

    Attributes:
        cells: One row per compared cell, columns `cell_changes`; `p` is corrected and belongs to the direction of the
            change.
        means: One row per detector and average, columns `MEAN_CHANGES`.
        obstacles: What could not be compared, and why.
        notes: What a reader should know and nobody has to act on.
        axes: The columns of `cells` that tell questions apart for a reader.
    """

    cells: pd.DataFrame
    means: pd.DataFrame
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]
    axes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where something fell, else 2 where something could not be compared, else 0."""
        if self.cells["verdict"].eq(FELL).any() or self.means["verdict"].eq(FELL).any():
            return 1
        return 2 if self.obstacles else 0


def _other_question(golden: Manifest, now: Manifest) -> list[str]:
    """Why two manifests cannot be compared at all."""
    pairs = {
        "another protocol": (golden.protocol.name, now.protocol.name),
        "other axes of the protocol": tuple(", ".join(one.protocol.axes) or "none" for one in (golden, now)),
        "another setting": (golden.setting, now.setting),
        "another data": (golden.data.title, now.data.title),
        "another data version": (golden.data.version, now.data.version),
    }
    return [f"{what}: {old} in the golden record, {new} now" for what, (old, new) in pairs.items() if old != new]


def _version(entry: DetectorRecord) -> str:
    return f"{entry.key} (version {entry.version})"


def _lost_detectors(golden: Manifest, now: Manifest) -> dict[str, str]:
    """Detectors of the golden record that cannot be compared as a whole, with the reason."""
    lost = {}
    for name, entry in golden.detectors.items():
        found = now.detectors.get(name)
        if found is None:
            lost[name] = f"{name}: not in this run"
        elif _version(found) != _version(entry):
            lost[name] = f"{name}: the golden record holds {_version(entry)}, this run {_version(found)}"
    return lost


def _asked(protocol: ProtocolRecord) -> list[str]:
    """The columns that a cell is found again by, whatever its seed."""
    return [columns.DETECTOR, *columns.of_question(protocol.axes)]


def _cells(run: Run, lost: Iterable[str]) -> pd.DataFrame:
    """The cells of a run but for lost detectors, their axes of one dtype: tables of several runs are joined on them."""
    kept = run.cells[~run.cells[columns.DETECTOR].isin(list(lost))]
    return kept.astype(dict.fromkeys(_asked(run.manifest.protocol), "object"))


def _holes(golden: pd.DataFrame, now: pd.DataFrame, asked: list[str]) -> list[str]:
    """Cells of the golden record's questions that this run did not score, per detector and reason."""
    wanted = golden[asked].drop_duplicates().merge(now, on=asked, how="left")
    wanted = wanted.fillna({columns.STATUS: "not asked", columns.REASON: ""})
    missing = wanted[wanted[columns.STATUS] != SCORED]
    counts = missing.groupby([columns.DETECTOR, columns.STATUS, columns.REASON], sort=False).size().reset_index()
    return [
        f"{detector}: {count} cells {status}" + (f": {reason}" if reason else "")
        for detector, status, reason, count in counts.itertuples(index=False, name=None)
    ]


def _pairs(golden: pd.DataFrame, now: pd.DataFrame, asked: list[str]) -> pd.DataFrame:
    """Each scored cell of this run beside the golden one of the same seed, or of the golden record's lowest."""
    scored = now[now[columns.STATUS] == SCORED]
    first = golden.groupby(columns.DETECTOR)[columns.SEED].transform("min")
    found = golden[[*asked, columns.SEED, columns.KEY]].rename(columns={columns.KEY: "key_golden"})
    same = scored.merge(found, on=[*asked, columns.SEED])
    lowest = found[golden[columns.SEED] == first].rename(columns={columns.SEED: "golden_seed"})
    others = scored[~scored[columns.KEY].isin(same[columns.KEY])].merge(lowest, on=asked)
    return pd.concat([same.assign(golden_seed=same[columns.SEED]), others], ignore_index=True)


def _paired_images(pairs: pd.DataFrame, golden: Run, now: Run) -> tuple[pd.DataFrame, list[str]]:
    """One row per image of each pair: columns `pair`, source, `was` and `is` (called right), and what is missing."""
    sides = []
    for run, key in ((golden, "key_golden"), (now, columns.KEY)):
        keys = pd.DataFrame({columns.KEY: pairs[key], "pair": pairs.index})
        sides.append(keys.merge(decided(run), on=columns.KEY).drop(columns=[columns.KEY, columns.CELL]))
    on = ["pair", columns.NAME]
    both = sides[0].merge(sides[1], on=on, how="outer", suffixes=("", _NOW), indicator="side")
    label, label_now = both[columns.LABEL], both[columns.LABEL + _NOW]
    faults = {
        "images of the golden record were not scored": both["side"].eq("left_only"),
        "images are not in the golden record": both["side"].eq("right_only"),
        "images have another label now": both["side"].eq("both") & label.ne(label_now),
    }
    detectors = both["pair"].map(pairs[columns.DETECTOR])
    obstacles = []
    for what, wrong in faults.items():
        for detector, rows in both[wrong].groupby(detectors[wrong]):
            count = f"{len(rows)} {what}, in {rows['pair'].nunique()} cells, such as {rows[columns.NAME].iloc[0]}"
            obstacles.append(f"{detector}: {count}")
    common = both[both["side"].eq("both")]
    for side in ("", _NOW):
        _check(common[columns.LABEL + side], common[columns.SCORE + side])
    return pd.DataFrame(
        {
            "pair": common["pair"].to_numpy(),
            columns.SOURCE: common[columns.SOURCE].to_numpy(),
            "was": common[columns.CORRECT].to_numpy(bool),
            "is": common[columns.CORRECT + _NOW].to_numpy(bool),
        }
    ), obstacles


def _check(labels: pd.Series[Any], scores: pd.Series[Any]) -> None:
    """Raises `UnusableScores` for scores that are no probabilities; having none is not told here."""
    if len(labels):
        check(labels.to_numpy(np.int64), scores.to_numpy())


def _golden_accuracies(golden: Run, cells: pd.DataFrame, pairs: pd.DataFrame, asked: list[str]) -> pd.DataFrame:
    """The golden record's cells whose questions are compared, of all its seeds, with their accuracy and home ground."""
    images = decided(golden)
    accuracy = images.groupby(columns.KEY)[columns.CORRECT].mean()
    known = cells.merge(pairs[asked].drop_duplicates(), on=asked)
    known[columns.ACCURACY] = known[columns.KEY].map(accuracy)
    return known.assign(home=_home(known, golden))


def _home(cells: pd.DataFrame, run: Run) -> Mask:
    """Whether each cell is on home ground, as its protocol says; nowhere is where it has none."""
    protocol = run.manifest.protocol
    home = protocol.group("home")
    return averages(cells, protocol)[home] if home is not None else np.zeros(len(cells), bool)


def _verdict(change: Floats, tolerance: Floats, p: Floats, limits: FallLimits) -> Array:
    """What to call each change: beyond its tolerance and beyond chance, or the same."""
    beyond = (np.abs(change) > tolerance) & (p < limits.alpha)
    return np.where(beyond, np.where(change < 0, FELL, ROSE), SAME)


def _cell_changes(
    pairs: pd.DataFrame, images: pd.DataFrame, known: pd.DataFrame, asked: list[str], limits: FallLimits
) -> pd.DataFrame:
    """Compare the cells: columns `cell_changes`, and `home`."""
    by_pair = images.groupby("pair")
    counted = by_pair.agg(**{columns.IMAGES: ("was", "size"), "golden": ("was", "mean"), "now": ("is", "mean")})
    changes = pairs.join(counted, how="inner")
    lost = (images["was"] & ~images["is"]).groupby(images["pair"]).sum().to_numpy()
    won = (images["is"] & ~images["was"]).groupby(images["pair"]).sum().to_numpy()
    change = (changes["now"] - changes["golden"]).to_numpy()
    ranges = known.groupby([*asked, "home"], sort=False)[columns.ACCURACY].agg(np.ptp)
    widest = ranges.groupby([columns.DETECTOR, "home"]).max()
    home = changes["key_golden"].map(known.set_index(columns.KEY)["home"])
    slack = widest.loc[list(zip(changes[columns.DETECTOR], home, strict=True))].to_numpy()
    tolerance = limits.cell + limits.slack * slack
    p = np.where(change < 0, holm_correction(mcnemar_test(lost, won)), holm_correction(mcnemar_test(won, lost)))
    verdict = _verdict(change, tolerance, p, limits)
    changes = changes.assign(change=change, tolerance=tolerance, p=p, verdict=verdict, home=home.to_numpy(bool))
    return changes[[*asked, columns.SEED, "golden_seed", columns.IMAGES, *_CHANGE, "home"]]


def _averages(cells: pd.DataFrame, home: str | None) -> dict[tuple[str, str], Mask]:
    """The averages that are compared: per detector, home ground and all cells."""
    found = {} if home is None else {home: cells["home"].to_numpy(bool)}
    found[ALL_CELLS] = np.ones(len(cells), bool)
    detectors = cells[columns.DETECTOR].to_numpy()
    return {
        (detector, name): mask & (detectors == detector)
        for detector in pd.unique(detectors)
        for name, mask in found.items()
    }


def _mean_row(cells: pd.DataFrame, known: pd.DataFrame, limits: FallLimits) -> dict[str, Any]:
    """One average now and in the golden record, and what is tolerated."""
    seeds = known.groupby(columns.SEED)[columns.ACCURACY].mean()
    golden, now = cells["golden"].mean(), cells["now"].mean()
    tolerance = limits.mean + limits.slack * np.ptp(seeds)
    return {"cells": len(cells), "golden": golden, "now": now, "change": now - golden, "tolerance": tolerance}


def _by_source(cells: pd.DataFrame, images: pd.DataFrame, averages: Mapping[Any, Mask]) -> Floats:
    """What each source adds to the change of each average: floats (sources, averages)."""
    sources, names = pd.factorize(images[columns.SOURCE])
    step = images["is"].to_numpy(int) - images["was"].to_numpy(int)
    parts = []
    for mask in averages.values():
        share = pd.Series(mask / mask.sum(), index=cells.index) / cells[columns.IMAGES]
        weights = images["pair"].map(share).to_numpy() * step
        parts.append(np.bincount(sources, weights, minlength=len(names)))
    return np.stack(parts, axis=1)


def _mean_changes(
    cells: pd.DataFrame, images: pd.DataFrame, known: pd.DataFrame, home: str | None, limits: FallLimits
) -> pd.DataFrame:
    """Compare the averages: columns `MEAN_CHANGES`."""
    averaged = {name: mask for name, mask in _averages(cells, home).items() if mask.any()}
    before = _averages(known, home)
    rows = [
        {columns.DETECTOR: detector, "average": name, **_mean_row(cells[mask], known[before[detector, name]], limits)}
        for (detector, name), mask in averaged.items()
    ]
    changes = pd.DataFrame(rows)
    by_source = _by_source(cells, images, averaged)
    flips = math.ceil(10 * len(rows) / limits.alpha)  # so that the smallest corrected p is a tenth of the level
    random = random_generator(sorted(images[columns.SOURCE].unique()))
    falls, rises = (holm_correction(sign_flip_test(sign * by_source, flips, random)) for sign in (1, -1))
    p = np.where(changes["change"] < 0, falls, rises)
    verdict = _verdict(changes["change"].to_numpy(), changes["tolerance"].to_numpy(), p, limits)
    return changes.assign(p=p, verdict=verdict)[list(MEAN_CHANGES)]


def _notes(golden: Run, now: Run, kept: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """What a reader should know: other files, cells new to the record, other seeds, slack that cannot be known."""
    new = kept[~kept[columns.KEY].isin(pairs[columns.KEY])]
    notes = [
        f"{detector}: {count} cells are not in the golden record, not compared"
        for detector, count in new.groupby(columns.DETECTOR, sort=False).size().items()
    ]
    others = pairs[pairs[columns.SEED] != pairs["golden_seed"]]
    others = others[[columns.DETECTOR, columns.SEED, "golden_seed"]].drop_duplicates()
    notes += [
        f"{detector}: seed {seed} is not in the golden record, compared with seed {golden_seed}"
        for detector, seed, golden_seed in others.itertuples(index=False, name=None)
    ]
    if golden.cells[columns.SEED].nunique() == 1:
        notes.append("the golden record has one training seed: networks are given no slack")
    if golden.manifest.data.digest != now.manifest.data.digest:
        notes.append("the image files are not the golden record's to the last byte, images are paired by name")
    return notes


def compare(golden: Run, now: Run, limits: FallLimits = FallLimits()) -> GateResult:
    """Compare a run with the golden record.

    A cell is compared with the golden cell of the same training seed, or, where the record lacks that seed, of the
    record's lowest; a note says so. Seeds of the golden record that this run did not train are not missed.

    Args:
        golden: The record, from `bench.evaluation.golden_record`.
        now: The run.
        limits: What is tolerated.

    Raises:
        UnusableScores: A score is not a probability.
    """
    protocol = golden.manifest.protocol
    axes = tuple(axes_shown(golden.cells, protocol))
    names = list(cell_changes(protocol.axes))
    nothing = pd.DataFrame(columns=names), pd.DataFrame(columns=list(MEAN_CHANGES))
    if unlike := _other_question(golden.manifest, now.manifest):
        return GateResult(*nothing, tuple(unlike), (), axes)
    lost, asked = _lost_detectors(golden.manifest, now.manifest), _asked(protocol)
    before, after = (_cells(run, lost) for run in (golden, now))
    pairs = _pairs(before, after, asked)
    images, faults = _paired_images(pairs, golden, now)
    obstacles = (*lost.values(), *_holes(before, after, asked), *faults)
    notes = tuple(_notes(golden, now, after[after[columns.STATUS] == SCORED], pairs))
    if images.empty:
        return GateResult(*nothing, obstacles, notes, axes)
    known = _golden_accuracies(golden, before, pairs, asked)
    cells = _cell_changes(pairs, images, known, asked, limits)
    means = _mean_changes(cells, images, known, protocol.group("home"), limits)
    return GateResult(cells[names], means, obstacles, notes, axes)
