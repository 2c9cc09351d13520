"""Mistakes worth looking at: the most confident ones, those that all detectors share, images that divide detectors.

All are over cells whose task is to tell real from generated, the mean over training seeds first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.scores.questions import (
    CALLED,
    TEST_AXES,
    QuestionBlock,
    binary_cells,
    question_blocks,
    training_texts,
)
from bench.evaluation.cells import CHANCE, MeasuredCells
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.statistics.intervals import EXACT

COUNT = 20  # images of a list
AT_LEAST = 2  # detectors without which nothing is shared, and none can disagree
CELLS, WRONG_CELLS, WHERE = "cells", "wrong_cells", "where"
DETECTORS, TRAINED, VARIANCE = "detectors", "trained", "variance"
_IMAGE = (columns.NAME, columns.SOURCE, columns.LABEL)
MISTAKES = (
    *(columns.DETECTOR, *TEST_AXES, *_IMAGE),
    *(columns.SCORE, columns.LOG_ODDS, CELLS, WRONG_CELLS, WHERE),
)
SHARED = (TRAINED, columns.TEST_DATA, *_IMAGE, columns.SCORE, DETECTORS, CELLS)
DISAGREEMENTS = (*TEST_AXES, *_IMAGE, VARIANCE, CALLED, DETECTORS, CELLS)
_ORDER = "confidence"
_Columns = dict[str, Sequence[Any] | NDArray[Any]]  # one value for each of some rows, by column


def confident_mistakes(measured: MeasuredCells, average: str = ALL_CELLS, count: int = COUNT) -> pd.DataFrame:
    """The images that each detector is most sure of and wrong about, for each test set.

    An answer is wrong where more than half of the trainings of its question are; how sure it is are the mean log odds
    on the wrong side, those of the question that is surest; they are below 0 where the few trainings that are right are
    surer.

    Args:
        measured: The cells of a run.
        average: Whose cells are looked at.
        count: Images of each detector and test set, at most.

    Returns:
        Columns `MISTAKES`, the surest first within each detector and test set: score in [0, 1] and log odds of
        "generated", mean over seeds, of the surest wrong question; `CELLS`, the questions that ask about the image,
        `WRONG_CELLS`, how many of them are answered wrongly, and `WHERE`, a tuple of texts that name these.
    """
    texts, parts = training_texts(measured), list[_Columns]()
    for block in question_blocks(measured, binary_cells(measured, average)):
        for (detector, *test), rows in _rows_by(measured.table, block, (columns.DETECTOR, *TEST_AXES)):
            labels = block.images.labels
            wrong = block.right[rows] < 0.5
            sure = np.where(wrong, np.where(labels == 1, -1, 1) * block.log_odds[rows], -np.inf)
            best = sure.argmax(axis=0)
            confidence = sure.max(axis=0)
            shown = _largest(confidence, count)
            at = rows[best[shown]], shown
            where = [tuple(texts[block.cells[rows[wrong[:, image]]]]) for image in shown]
            test_set: _Columns = dict(zip(TEST_AXES, ([value] * len(shown) for value in test), strict=True))
            numbers: _Columns = {columns.SCORE: block.scores[at], columns.LOG_ODDS: block.log_odds[at]}
            counts: _Columns = {CELLS: [len(rows)] * len(shown), WRONG_CELLS: wrong[:, shown].sum(axis=0), WHERE: where}
            of_detector: _Columns = {columns.DETECTOR: [detector] * len(shown)}
            parts.append(of_detector | test_set | _images(block, shown) | numbers | counts)
    return _joined(parts, MISTAKES)


def shared_mistakes(measured: MeasuredCells, average: str = ALL_CELLS, count: int = COUNT) -> pd.DataFrame:
    """The images that all detectors get wrong in every cell that asks about them: their labels may be wrong.

    A cell counts where the lower end of the interval of its accuracy is above chance: one that guesses would be right
    about half of the wrong labels. Trained detectors, and those that were not, are two lists. At least `AT_LEAST`
    detectors must be wrong about an image.

    Args:
        measured: The cells of a run.
        average: Whose cells are looked at.
        count: Images of each list, at most.

    Returns:
        Columns `SHARED`: those with the most detectors, then cells, then the surest first; score in [0, 1] is the mean
        over all cells of one test set, `TRAINED` which list it is.
    """
    low, _ = columns.interval_of(columns.RANKED)
    better = measured.table[low].gt(CHANCE).to_numpy(bool)
    records, detectors = measured.run.manifest.detectors, measured.table[columns.DETECTOR]
    table = measured.table.assign(**{TRAINED: [records[name].trained for name in detectors]})
    parts, asked = list[_Columns](), Counter[tuple[Any, ...]]()  # number of test sets that an image stands in
    for block in question_blocks(measured, binary_cells(measured, average) & measured.scored & better):
        for (trained, data), rows in _rows_by(table, block, (TRAINED, columns.TEST_DATA)):
            asked.update((trained, data, name) for name in block.images.names)
            shown = np.flatnonzero(~block.right[rows].any(axis=0))
            names, scores = frozenset(detectors.iloc[block.cells[rows]]), block.scores[rows][:, shown].mean(axis=0)
            alike = {TRAINED: trained, columns.TEST_DATA: data, CELLS: len(rows), DETECTORS: names}
            own: _Columns = {name: [value] * len(shown) for name, value in alike.items()}
            parts.append(own | _images(block, shown) | {columns.SCORE: scores})
    whole = _joined(parts, SHARED)
    identity = [TRAINED, columns.TEST_DATA, columns.NAME]
    merged = [
        _merged(images)
        for key, images in whole.groupby(identity, sort=False)
        if len(images) == asked[tuple(key)] and len(frozenset.union(*images[DETECTORS])) >= AT_LEAST
    ]
    found = pd.DataFrame(merged, columns=list(SHARED))
    sure = np.abs(found[columns.SCORE].to_numpy(float) - found[columns.LABEL].to_numpy(float))
    best_first = [TRAINED, DETECTORS, CELLS, _ORDER, columns.NAME]
    found = found.assign(**{_ORDER: sure}).sort_values(best_first, ascending=[False, False, False, False, True])
    return found.groupby(TRAINED, sort=False).head(count)[list(SHARED)].reset_index(drop=True)


def _merged(images: pd.DataFrame) -> pd.Series[Any]:
    """One image out of the test sets that it stands in."""
    one = images.iloc[0].copy()
    one[columns.SCORE] = np.average(images[columns.SCORE].to_numpy(float), weights=images[CELLS].to_numpy(float))
    one[DETECTORS], one[CELLS] = len(frozenset.union(*images[DETECTORS])), images[CELLS].sum()
    return one


def disagreements(measured: MeasuredCells, average: str = ALL_CELLS, count: int = COUNT) -> pd.DataFrame:
    """The images that divide the detectors most.

    Each detector has the share of its answers about an image, in the cells of one test set, that call it generated; the
    variance of these shares over the detectors is 1/4 where half of them always say so and half never.

    Args:
        measured: The cells of a run.
        average: Whose cells are looked at.
        count: Images at most; one that stands in several test sets is shown where it divides them most.

    Returns:
        Columns `DISAGREEMENTS`, the largest variance first: `VARIANCE` in [0, 1/4], `CALLED` the mean of the shares,
        `CELLS` the questions of all detectors. None without a difference.
    """
    detectors, parts = measured.table[columns.DETECTOR].to_numpy(), list[_Columns]()
    for block in question_blocks(measured, binary_cells(measured, average)):
        for test, rows in _rows_by(measured.table, block, TEST_AXES):
            codes, names = pd.factorize(detectors[block.cells[rows]])
            if len(names) < AT_LEAST:
                continue
            member = np.eye(len(names))[codes].T
            shares = member @ block.called[rows] / member.sum(axis=1, keepdims=True)
            variance = shares.var(axis=0)
            shown = _largest(np.where(variance > EXACT, variance, -np.inf), count)
            alike = dict(zip((*TEST_AXES, DETECTORS, CELLS), (*test, len(names), len(rows)), strict=True))
            own: _Columns = {name: [value] * len(shown) for name, value in alike.items()}
            numbers: _Columns = {VARIANCE: variance[shown], CALLED: shares[:, shown].mean(axis=0)}
            parts.append(own | _images(block, shown) | numbers)
    whole = _joined(parts, DISAGREEMENTS).sort_values(VARIANCE, ascending=False, kind="stable")
    whole = whole.drop_duplicates([columns.TEST_DATA, columns.NAME]).head(count)
    return whole[list(DISAGREEMENTS)].reset_index(drop=True)


def _rows_by(
    table: pd.DataFrame, block: QuestionBlock, names: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], NDArray[np.intp]]]:
    """The rows of a block by the values of some columns of the table of cells, in planned order."""
    groups = table[list(names)].iloc[block.cells].reset_index(drop=True).groupby(list(names), sort=False)
    of_values = {values: np.asarray(rows) for values, rows in groups.indices.items()}
    for values in sorted(of_values, key=lambda values: int(of_values[values][0])):
        yield values if isinstance(values, tuple) else (values,), of_values[values]


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The positions of the largest values above -inf, at most so many, the largest first; of equal ones the first."""
    order = np.argsort(-values, kind="stable")[: max(count, 0)]
    return order[values[order] > -np.inf]


def _images(block: QuestionBlock, shown: NDArray[np.intp]) -> _Columns:
    """Name, source and label of some images of a block."""
    images = block.images
    return dict(zip(_IMAGE, (images.names[shown], images.sources[shown], images.labels[shown]), strict=True))


def _joined(parts: Sequence[_Columns], names: Sequence[str]) -> pd.DataFrame:
    """The rows of all parts in one table: many times faster than tables of a few rows each."""
    return pd.DataFrame({name: list(chain.from_iterable(part[name] for part in parts)) for name in names})
