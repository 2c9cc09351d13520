"""Comparison of a run with the golden record, image by image: has a detector become worse?

Scores are paired by image name. A cell fell when its accuracy is lower by more than its tolerance and the one-sided
exact McNemar test says so at `FallLimits.alpha` after Holm's correction over all cells compared. A small fall
everywhere is caught by averages: each detector's mean of role home and over all cells has a tighter tolerance and a
test over whole sources, since one source stands in many cells.

A network trained again elsewhere is another network: its tolerances are widened by what the golden record's training
seeds show. One cell's few seeds often agree by luck, so a cell is given the widest range among the detector's cells
of its kind, of role home or not. A detector whose seeds agree in every cell is given nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, average_masks, axes_shown, decisions
from bench.evaluation.decided_blocks import Mask
from bench.golden.pairing import (
    comparable_cells,
    lost_detectors,
    pair_cells,
    pair_images,
    question_columns,
    question_differences,
    unscored_cells,
)
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.records.run import Run
from bench.statistics.comparisons import difference_test
from bench.statistics.hypothesis_tests import holm_correction, mcnemar_test
from bench.statistics.intervals import Floats
from detectors.types import Array

WORSE, BETTER, UNCHANGED = "fell", "rose", "same"
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
        notes: Information that needs no action.
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
        if self.cells["verdict"].eq(WORSE).any() or self.means["verdict"].eq(WORSE).any():
            return 1
        return 2 if self.obstacles else 0


def _golden_accuracies(golden: Run, cells: pd.DataFrame, pairs: pd.DataFrame, question: list[str]) -> pd.DataFrame:
    """The golden record's cells whose questions are compared, of all its seeds, with accuracy and role."""
    images = decisions(golden)
    accuracy = images.groupby(columns.KEY)[columns.CORRECT].mean()
    known = cells.merge(pairs[question].drop_duplicates(), on=question)
    known[columns.ACCURACY] = known[columns.KEY].map(accuracy)
    return known.assign(home=_home(known, golden))


def _home(cells: pd.DataFrame, run: Run) -> Mask:
    """Whether each cell is in the average of role home, as its protocol says; False for all where it has none."""
    protocol = run.manifest.protocol
    home = protocol.group("home")
    return average_masks(cells, protocol)[home] if home is not None else np.zeros(len(cells), bool)


def _verdict(change: Floats, tolerance: Floats, p: Floats, limits: FallLimits) -> Array:
    """The verdict on each change: worse or better beyond its tolerance and beyond chance, else unchanged."""
    beyond = (np.abs(change) > tolerance) & (p < limits.alpha)
    return np.where(beyond, np.where(change < 0, WORSE, BETTER), UNCHANGED)


def _cell_changes(
    pairs: pd.DataFrame, images: pd.DataFrame, known: pd.DataFrame, question: list[str], limits: FallLimits
) -> pd.DataFrame:
    """Compare the cells: columns `cell_changes`, and `home`."""
    by_pair = images.groupby("pair")
    counted = by_pair.agg(**{columns.IMAGES: ("before", "size"), "golden": ("before", "mean"), "now": ("now", "mean")})
    changes = pairs.join(counted, how="inner")
    lost = (images["before"] & ~images["now"]).groupby(images["pair"]).sum().to_numpy()
    won = (images["now"] & ~images["before"]).groupby(images["pair"]).sum().to_numpy()
    change = (changes["now"] - changes["golden"]).to_numpy()
    ranges = known.groupby([*question, "home"], sort=False)[columns.ACCURACY].agg(np.ptp)
    widest = ranges.groupby([columns.DETECTOR, "home"]).max()
    home = changes["key_golden"].map(known.set_index(columns.KEY)["home"])
    slack = widest.loc[list(zip(changes[columns.DETECTOR], home, strict=True))].to_numpy()
    tolerance = limits.cell + limits.slack * slack
    p = np.where(change < 0, holm_correction(mcnemar_test(lost, won)), holm_correction(mcnemar_test(won, lost)))
    verdict = _verdict(change, tolerance, p, limits)
    changes = changes.assign(change=change, tolerance=tolerance, p=p, verdict=verdict, home=home.to_numpy(bool))
    return changes[[*question, columns.SEED, "golden_seed", columns.IMAGES, *_CHANGE, "home"]]


def _masks_by_average(cells: pd.DataFrame, home: str | None) -> dict[tuple[str, str], Mask]:
    """The averages that are compared: per detector, the one of role home and all cells."""
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


def _change_by_source(cells: pd.DataFrame, images: pd.DataFrame, average_masks: Mapping[Any, Mask]) -> Floats:
    """The contribution of each source to the change of each average, floats (sources, averages)."""
    sources, names = pd.factorize(images[columns.SOURCE])
    step = images["now"].to_numpy(int) - images["before"].to_numpy(int)
    parts = []
    for mask in average_masks.values():
        share = pd.Series(mask / mask.sum(), index=cells.index) / cells[columns.IMAGES]
        weights = images["pair"].map(share).to_numpy() * step
        parts.append(np.bincount(sources, weights, minlength=len(names)))
    return np.stack(parts, axis=1)


def _mean_changes(
    cells: pd.DataFrame, images: pd.DataFrame, known: pd.DataFrame, home: str | None, limits: FallLimits
) -> pd.DataFrame:
    """Compare the averages: columns `MEAN_CHANGES`."""
    masks = {name: mask for name, mask in _masks_by_average(cells, home).items() if mask.any()}
    golden_masks = _masks_by_average(known, home)
    rows = [
        {
            columns.DETECTOR: detector,
            "average": name,
            **_mean_row(cells[mask], known[golden_masks[detector, name]], limits),
        }
        for (detector, name), mask in masks.items()
    ]
    changes = pd.DataFrame(rows)
    by_source = _change_by_source(cells, images, masks)
    change = by_source.sum(axis=0)
    half = difference_test(change, by_source - change / len(by_source)) / 2
    falls, rises = (holm_correction(np.where(sign * change < 0, half, 1 - half)) for sign in (1, -1))
    p = np.where(changes["change"] < 0, falls, rises)
    verdict = _verdict(changes["change"].to_numpy(), changes["tolerance"].to_numpy(), p, limits)
    return changes.assign(p=p, verdict=verdict)[list(MEAN_CHANGES)]


def _notes(golden: Run, now: Run, scored: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """What a reader should know: other files, cells new to the record, other seeds, slack that cannot be known."""
    new = scored[~scored[columns.KEY].isin(pairs[columns.KEY])]
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
        golden: The record, from `bench.golden.golden_record`.
        now: The run.
        limits: What is tolerated.

    Raises:
        UnusableScores: A score is not a probability.
    """
    protocol = golden.manifest.protocol
    axes = tuple(axes_shown(golden.cells, protocol))
    names = list(cell_changes(protocol.axes))
    nothing = pd.DataFrame(columns=names), pd.DataFrame(columns=list(MEAN_CHANGES))
    if differences := question_differences(golden.manifest, now.manifest):
        return GateResult(*nothing, tuple(differences), (), axes)
    lost, question = lost_detectors(golden.manifest, now.manifest), question_columns(protocol)
    before, after = (comparable_cells(run, lost) for run in (golden, now))
    pairs = pair_cells(before, after, question)
    images, faults = pair_images(pairs, golden, now)
    obstacles = (*lost.values(), *unscored_cells(before, after, question), *faults)
    notes = tuple(_notes(golden, now, after[after[columns.STATUS] == SCORED], pairs))
    if images.empty:
        return GateResult(*nothing, obstacles, notes, axes)
    known = _golden_accuracies(golden, before, pairs, question)
    cells = _cell_changes(pairs, images, known, question, limits)
    means = _mean_changes(cells, images, known, protocol.group("home"), limits)
    return GateResult(cells[names], means, obstacles, notes, axes)
