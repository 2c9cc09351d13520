"""Imported scores as a run: rows beside trained and released ones, with every statistic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench.exchange.import_request import ImportRequest
from bench.exchange.questions import CONDITION, GIVEN, ScoreQuestion
from bench.exchange.score_checks import score_notices
from bench.exchange.score_columns import DEGRADATION, IMAGE, LOG_ODDS, SCORE
from bench.exchange.score_rows import FIT, shown_examples
from bench.images.vocabulary.generator_names import canonical_name, same_generator
from bench.metrics.metric import log_odds_of_probabilities
from bench.platform.errors import InputError
from bench.platform.files import digest
from bench.platform.printable import printable
from bench.records import columns
from bench.records.manifest import DetectorRecord, ImportRecord, Manifest
from bench.records.outcomes import Scored, Skipped
from bench.records.run import Run
from bench.records.score_table import ScoreTable

COUNTED = {"real": 0.0, "fake": 1.0}  # the score of an image that has none
MISSING = (columns.DETECTOR, columns.TRAIN, columns.SEED, columns.DEGRADATION, columns.NAME)
VERSION = 1  # of a row that has no version of its own


@dataclass(frozen=True)
class ImportedScores:
    """What became of a table of scores.

    Attributes:
        run: Its rows as a run.
        missing: The images without a score, columns `MISSING`.
    """

    run: Run
    missing: pd.DataFrame


@dataclass(frozen=True)
class _Fit:
    """What one detector, trained once, says of the images of a question.

    Attributes:
        detector: Its name.
        train: What it was trained on; "" where nothing is said.
        seed: Of its training.
        images: Those of `ScoreQuestion.images` under conditions of which it has scores, with their score and log odds,
            NaN for none.
    """

    detector: str
    train: str
    seed: int
    images: pd.DataFrame

    @cached_property
    def asked(self) -> pd.DataFrame:
        """Each image under each condition once, whatever the number of cells that it is in."""
        return self.images.drop_duplicates([GIVEN, CONDITION])


def imported_scores(
    request: ImportRequest, sha256: str, question: ScoreQuestion, rows: pd.DataFrame, notices: Sequence[str]
) -> ImportedScores:
    """The rows of a board that scores make.

    Args:
        request: What was asked for.
        sha256: Of the table's content.
        question: The cells that scores are wanted for, and their images.
        rows: One row per image, condition and fit of a detector, with its probability and log odds of "generated".
        notices: What must be read before the numbers.

    Raises:
        InputError: Too few of the images have a score, or a name is that of another row.
    """
    fits = [_fit(question, key, own) for key, own in rows.groupby(FIT, sort=False)]
    _check_coverage(request, fits)
    trains = {name: sorted({fit.train for fit in fits if fit.detector == name}) for name in _names(fits)}
    matrix = any(len(found) > 1 for found in trains.values())
    records = {}
    for name, own_trains in trains.items():
        own = [fit for fit in fits if fit.detector == name]
        said = (*question.notices, *notices, *_odd(own))
        record = _record(request, sha256, own, said)
        if not matrix and own_trains[0]:
            record = _with_training(record, own_trains[0], question.manifest)
        records[name] = _detector(name, rows, record)
    cells, scores = zip(*(_cells(question, fit, request, records, matrix=matrix) for fit in fits), strict=True)
    seeds = tuple(sorted({fit.seed for fit in fits}))
    run = Run(
        replace(question.manifest, detectors=records, seeds=seeds),
        pd.concat(cells, ignore_index=True),
        ScoreTable.from_frame(pd.concat(scores, ignore_index=True)),
        pd.DataFrame(columns=list(columns.THROUGHPUT)),
    )
    return ImportedScores(run, pd.concat([_missing(fit) for fit in fits], ignore_index=True))


def _names(fits: Sequence[_Fit]) -> list[str]:
    return list(dict.fromkeys(fit.detector for fit in fits))


def _fit(question: ScoreQuestion, key: Any, own: pd.DataFrame) -> _Fit:  # noqa: ANN401 - the values of `FIT`
    """What the scores of one fit say of the images under the conditions that it has any of."""
    images = question.images[question.images[CONDITION].isin(own[DEGRADATION].unique())]
    scores = own[[IMAGE, DEGRADATION, SCORE, LOG_ODDS]].rename(columns={IMAGE: GIVEN, DEGRADATION: CONDITION})
    detector, train, seed = key
    merged = images.merge(scores, on=[GIVEN, CONDITION], how="left")
    return _Fit(str(detector), str(train), int(seed), merged)


def _check_coverage(request: ImportRequest, fits: Sequence[_Fit]) -> None:
    """Raise `InputError` where a detector has no score at all, or of too few images."""
    for name in _names(fits):
        asked = pd.concat([fit.asked for fit in fits if fit.detector == name])
        missing = asked[asked[SCORE].isna()]
        scored = len(asked) - len(missing)
        if not scored:
            msg = f"{name}: none of the {len(asked):,} images that are asked for has a score"
            raise InputError(f"{msg}; see --columns, --split and the column of degradations")
        share = scored / len(asked)
        if share < request.least:
            floor = math.floor(1000 * share) / 1000
            ways = [f"--min-coverage {floor:g}" + (" to leave them out" if request.on_missing == "exclude" else "")]
            ways += (
                ["--on-missing real or fake to count them as called that"] if request.on_missing == "exclude" else []
            )
            msg = (
                f"{name}: {scored:,} of {len(asked):,} images have a score ({100 * share:.1f}%, wanted "
                f"{100 * request.least:g}%), {len(missing):,} have none, such as {shown_examples(list(missing[GIVEN]))}"
            )
            raise InputError(f"{msg}; score them, or give {', or '.join(ways)}")


def _odd(fits: Sequence[_Fit]) -> Iterator[str]:
    """What is odd about the scores of one detector."""
    asked = pd.concat([fit.asked for fit in fits])
    yield from score_notices(asked[asked[SCORE].notna()])


def _record(request: ImportRequest, sha256: str, fits: Sequence[_Fit], notices: Sequence[str]) -> ImportRecord:
    asked = pd.concat([fit.asked for fit in fits])
    return ImportRecord(
        printable(request.table.name),
        sha256,
        scores=request.kind or "probability",
        said=request.kind is not None,
        positive=request.positive,
        asked=len(asked),
        scored=int(asked[SCORE].notna().sum()),
        on_missing=request.on_missing,
        notices=tuple(dict.fromkeys(notices)),
    )


def _with_training(record: ImportRecord, train: str, manifest: Manifest) -> ImportRecord:
    """The record of a detector that saw generators, joined with "+", in training."""
    names = tuple(canonical_name(printable(name.strip())) for name in train.split("+") if name.strip())
    known = (one for data in (manifest.data, *manifest.further.values()) for one in data.generators)
    seen = dict.fromkeys(one for one in known if any(same_generator(one, name) for name in names))
    return replace(record, trained_on=names, seen=tuple(seen))


def _detector(name: str, rows: pd.DataFrame, record: ImportRecord) -> DetectorRecord:
    """The record of a row. Its key depends on all of its scores, and on what became of images without one."""
    own = rows[rows[FIT[0]].eq(name)].sort_values([*FIT, DEGRADATION, IMAGE])
    texts = ("\0".join(own[column].astype(str).to_list()) for column in (*FIT, DEGRADATION, IMAGE))
    numbers = (own[column].to_numpy("<f8").tobytes() for column in (SCORE, LOG_ODDS))
    key = f"{name}.imported@{digest(record.on_missing, *texts, *numbers)[:16]}"
    return DetectorRecord(key, VERSION, "", {"name": name, "title": name}, imported=record)


def _cells(
    question: ScoreQuestion, fit: _Fit, request: ImportRequest, records: Mapping[str, DetectorRecord], *, matrix: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells of one fit with what became of them, and the scores of those that have any."""
    axes = question.manifest.protocol.axes
    cells = question.cells.copy()
    cells[columns.DETECTOR], cells[columns.SEED] = fit.detector, fit.seed
    if matrix:
        cells[columns.TRAIN] = fit.train
    identity = cells[list(columns.of_question(axes))].map(repr)
    keys = [digest(records[fit.detector].key, str(fit.seed), *one)[:32] for one in identity.to_numpy()]
    images = _with_missing(fit.images, request.on_missing)
    counts = images.groupby([columns.CELL, columns.LABEL]).size().unstack(fill_value=0)
    counts = counts.reindex(index=range(len(cells)), columns=[0, 1], fill_value=0)
    statuses = [
        _status(*one) for one in zip(cells[columns.STATUS], cells[columns.REASON], counts[0], counts[1], strict=True)
    ]
    cells[columns.KEY] = keys
    cells[[columns.STATUS, columns.REASON]] = statuses
    answered = cells[columns.STATUS].eq(Scored.status).to_numpy()
    images = images[answered[images[columns.CELL].to_numpy(int)]]
    scores = pd.DataFrame(
        {
            columns.KEY: np.asarray(keys, object)[images[columns.CELL].to_numpy(int)],
            columns.NAME: images[columns.NAME].to_numpy(),
            columns.SOURCE: images[columns.SOURCE].to_numpy(),
            columns.LABEL: images[columns.LABEL].to_numpy("int8"),
            columns.SCORE: images[SCORE].to_numpy(np.float32),
            columns.LOG_ODDS: images[LOG_ODDS].to_numpy(np.float32),
        }
    )
    return cells[list(columns.of_cells(axes))], scores


def _with_missing(images: pd.DataFrame, on_missing: str) -> pd.DataFrame:
    """Images with a score: those without one are left out, or count as called real or fake, beyond all log odds."""
    missing = images[SCORE].isna()
    if on_missing == "exclude":
        return images[~missing]
    score, filled = COUNTED[on_missing], {SCORE: COUNTED[on_missing]}
    odds = images.loc[~missing, LOG_ODDS]
    if len(odds) and odds.notna().all():  # else scores give the order
        farthest = max(float(log_odds_of_probabilities(np.ones(1))[0]), 1 + float(odds.abs().max()))
        filled[LOG_ODDS] = farthest if score else -farthest
    return images.fillna(filled)


def _status(status: str, reason: str, real: int, generated: int) -> tuple[str, str]:
    """What became of a cell by the number of its images that have a score."""
    if status:
        return status, reason
    if real and generated:
        return Scored.status, Scored.reason
    what = "real" if generated else "generated" if real else ""
    found = f"no score of its {what} images" if what else "no score under its degradation"
    return Skipped.status, f"the table has {found}"


def _missing(fit: _Fit) -> pd.DataFrame:
    """The images without a score."""
    missing = fit.asked[fit.asked[SCORE].isna()]
    return pd.DataFrame(
        {
            columns.DETECTOR: fit.detector,
            columns.TRAIN: fit.train,
            columns.SEED: fit.seed,
            columns.DEGRADATION: missing[CONDITION],
            columns.NAME: missing[GIVEN],
        },
        columns=list(MISSING),
    )
