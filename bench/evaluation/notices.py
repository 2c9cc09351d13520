"""What must be read before a ranking: shortcuts in the data, unbalanced cells, and warnings of the census."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from bench.evaluation.cells import CHANCE, UNASKED, MeasuredCells, first_average_with_cells
from bench.evaluation.decided_blocks import Mask
from bench.evaluation.implausible_results import gains_from_degradation, inverted_orders
from bench.evaluation.threshold_failures import threshold_failures
from bench.records import columns
from bench.records.manifest import DetectorRecord, ShotLearning
from bench.records.outcomes import Failed
from bench.records.score_table import CellScores
from bench.statistics.hypothesis_tests import class_difference_test

SHORTCUT_LEVEL = 0.02  # one-sided, of the test behind the sentence on a baseline: at most 2.5% of false alarms
SHOTS: Mapping[ShotLearning, str] = {
    "fine-tuned": "went on from the training without them, on them alone",
    "head fitted anew": "fitted the head anew on all images, on the same frozen features",
    "trained anew": "cannot go on from a training, and began anew on all images",
}
UNBALANCED = 0.6  # share of the larger class of a cell above which accuracy alone misleads


def notices(evaluation: MeasuredCells, masks: Mapping[str, Mask], ranked: Mask) -> Iterator[str]:
    """What must be read before the table: shortcuts in the data, unbalanced cells, and what the census warns of.

    Args:
        evaluation: The measured cells.
        masks: The cells of each average.
        ranked: The cells of the rows that are ranked, bools (cells,).
    """
    manifest = evaluation.run.manifest
    names, protocol = set(evaluation.table.loc[ranked, columns.DETECTOR]), manifest.protocol
    records = {name: record for name, record in manifest.detectors.items() if name in names}
    home = protocol.group("home")
    yield from _failed(evaluation.table[ranked])
    average = first_average_with_cells(masks, home, protocol.group("away"))
    where = "where it was trained" if average == home else f"over {average}"
    for detector, entry in records.items():
        if entry.shortcut:
            own = masks[average] & (evaluation.detectors == detector)
            yield from _shortcut(f"{detector}, which sees nothing but {entry.shortcut},", where, evaluation, own)
    yield from _unbalanced(evaluation.table[ranked])
    yield from _unasked(evaluation.table[ranked])
    yield from _shots(records)
    yield from _ties(evaluation, ranked)
    yield from inverted_orders(evaluation, average, records, where)
    yield from gains_from_degradation(evaluation, ranked)
    ranking = first_average_with_cells(masks, protocol.group("away"), home)
    yield from threshold_failures(evaluation, ranking, list(records))
    for detector, entry in records.items():
        if entry.checkpoint and entry.checkpoint.sha256 and not entry.checkpoint.digest_known:
            yield (
                f"{detector}: no digest of this checkpoint is known to the registry; the file that was used has sha256 "
                f"{entry.checkpoint.sha256}."
            )
    yield from _imported(records)
    yield from manifest.data.warnings
    for name, further in manifest.further.items():
        yield from (f"{name}: {warning}" for warning in further.warnings)


def _failed(cells: pd.DataFrame) -> Iterator[str]:
    """A sentence on the cells that failed: what is ranked is not all that was asked."""
    failed = cells.loc[cells[columns.STATUS] == Failed.status, columns.DETECTOR].value_counts(sort=False)
    if len(failed):
        detectors = ", ".join(f"{count} of {detector}" for detector, count in failed.items())
        yield f"This board is not whole: {failed.sum()} of its {len(cells)} cells failed, {detectors}."


def _imported(records: Mapping[str, DetectorRecord]) -> Iterator[str]:
    """What was found when scores were imported, a sentence that several rows share once."""
    said: dict[str, list[str]] = {}
    for detector, record in records.items():
        for notice in record.imported.notices if record.imported else ():
            said.setdefault(notice, []).append(detector)
    yield from (f"{', '.join(detectors)}: {notice}" for notice, detectors in said.items())


def _unbalanced(cells: pd.DataFrame) -> Iterator[str]:
    """A sentence on the cells of which one class has most of the images."""
    cells = cells.reset_index(drop=True)
    generated = (cells[columns.N_GENERATED] / cells[columns.N]).fillna(0.5).to_numpy()
    larger = np.maximum(generated, 1 - generated)
    if (count := int((larger > UNBALANCED).sum())) == 0:
        return
    worst = cells.iloc[int(larger.argmax())]
    real, total = worst[columns.N] - worst[columns.N_GENERATED], worst[columns.N]
    yield (
        f"Unbalanced: in {count} of {len(cells)} cells the larger class has more than {100 * UNBALANCED:.0f}% of the "
        f"images, most of all in {worst[columns.TEST]} ({real} real, {total - real} generated), where calling all of "
        f"them that is {100 * larger.max():.1f}% accurate. So averages, ranks and colours are balanced accuracy, both "
        "classes alike; what rests on few images is uncertain all the same."
    )


def _unasked(cells: pd.DataFrame) -> Iterator[str]:
    """A sentence for each reason for which the data cannot answer cells."""
    unasked = cells[cells[columns.STATUS].eq(UNASKED)]
    for reason, count in unasked.groupby(columns.REASON, sort=False).size().items():
        yield f"Left out: {count} of {len(cells)} cells, of every average alike: {reason}."


def _shots(records: Mapping[str, DetectorRecord]) -> Iterator[str]:
    """A sentence on who goes on from the training without shots, and who does not."""
    said = [
        f"{', '.join(names)} {how}"
        for shots, how in SHOTS.items()
        if (names := [name for name, record in records.items() if record.shots == shots])
    ]
    if said:
        yield f"Shots: {'; '.join(said)}."


def _ties(evaluation: MeasuredCells, ranked: Mask) -> Iterator[str]:
    """A sentence for each detector without log odds some of whose scores are exactly 0 or 1: their order is lost."""
    there = ranked & evaluation.scored
    table, ties, totals = evaluation.run.score_table, Counter[str](), Counter[str]()
    keys = evaluation.table[columns.KEY].to_numpy(object)[there].tolist()
    lacking = {
        key: detector
        for key, detector in zip(keys, evaluation.detectors[there].tolist(), strict=True)
        if not _has_odds(table[key])
    }
    for block in table.blocks(lacking):
        without = np.isnan(block.log_odds)
        tied = without & ((block.scores == 0) | (block.scores == 1))
        for key, count, total in zip(block.keys, tied.sum(axis=1).tolist(), without.sum(axis=1).tolist(), strict=True):
            ties[lacking[key]] += count
            totals[lacking[key]] += total
    for detector in dict.fromkeys(lacking.values()):
        if (count := ties[detector]) > 1:
            yield (
                f"{detector} gives probabilities alone: {count} of {totals[detector]} scores are exactly 0 or 1, and "
                "AP and ROC AUC count them as ties."
            )


def _has_odds(cell: CellScores) -> bool:
    """Whether there are log odds of every image; a minimum is NaN where one is."""
    return cell.log_odds is not None and not np.isnan(cell.log_odds.min(initial=0))


def _shortcut(baseline: str, where: str, evaluation: MeasuredCells, cells: Mask) -> Iterator[str]:
    """A sentence where a baseline tells the classes of these cells apart better than chance does.

    The interval alone would call chance a shortcut in a third of the runs on two images per class.
    """
    average = evaluation.balanced(cells)
    if average is None or average.interval[0] <= CHANCE:
        return
    if _class_difference(evaluation.images_of(cells)) < SHORTCUT_LEVEL:
        value, low, high = (100 * one for one in (average.value, *average.interval))
        yield (
            f"Shortcut: {baseline} reaches {value:.1f}% [{low:.1f}, {high:.1f}] balanced accuracy "
            f"{where} (chance {100 * CHANCE:.0f}%). Accuracies below may rest on that."
        )


def _class_difference(images: pd.DataFrame) -> float:
    """The p-value of the test that generated images are called generated more often than real ones."""
    labels = images[columns.LABEL].to_numpy(int)
    called = images[columns.CORRECT].to_numpy(bool) == (labels == 1)
    return class_difference_test(
        pd.factorize(images[columns.CELL])[0], images[columns.SOURCE].to_numpy(object), labels, called
    )
