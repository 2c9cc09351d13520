"""What `lineup regress` finds where everything is fitted again, and how often it fails for nothing, as Markdown tables.

    .venv/bin/python docs/simulations/gate.py > docs/simulations/gate.md

Trainings are drawn from what the golden record's training seeds reached. Everything is drawn from seeds that are named
by what is drawn. It takes about ten minutes on one core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from page import say, table
from scipy.special import expit, logit

from bench.command.gate.gate_runs import PROTOCOLS
from bench.command.regression_gate import SEEDS_NOW, read_record
from bench.evaluation.cells import average_masks, decisions
from bench.golden.regression import WORSE, FallLimits, SeedAccuracies, compare_cells, compare_means, trainings_of
from bench.metrics.metric import called_generated
from bench.records import columns
from bench.records.run import Run
from bench.statistics.intervals import random_generator

Floats = NDArray[np.floating[Any]]
GOLDEN = Path(__file__).parents[2] / "results" / "golden"
REPEATS, ALARM_REPEATS, STEADY_REPEATS = 100, 1_000, 10
CELL_FALL, MEAN_FALL = 0.10, 0.03
WANTED = 0.8
ROUNDING = 0.01  # standard deviation of noise on log odds, far above what another processor brings
LIMITS = FallLimits()
NOTES = """\
- A training is drawn for each train set by itself, with the means and the covariances of the cells that the golden
  record's seeds of that train set show: the record's trainings and those of the gate anew in every replication. A fall
  is planted in all trainings of the gate.
- Trainings on different train sets are drawn independently, as the test takes them. Over the record's seeds, the means
  of two train sets go together by {likeness}, on average over all pairs.
- `spread` is the standard deviation over the record's seeds, in points.
- The fitted detectors that ship with the record are no part of this: nothing varies there, and one changed decision of
  any image fails the gate.
- How many trainings and record seeds there are, and how the level is shared out, was chosen with such tables of this
  same record at hand: as a forecast they are optimistic. Seeds that were not looked at would be a fairer test.
"""


@dataclass(frozen=True)
class Question:
    """A protocol of the gate.

    Attributes:
        name: Its name.
        home: Name of the average where detectors are at home.
        record: The golden record, all seeds.
        trainings: What the record's seeds reached, by detector; those of the gate are the same ones.
    """

    name: str
    home: str | None
    record: Run
    trainings: dict[str, SeedAccuracies]


def question_of(protocol: str) -> Question:
    """A protocol of the gate as the golden record has it."""
    record = read_record(GOLDEN, protocol)
    home = record.manifest.protocol.group("home")
    names = [columns.DETECTOR, *columns.of_question(record.manifest.protocol.axes)]
    cells = record.cells.astype(dict.fromkeys(names, "object"))
    at_home = average_masks(cells, record.manifest.protocol)[home] if home else np.zeros(len(cells), bool)
    images = decisions(record).groupby(columns.KEY).size()
    questions = cells.assign(home=at_home, images=cells[columns.KEY].map(images)).drop_duplicates(
        names, ignore_index=True
    )
    found = trainings_of(record, record, questions[[*names, columns.IMAGES, "home"]])
    return Question(protocol, home, record, {one.detector: one for one in found})


def likeness(questions: Sequence[Question]) -> str:
    """The correlation over seeds of the mean accuracies of two train sets, on average over pairs, of each detector."""
    found = []
    for _, one, _ in depending(questions):
        means = one.before @ (one.train_sets / one.train_sets.sum(axis=1, keepdims=True)).T
        pairs = np.triu_indices(means.shape[1], 1)
        if len(pairs[0]):
            found.append(f"{np.corrcoef(means.T)[pairs].mean():.2f} ({one.detector})")
    return ", ".join(found)


def drawn(one: SeedAccuracies, count: int, random: np.random.Generator) -> Floats:
    """`count` further trainings of a detector, floats (count, M): normal, with the record's means and covariances."""
    mean, found = one.before.mean(axis=0), np.empty((count, one.before.shape[1]))
    away = (one.before - mean) / np.sqrt(len(one.before) - 1)
    for _, rows in one.questions.groupby(columns.TRAIN, sort=False):
        found[:, rows.index] = random.standard_normal((count, len(away))) @ away[:, rows.index]
    images = one.questions[columns.IMAGES].to_numpy()
    counted: Floats = np.round(np.clip(mean + found, 0, 1) * images) / images
    return counted


def again(one: SeedAccuracies, question: Question, random: np.random.Generator) -> SeedAccuracies:
    """A record and a gate in which nothing changed."""
    seeds, now = len(one.before), len(SEEDS_NOW[question.name])
    both = drawn(one, seeds + now, random)
    return replace(one, before=both[:seeds], now=both[seeds:])


def falls(one: SeedAccuracies, question: Question, families: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which cells and which averages the gate calls fallen."""
    cells, means = compare_cells(one, LIMITS, families), compare_means(one, LIMITS, families, question.home)
    return cells["verdict"].eq(WORSE).to_numpy(), means["verdict"].eq(WORSE).to_numpy()


def percent(found: object) -> str:
    """A share in percent."""
    return f"{100 * float(np.mean(np.asarray(found))):.1f}"


def false_alarms(questions: Sequence[Question]) -> None:
    """How often a whole run of the gate fails although nothing changed."""
    random = random_generator(["gate", "false alarms"])
    alarms = []
    tested = list(depending(questions))
    for _ in range(ALARM_REPEATS):
        verdicts = [falls(again(one, question, random), question, count) for question, one, count in tested]
        alarms.append([part.any() for both in verdicts for part in both])
    say("## False alarms")
    say()
    seeds = ", ".join(f"{len(SEEDS_NOW[question.name])} trainings of {question.name}" for question in questions)
    say(f"Whole runs of the gate ({seeds})")
    say("in which everything that depends on its training seed was trained elsewhere and nothing changed. The stated")
    say("level is 2% for all four families of tests together.")
    say()
    found = np.array(alarms)
    families = [
        f"{one.detector}, {question.name}: {what}" for question, one, _ in tested for what in ("cells", "averages")
    ]
    table(("any verdict", *families), [(percent(found.any(axis=1)), *map(percent, found.T))])


def depending(questions: Sequence[Question]) -> Iterator[tuple[Question, SeedAccuracies, int]]:
    """The detectors that depend on their training seed, with their number."""
    for question in questions:
        found = [one for one in question.trainings.values() if one.varies]
        for one in found:
            yield question, one, len(found)


def averages(questions: Sequence[Question]) -> None:
    """How often a fall of three points on an average is found."""
    rows = []
    for question, one, families in depending(questions):
        random = random_generator(["gate", "averages", question.name, one.detector])
        for place, (name, mask) in enumerate(one.averages(question.home).items()):
            spread = one.before[:, mask].mean(axis=1).std(ddof=1)
            found, itself = [], []
            for _ in range(REPEATS):
                fresh = again(one, question, random)
                by_cell, by_average = falls(replace(fresh, now=fresh.now - MEAN_FALL * mask), question, families)
                found.append(by_cell.any() or by_average.any())
                itself.append(by_average[place])
            rows.append((one.detector, question.name, name, percent(spread), percent(found), percent(itself)))
    say(f"## Falls of {100 * MEAN_FALL:.0f} points on an average")
    say()
    say("Share of runs of the gate that fail where every cell of an average has fallen so far, and of those in which")
    say("the test of this average says so itself, of detectors that depend on their training seed.")
    say()
    table(("detector", "protocol", "average", "spread", "found", "by the average itself"), rows)


def cells(questions: Sequence[Question]) -> None:
    """How often a fall of ten points in one cell is found, and the cells where it is not."""
    rows, missed = [], []
    for question, one, families in depending(questions):
        share, spread = found_by_cell(one, question, families), one.before.std(axis=0, ddof=1)
        low = share < WANTED
        reached = percent(spread[~low].max(initial=0))
        rows.append((one.detector, question.name, len(share), np.count_nonzero(~low), reached))
        shown = one.questions.assign(spread=spread, found=share)[low].sort_values("found", kind="stable")
        for row in shown.to_dict(orient="records"):
            where = (row[name] for name in (columns.DETECTOR, columns.TRAIN, columns.TEST, columns.DEGRADATION))
            missed.append((*where, percent(row["spread"]), percent(row["found"])))
    say(f"## Falls of {100 * CELL_FALL:.0f} points in one cell")
    say()
    say(f"Cells in which {100 * WANTED:.0f}% of the runs of the gate or more find it, and the largest spread among")
    say("them, of detectors that depend on their training seed.")
    say()
    table(("detector", "protocol", "cells", "found in 8 of 10", "with a spread up to"), rows)
    say("The others, in which trainings differ too much from each other for so few of them:")
    say()
    table(("detector", "train", "test", "degradation", "spread", "found"), missed)


def found_by_cell(one: SeedAccuracies, question: Question, varying: int) -> Floats:
    """The share of runs that find a fall in each cell, of a detector that depends on its training seed."""
    random = random_generator(["gate", "cells", question.name, one.detector])
    found = np.zeros((REPEATS, one.before.shape[1]), bool)
    for repeat in range(REPEATS):
        fresh = again(one, question, random)
        for cell in range(found.shape[1]):
            now = fresh.now.copy()
            now[:, cell] -= CELL_FALL
            found[repeat, cell] = compare_cells(replace(fresh, now=now), LIMITS, varying)["verdict"].iloc[cell] == WORSE
    share: Floats = found.mean(axis=0)
    return share


def rounding(one: SeedAccuracies, question: Question, random: np.random.Generator) -> Floats:
    """One training of a detector whose record does not depend on it, with noise on its log odds: floats (1, M)."""
    names = [name for name in one.questions.columns if name not in {columns.IMAGES, "home"}]
    cells = question.record.cells
    cells = cells[cells[columns.SEED].eq(cells[columns.SEED].min())].astype(dict.fromkeys(names, "object"))
    keys = one.questions.merge(cells, on=names)[columns.KEY]
    found = []
    for key in keys:
        rows = question.record.score_table.only([key]).frame()
        odds = logit(rows[columns.SCORE].to_numpy(np.float64)) + random.normal(0, ROUNDING, len(rows))
        found.append(np.mean(called_generated(expit(odds)) == rows[columns.LABEL].to_numpy(bool)))
    return np.array([found])


def steady(questions: Sequence[Question]) -> None:
    """Detectors that do not depend on their training seed, under rounding."""
    rows = []
    for question in questions:
        for one in [one for one in question.trainings.values() if not one.varies]:
            random = random_generator(["gate", "rounding", question.name, one.detector])
            noisy = [rounding(one, question, random) for _ in range(STEADY_REPEATS)]
            alarms = [any(part.any() for part in falls(replace(one, now=now), question, 0)) for now in noisy]
            moved = max(np.abs(now - one.before[:1]).max() for now in noisy)
            means = [falls(replace(one, now=now - MEAN_FALL), question, 0)[1] for now in noisy]
            deep = [falls(replace(one, now=now - CELL_FALL), question, 0)[0] for now in noisy]
            rows.append((one.detector, question.name, *map(percent, (moved, alarms, means, deep))))
    say("## Detectors that do not depend on their training seed")
    say()
    say("Their golden seeds agree in every decision. Anything beyond what is tolerated is a fall, and so it is found;")
    say(f"what could make a false alarm is rounding. Noise of {ROUNDING:g} on every log odds, a hundred times and more")
    say("what processors differ by, moves a cell by so many points at most:")
    say()
    headers = ("detector", "protocol", "largest move of a cell", "false alarms")
    table(
        (*headers, f"averages, {100 * MEAN_FALL:.0f} points: found", f"cells, {100 * CELL_FALL:.0f} points: found"),
        rows,
    )


def main() -> None:
    """The whole page."""
    say("# Simulations of the gate where everything is fitted again")
    say()
    say("Made by `.venv/bin/python docs/simulations/gate.py > docs/simulations/gate.md`; shares in percent. A share of")
    say(f"80% of {REPEATS} runs has a standard error of 4, one of 2% of {ALARM_REPEATS:,} one of .4.")
    say()
    questions = [question_of(protocol) for protocol in PROTOCOLS]
    say(NOTES.format(likeness=likeness(questions)))
    for part in (false_alarms, averages, cells, steady):
        part(questions)


if __name__ == "__main__":
    main()
