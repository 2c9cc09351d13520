"""Comparison of detectors that were fitted again with those of the golden record: has one become worse?

The images are the same, so what a new fit differs by is what fits of one detector differ by. The golden record's
training seeds show how much that is, and trainings are the units of every test: if nothing changed, those of this run
on any train set could have stood in the record, and the record's in this run. A cell or an average fell where it is
lower than tolerated and few such exchanges show as large a fall anywhere (`retraining_test`). Averages have a family of
tests of their own, since a small fall everywhere shows in them alone.

A detector whose golden seeds agree in every cell does not depend on the seed: any change beyond what is tolerated is a
fall or a rise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, average_masks, axes_shown, decisions
from bench.evaluation.decided_blocks import Mask
from bench.golden.pairing import comparable_cells, pair_with_record, question_columns, question_differences
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.records.run import Run
from bench.statistics.hypothesis_tests import least_p, retraining_test
from bench.statistics.intervals import Floats

WORSE, BETTER, UNCHANGED = "fell", "rose", "same"
SEEDS, SPREAD = "seeds", "spread"
_CHANGE = (SEEDS, "golden", "now", "change", SPREAD, "p", "verdict")
MEAN_CHANGES = (columns.DETECTOR, "average", "cells", *_CHANGE)
SMALLEST_SPREAD = 0.01  # added in squares to the spread of what hardly varies: two images of 200
_ROUNDING = 1e-9
_OPTIONS = "options"  # the axis that is of the training beside those that begin as `columns.TRAIN`


def cell_changes(axes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of a comparison of cells, of a protocol with further axes of its own."""
    return (columns.DETECTOR, *columns.of_question(axes), columns.IMAGES, *_CHANGE)


@dataclass(frozen=True, slots=True)
class FallLimits:
    """What counts as a fall, or as a rise.

    Attributes:
        cell: Change of one cell's accuracy that is tolerated, in [0, 1].
        mean: Change of an average that is tolerated.
        cell_alpha: Level of the corrected tests of all cells of a protocol.
        mean_alpha: Level of those of all averages. The gate asks two protocols: of its runs in which nothing changed at
            most twice the sum of both levels fail. Few trainings of one train set cannot have a small p, so cells have
            the larger part.
    """

    cell: float = 0.03
    mean: float = 0.01
    cell_alpha: float = 0.0075
    mean_alpha: float = 0.0025


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a comparison of fits found.

    Attributes:
        cells: One row per compared cell, columns `cell_changes`: accuracies are means over the seeds of each side,
            `columns.IMAGES` of one seed; `p` is corrected and belongs to the direction of the change.
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
    def fallen(self) -> tuple[str, ...]:
        """The detectors of which something fell."""
        rows = [table.loc[table["verdict"] == WORSE, columns.DETECTOR] for table in (self.means, self.cells)]
        return tuple(dict.fromkeys(pd.concat(rows)))

    @property
    def exit_code(self) -> int:
        """1 where something fell, else 2 where something could not be compared, else 0."""
        if self.fallen:
            return 1
        return 2 if self.obstacles else 0


@dataclass(frozen=True)
class SeedAccuracies:
    """What the trainings of one detector reached, in the golden record and now.

    Attributes:
        detector: Its name.
        questions: M rows: the columns of the question, `columns.IMAGES`, and `home`, whether the cell is in the average
            of role home.
        before: Floats (K, M), accuracy of each of the record's seeds.
        now: Floats (k, M), of each seed of this run.
    """

    detector: str
    questions: pd.DataFrame
    before: Floats
    now: Floats

    @property
    def varies(self) -> bool:
        """Whether the golden record's seeds differ in any cell."""
        return bool(np.ptp(self.before, axis=0).any())

    @property
    def train_sets(self) -> Floats:
        """Which cells are of which train set, 0 or 1 in (T, M): those of one are answered by the same trainings."""
        names = [name for name in self.questions if str(name).startswith(columns.TRAIN) or name == _OPTIONS]
        number = self.questions.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
        found: Floats = (number == np.arange(number.max() + 1)[:, None]).astype(float)
        return found

    def averages(self, home: str | None) -> dict[str, Mask]:
        """The averages that are compared: the one of role home, where there is one, and all cells."""
        masks = {} if home is None else {home: self.questions["home"].to_numpy(bool)}
        masks[ALL_CELLS] = np.ones(len(self.questions), bool)
        return {name: mask for name, mask in masks.items() if mask.any()}


def seeds_differ(run: Run) -> list[str]:
    """The detectors of which two training seeds of a run differ in the accuracy of any cell."""
    cells = comparable_cells(run, ())
    question = question_columns(run.manifest.protocol)
    accuracies = _accuracies(run, cells, cells[question].drop_duplicates(ignore_index=True))
    return [name for name, by_seed in accuracies.items() if np.ptp(by_seed.to_numpy(), axis=1).any()]


def _accuracies(run: Run, cells: pd.DataFrame, questions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The accuracy of scored cells by detector: a row per question by its place, a column per seed that has any."""
    placed = cells.merge(questions.assign(place=questions.index))
    accuracy = decisions(run).groupby(columns.KEY)[columns.CORRECT].mean()
    placed[columns.ACCURACY] = placed[columns.KEY].map(accuracy).astype(float)
    scored = placed.dropna(subset=columns.ACCURACY)
    return {
        str(detector): rows.pivot_table(index="place", columns=columns.SEED, values=columns.ACCURACY)
        for detector, rows in scored.groupby(columns.DETECTOR, sort=False)
    }


def _home(cells: pd.DataFrame, run: Run) -> Mask:
    """Whether each cell is in the average of role home, as its protocol says; False for all where it has none."""
    protocol = run.manifest.protocol
    home = protocol.group("home")
    return average_masks(cells, protocol)[home] if home is not None else np.zeros(len(cells), bool)


def trainings_of(golden: Run, now: Run, questions: pd.DataFrame) -> list[SeedAccuracies]:
    """The trainings of every detector, over the questions that each seed of both runs has scores for.

    Args:
        golden: The record.
        now: The run.
        questions: The questions that are compared, as `SeedAccuracies` has them.
    """
    asked = questions.drop(columns=[columns.IMAGES, "home"])
    old, new = (_accuracies(run, comparable_cells(run, ()), asked) for run in (golden, now))
    found = []
    for detector in [name for name in old if name in new]:
        both = pd.concat([old[detector], new[detector]], axis=1, join="inner").dropna()
        values, seeds = both.to_numpy().T, old[detector].shape[1]
        if len(both):
            rows = questions.loc[both.index].reset_index(drop=True)
            found.append(SeedAccuracies(detector, rows, values[:seeds], values[seeds:]))
    return found


def _changes(one: SeedAccuracies, shares: Floats, tolerated: float, alpha: float, families: int) -> pd.DataFrame:
    """Compare measures of trainings: columns `_CHANGE`.

    Args:
        one: The trainings.
        shares: Floats (M, A), the share of each cell in A measures.
        tolerated: The change that counts as none.
        alpha: The level.
        families: How many detectors that depend on their seed are tested side by side; 0 for one that does not.
    """
    before, now = one.before @ shares, one.now @ shares
    golden, found = before.mean(axis=0), now.mean(axis=0)
    change = found - golden
    if families:
        parts = one.train_sets[:, :, None] * shares
        sides = [np.einsum("sm,tma->sta", side, parts) for side in (one.before, one.now)]
        falls, rises = (retraining_test(sign * sides[0], sign * sides[1], SMALLEST_SPREAD) for sign in (1, -1))
        p = np.minimum(1.0, families * np.where(change < 0, falls, rises))
    else:
        p = np.where(np.abs(change) > _ROUNDING, 0.0, 1.0)
    beyond = (np.abs(change) > tolerated + _ROUNDING) & (p < alpha)
    verdict = np.where(beyond, np.where(change < 0, WORSE, BETTER), UNCHANGED)
    spread = before.std(axis=0, ddof=1) if families else np.zeros(len(golden))
    values = (len(now), golden, found, change, spread, p, verdict)
    return pd.DataFrame(dict(zip(_CHANGE, values, strict=True)))


def compare_cells(one: SeedAccuracies, limits: FallLimits, families: int) -> pd.DataFrame:
    """Compare the cells of one detector: columns of the question, and `SEEDS` to verdict as in `cell_changes`.

    Args:
        one: Its trainings.
        limits: What is tolerated.
        families: How many detectors that depend on their seed are tested side by side; 0 where this one does not.
    """
    changes = _changes(one, np.eye(len(one.questions)), limits.cell, limits.cell_alpha, families)
    return pd.concat([one.questions.drop(columns="home"), changes], axis=1)


def compare_means(one: SeedAccuracies, limits: FallLimits, families: int, home: str | None) -> pd.DataFrame:
    """Compare the averages of one detector: columns `MEAN_CHANGES`.

    Args:
        one: Its trainings.
        limits: What is tolerated.
        families: As for `compare_cells`.
        home: Name of the average of role home; None where the protocol has none.
    """
    masks = one.averages(home)
    shares = np.stack([mask / mask.sum() for mask in masks.values()], axis=1)
    changes = _changes(one, shares, limits.mean, limits.mean_alpha, families)
    cells = [np.count_nonzero(mask) for mask in masks.values()]
    return changes.assign(detector=one.detector, average=list(masks), cells=cells)


def _too_few(trainings: Iterable[SeedAccuracies], limits: FallLimits, families: int) -> Iterator[str]:
    """The detectors with too few seeds for any fall to be seen, however deep."""
    for one in trainings:
        if one.varies and families * least_p(len(one.before), len(one.now)) >= limits.cell_alpha:
            seeds = f"{len(one.now)} training seeds now and {len(one.before)} in the golden record"
            yield f"{one.detector}: {seeds} cannot show a fall of one cell; train more"


def _notes(golden: Run, now: Run, scored: pd.DataFrame, pairs: pd.DataFrame, images: pd.DataFrame) -> Iterator[str]:
    """What a reader should know: cells and seeds new to the record, decisions as before, other files."""
    new = scored[~scored[columns.KEY].isin(pairs[columns.KEY])]
    for detector, count in new.groupby(columns.DETECTOR, sort=False).size().items():
        yield f"{detector}: {count} cells are not in the golden record, not compared"
    same = pairs[columns.SEED].eq(pairs["golden_seed"])
    others = pairs.loc[~same, [columns.DETECTOR, columns.SEED]].drop_duplicates()
    for detector, seed in others.itertuples(index=False, name=None):
        yield f"{detector}: seed {seed} is not in the golden record"
    changed = images["before"].ne(images["now"])[images["pair"].map(same)]
    counts = changed.groupby(images["pair"].map(pairs[columns.DETECTOR]), sort=False).agg(["sum", "size"])
    alike = counts.index[counts["sum"].eq(0)]
    if len(alike):
        yield f"every decision is that of the record's training of that seed: {', '.join(alike)}"
    for detector, row in counts.drop(alike).iterrows():
        yield f"{detector}: {row['sum']} of {row['size']} decisions are not those of the record's training of that seed"
    if golden.cells[columns.SEED].nunique() == 1:
        yield "the golden record has one training seed: networks are given no slack"
    if golden.manifest.data.digest != now.manifest.data.digest:
        yield "the image files are not the golden record's to the last byte, images are paired by name"


def _questions(before: pd.DataFrame, golden: Run, pairs: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """The questions that are compared, as `SeedAccuracies` has them."""
    question = question_columns(golden.manifest.protocol)
    placed = before.assign(home=_home(before, golden)).drop_duplicates(question)[[*question, "home"]]
    counted = pairs.assign(**{columns.IMAGES: images.groupby("pair").size()}).dropna(subset=columns.IMAGES)
    fewest = counted.groupby(question, sort=False)[columns.IMAGES].min().astype(int).reset_index()
    return placed.merge(fewest, on=question)


def compare(golden: Run, now: Run, limits: FallLimits = FallLimits()) -> GateResult:
    """Compare a run with the golden record.

    Seeds of the golden record that this run did not train are not missed.

    Args:
        golden: The record, from `bench.golden.golden_record`.
        now: The run.
        limits: What is tolerated.

    Raises:
        UnusableScores: A score is not a probability.
    """
    protocol = golden.manifest.protocol
    axes = tuple(axes_shown(golden.cells, protocol))
    cells, means = pd.DataFrame(columns=list(cell_changes(protocol.axes))), pd.DataFrame(columns=list(MEAN_CHANGES))
    if differences := question_differences(golden.manifest, now.manifest):
        return GateResult(cells, means, tuple(differences), (), axes)
    paired = pair_with_record(golden, now, in_full=True)
    after, pairs, images = paired.after, paired.pairs, paired.images
    obstacles = list(paired.obstacles)
    notes = tuple(_notes(golden, now, after[after[columns.STATUS].eq(SCORED)], pairs, images))
    if trainings := trainings_of(golden, now, _questions(paired.before, golden, pairs, images)) if len(images) else []:
        families, home = [one.varies for one in trainings].count(True), protocol.group("home")
        compared = [(one, limits, families * one.varies) for one in trainings]
        cells = pd.concat([compare_cells(*one) for one in compared], ignore_index=True)[list(cells)]
        means = pd.concat([compare_means(*one, home) for one in compared], ignore_index=True)[list(means)]
        obstacles += _too_few(trainings, limits, families)
    return GateResult(cells, means, tuple(obstacles), notes, axes)
