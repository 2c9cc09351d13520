"""Whether detectors err on the same images: pairs, and what any of them or most of them together would get right.

Answers are compared cell by cell: two detectors that were trained on the same with the same seed, about the same images
under the same degradation. A detector that was not trained here answers alike whatever the others were trained on, so
its answer stands beside each of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.scores.questions import binary_cells, missing_cells
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.conditions import TRAINING
from bench.evaluation.decided_blocks import Mask, decided_blocks
from bench.platform.errors import InputError
from bench.platform.option_values import unknown_name_text
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.statistics.influences import mean_influences

FIRST, SECOND, ANSWERS = "first", "second", "answers"
BOTH_RIGHT, ONLY_FIRST, ONLY_SECOND, BOTH_WRONG = "both_right", "only_first", "only_second", "both_wrong"
FIRST_MENDED, SECOND_MENDED = "first_errors_right_in_second", "second_errors_right_in_first"
KAPPA, YULES_Q = "kappa", "yules_q"
OVERLAP = (FIRST, SECOND, ANSWERS, BOTH_RIGHT, ONLY_FIRST, ONLY_SECOND, BOTH_WRONG)
OVERLAP_MEASURES = (FIRST_MENDED, SECOND_MENDED, KAPPA, YULES_Q)
UNDEFINED = float("nan")


@dataclass(frozen=True, slots=True)
class TogetherAccuracy:
    """What several detectors get right together, over the cells that all of them answered.

    Attributes:
        detectors: Their names.
        any_right: Accuracy of a choice that is right wherever any of them is: no combination does better. In [0, 1], as
            all that follow, NaN where no cell is answered by all; every cell counts alike, both classes of it too.
        all_right: The share that all of them get right.
        majority: Accuracy of what most of them say; a tie counts half.
        best: The accuracy of the best of them alone.
        best_detector: Its name; "" where there is none.
        cells: Number of cells: a question without the detector, and a seed.
        missing: The cells of these detectors that have no scores, one text each; they are in none of the numbers.
    """

    detectors: tuple[str, ...]
    any_right: float
    all_right: float
    majority: float
    best: float
    best_detector: str
    cells: int
    missing: tuple[str, ...]


def error_overlap(
    measured: MeasuredCells, average: str = ALL_CELLS, detectors: Sequence[str] | None = None
) -> pd.DataFrame:
    """How the errors of each pair of detectors overlap, on the answers of cells that both have.

    Args:
        measured: The cells of a run.
        average: Whose cells are compared.
        detectors: Which are compared; None for all.

    Returns:
        One row per pair in planned order, columns `OVERLAP` and `OVERLAP_MEASURES`: numbers of answers, an image of
        each cell and seed counting once; the share in [0, 1] of the errors of one that the other gets right; Cohen's
        kappa of being wrong (Educational and Psychological Measurement 20, 1960), 1 where both err on the same images
        and 0 where they err independently; Yule's Q of the same (Philosophical Transactions A 194, 1900), in [-1, 1].
        NaN where a pair has no answers in common, or no errors to share.
    """
    names = [str(name) for name in measured.table[columns.DETECTOR].unique() if detectors is None or name in detectors]
    counts = np.zeros((3, len(names), len(names)))
    for answers in _common_answers(measured, binary_cells(measured, average), names):
        right = answers.right.reshape(len(names), -1).astype(np.float64)
        there = np.repeat(answers.there, answers.right.shape[2], axis=1).astype(np.float64)
        counts += np.stack([there @ there.T, right @ there.T, right @ right.T])
    rows = []
    for first, second in combinations(range(len(names)), 2):
        total, both = counts[0, first, second], counts[2, first, second]
        only_first, only_second = counts[1, first, second] - both, counts[1, second, first] - both
        cells = both, only_first, only_second, total - both - only_first - only_second
        rows.append((names[first], names[second], *map(int, (total, *cells)), *_measures(*cells)))
    return pd.DataFrame(rows, columns=[*OVERLAP, *OVERLAP_MEASURES])


def _measures(both: float, only_first: float, only_second: float, neither: float) -> tuple[float, ...]:
    """`OVERLAP_MEASURES` of a table of two by two."""
    total = both + only_first + only_second + neither
    wrong = only_second + neither, only_first + neither
    by_chance = (wrong[0] * wrong[1] + (total - wrong[0]) * (total - wrong[1])) / total if total else 0.0
    same, crossed = both * neither, only_first * only_second
    return (
        _ratio(only_second, wrong[0]),
        _ratio(only_first, wrong[1]),
        _ratio(both + neither - by_chance, total - by_chance),
        _ratio(same - crossed, same + crossed),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else UNDEFINED


def together_accuracy(measured: MeasuredCells, detectors: Sequence[str], average: str = ALL_CELLS) -> TogetherAccuracy:
    """What these detectors get right together.

    Args:
        measured: The cells of a run.
        detectors: Of that run, at least one.
        average: Whose cells are looked at.

    Raises:
        InputError: One of the detectors is not in the run, or none is given.
    """
    known = list(measured.table[columns.DETECTOR].unique())
    unknown = [name for name in detectors if name not in known]
    if unknown or not detectors:
        raise InputError(unknown_name_text("the detector", unknown[0] if unknown else "", known))
    cells = binary_cells(measured, average) & measured.table[columns.DETECTOR].isin(list(detectors)).to_numpy(bool)
    found = []
    for answers in _common_answers(measured, cells, detectors):
        right, count = answers.right[:, answers.there.all(axis=0)], len(detectors)  # (D, cells, N)
        votes = right.sum(axis=0)
        majority = (votes * 2 > count) + 0.5 * (votes * 2 == count)
        whole = np.stack([right.any(axis=0), right.all(axis=0), majority, *right])
        balanced = 0 < answers.labels.sum() < len(answers.labels)
        for cell in range(whole.shape[1]):
            found.append(mean_influences(whole[:, cell], answers.labels, balanced=bool(balanced)).values)
    missing = missing_cells(measured, cells)
    if not found:
        nothing = UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED
        return TogetherAccuracy(tuple(detectors), *nothing, "", 0, missing)
    any_right, all_right, majority, *alone = (float(one) for one in np.mean(found, axis=0))
    best = max(alone)
    name = detectors[alone.index(best)]
    return TogetherAccuracy(tuple(detectors), any_right, all_right, majority, best, name, len(found), missing)


@dataclass(frozen=True, eq=False, slots=True)
class _CommonAnswers:
    """The answers of D detectors about the N images of one test set in U cells, told apart without the detector.

    Attributes:
        right: Bools (D, U, N); False where there is no answer.
        there: Bools (D, U), whether the detector has the cell.
        labels: Int8 (N,).
    """

    right: Mask
    there: Mask
    labels: NDArray[np.int8]


def _common_answers(measured: MeasuredCells, cells: Mask, names: Sequence[str]) -> Iterator[_CommonAnswers]:
    """The answers in these cells by test set, those of detectors that were not trained beside each of the others'."""
    places = _places(measured)
    detector = pd.Index(list(names)).get_indexer(pd.Index(measured.table[columns.DETECTOR]))
    by_images: dict[int, list[tuple[NDArray[np.intp], Mask, NDArray[np.int8]]]] = {}
    for block in decided_blocks(measured.run, cells & (detector >= 0)):
        by_images.setdefault(id(block.images), []).append((block.cells, block.correct, block.images.labels))
    for parts in by_images.values():
        positions = np.concatenate([part[0] for part in parts])
        correct, labels = np.concatenate([part[1] for part in parts]), parts[0][2]
        rows, units = _rows_and_units(places.iloc[positions])
        right = np.zeros((len(names), units.max() + 1, len(labels)), bool)
        there = np.zeros(right.shape[:2], bool)
        at = detector[positions[rows]], units
        right[at], there[at] = correct[rows], True
        yield _CommonAnswers(right, there, labels)


_TESTED, _TRAINED, _IS_TRAINED = "tested", "trained", "is_trained"


def _places(measured: MeasuredCells) -> pd.DataFrame:
    """Of each cell, a number of what it is tested on, one of its training with the seed, and whether there was one."""
    table, records = measured.table, measured.run.manifest.detectors
    axes = columns.of_question(measured.run.manifest.protocol.axes)
    tested = [axis for axis in axes if axis not in TRAINING]
    numbers = [
        table.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
        for names in (tested, [*TRAINING, columns.SEED])
    ]
    trained = [records[name].trained for name in table[columns.DETECTOR]]
    return pd.DataFrame({_TESTED: numbers[0], _TRAINED: numbers[1], _IS_TRAINED: trained})


def _rows_and_units(places: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of cells, again for each training that a row without one stands beside, and the cell that each is in."""
    numbered = places.reset_index(drop=True).assign(row=np.arange(len(places)))
    trained, others = numbered[numbered[_IS_TRAINED]], numbered[~numbered[_IS_TRAINED]]
    beside = others.drop(columns=_TRAINED).merge(trained[[_TESTED, _TRAINED]].drop_duplicates(), on=_TESTED, how="left")
    beside[_TRAINED] = beside[_TRAINED].fillna(-1)  # where nothing was trained, one cell for all
    whole = pd.concat([trained, beside[list(trained.columns)]])
    units = whole.groupby([_TESTED, _TRAINED], sort=False).ngroup()
    return whole["row"].to_numpy(np.intp), np.asarray(units, np.intp)
