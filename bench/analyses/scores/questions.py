"""The answers to the questions of a run, the mean over training seeds: what analyses of single images start from.

A question is that of a cell whatever its seed: a detector, what it was trained on, what it is tested on and how that
was degraded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.cells import UNASKED, MeasuredCells, average_masks
from bench.evaluation.decided_blocks import DecidedBlock, Mask, decided_blocks
from bench.metrics.metric import log_odds_of_probabilities
from bench.platform.errors import InputError
from bench.platform.option_values import unknown_name_text
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.records.score_table import TestImages

TEST_AXES = tuple(axis for axis in columns.QUESTION if axis.startswith("test"))  # what says which images are tested
BINARY = "binary"
CALLED = "called_generated"  # of answers: whether, or how often, an image is called so


@dataclass(frozen=True, eq=False, slots=True)
class QuestionBlock:
    """The answers to K questions about the same N images, the mean over the seeds of each.

    Attributes:
        images: The images.
        cells: Integers (K,), the position of the first cell of each question in the table of cells.
        right: Float64 (K, N) in [0, 1], the share of the trainings that called an image what it is.
        called: Float64 (K, N) in [0, 1], the share that called it generated.
        scores: Float64 (K, N) in [0, 1], mean probability of "generated".
        log_odds: Float64 (K, N), mean log odds of "generated"; those of clipped probabilities where a detector has
            none.
    """

    images: TestImages
    cells: NDArray[np.intp]
    right: NDArray[np.float64]
    called: NDArray[np.float64]
    scores: NDArray[np.float64]
    log_odds: NDArray[np.float64]


def binary_cells(measured: MeasuredCells, average: str = ALL_CELLS) -> Mask:
    """Which planned cells an average runs over whose task is to tell real from generated, bools (cells,).

    Args:
        measured: The cells of a run.
        average: A name of `average_masks`.

    Raises:
        InputError: There is no such average.
    """
    masks = average_masks(measured.table, measured.run.manifest.protocol)
    if average not in masks:
        raise InputError(unknown_name_text("the average", average, list(masks)))
    return masks[average] & measured.table[columns.TASK].eq(BINARY).to_numpy(bool)


def missing_cells(measured: MeasuredCells, cells: Mask) -> tuple[str, ...]:
    """Those of these cells, bools (cells,), that have no scores and that the data could answer, one text each."""
    table = measured.table[cells & ~measured.scored]
    names = [columns.DETECTOR, columns.TRAIN, columns.TEST, columns.DEGRADATION, columns.SEED, columns.REASON]
    rows = table.loc[table[columns.STATUS].ne(UNASKED), names].itertuples(index=False, name=None)
    return tuple(
        f"{detector} {f'trained on {train}, ' if train else ''}tested on {test}, {degradation}, seed {seed}: {reason}"
        for detector, train, test, degradation, seed, reason in rows
    )


def training_texts(measured: MeasuredCells) -> NDArray[np.object_]:
    """What tells the cells of one detector and test set apart beside the seed, texts (cells,): training, degradation.

    Axes that do not vary in the run are left out; where none does, it is the train set.
    """
    table = measured.table
    axes = [axis for axis in columns.of_question(measured.run.manifest.protocol.axes) if axis not in TEST_AXES]
    varying = [axis for axis in axes if table[axis].nunique(dropna=False) > 1] or [columns.TRAIN]
    rows = zip(*(table[axis] for axis in varying), strict=True)
    return np.array([", ".join(str(value) for value in row if value != "") for row in rows], object)


def question_blocks(measured: MeasuredCells, cells: Mask) -> Iterator[QuestionBlock]:
    """The answers to the questions of these cells, bools (cells,), the images of one test set at a time.

    A question of which the cell of any seed has no scores is left out, and not averaged over the other seeds:
    `missing_cells` names it.

    Args:
        measured: The cells of a run.
        cells: Planned cells.

    Raises:
        UnusableScores: A score is not a probability.
        InputError: A cell is called scored and has no scores.
    """
    names = [columns.DETECTOR, *columns.of_question(measured.run.manifest.protocol.axes)]
    questions = np.asarray(measured.table.groupby(names, sort=False, dropna=False).ngroup(), np.intp)
    incomplete = np.isin(questions, questions[cells & ~measured.scored])
    for own in _by_test_set(measured, cells & ~incomplete):
        yield _seed_means(list(decided_blocks(measured.run, own)), questions)


def _by_test_set(measured: MeasuredCells, cells: Mask) -> Iterator[Mask]:
    """Those of these scored cells that share their images."""
    positions = np.flatnonzero(cells)
    keys, scores = measured.table[columns.KEY].to_numpy()[positions], measured.run.score_table
    tests, _ = pd.factorize(np.array([id(scores[key].images) if key in scores else 0 for key in keys], np.int64))
    for test in range(tests.max() + 1 if tests.size else 0):
        own = np.zeros(len(cells), bool)
        own[positions[tests == test]] = True
        yield own


def _seed_means(blocks: Sequence[DecidedBlock], questions: NDArray[np.intp]) -> QuestionBlock:
    """The blocks of one test set, with the rows of one question averaged."""
    cells = np.concatenate([block.cells for block in blocks])
    order = np.argsort(questions[cells], kind="stable")
    starts = np.flatnonzero(np.diff(questions[cells[order]], prepend=-1))
    counts = np.diff(np.append(starts, len(cells)))[:, None]

    def means(rows: Sequence[NDArray[np.generic]]) -> NDArray[np.float64]:
        whole = np.concatenate(rows)[order]
        return np.asarray(np.add.reduceat(whole, starts, axis=0, dtype=np.float64) / counts)

    return QuestionBlock(
        blocks[0].images,
        cells[order][starts],
        means([block.correct for block in blocks]),
        means([block.called for block in blocks]),
        means([block.scores for block in blocks]),
        means([_finite_log_odds(block) for block in blocks]),
    )


def _finite_log_odds(block: DecidedBlock) -> NDArray[np.float64]:
    """Log odds (K, N); those of clipped probabilities for a detector that has none of any image."""
    found = block.log_odds.astype(np.float64)
    without = np.isnan(found).any(axis=1)
    found[without] = log_odds_of_probabilities(block.scores[without])
    return found
