"""Scores of other tools made probabilities and log odds of "generated", and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.exchange.score_columns import DEGRADATION, DETECTOR, IMAGE, LOG_ODDS, SCORE
from bench.exchange.score_rows import FIT, refuse_rows
from bench.metrics.metric import called_generated, order_of
from bench.metrics.ranking import roc_auc
from bench.platform.errors import InputError
from bench.records import columns

ScoreKind = Literal["probability", "logit"]
SCORE_KINDS: tuple[ScoreKind, ...] = ("probability", "logit")
PositiveClass = Literal["generated", "real"]
POSITIVE_CLASSES: tuple[PositiveClass, ...] = ("generated", "real")
PERCENT = 100.0
NEAR_ZERO = 1e-3  # log odds about which a score may be rounded to the other side
INVERTED = 3.0  # standard deviations of chance below .5 at which an area under the ROC curve is no chance any more


def as_probabilities(where: str, rows: pd.DataFrame, kind: ScoreKind | None, positive: PositiveClass) -> pd.DataFrame:
    """The rows with their scores as probabilities of "generated" in [0, 1] and, of logits, log odds.

    Probabilities are the sigmoid of logits in float64; log odds that stand beside probabilities are kept.

    Args:
        where: What messages call the table.
        rows: As `bench.exchange.score_rows.score_rows` gives them.
        kind: What the user says that the scores are; None where nothing is said: numbers outside [0, 1] are refused.
        positive: The class that a high score is of.

    Raises:
        InputError: A score is not what it is said to be, or contradicts the log odds beside it.
    """
    from scipy.special import expit

    scores, odds = rows[SCORE].to_numpy(np.float64), rows[LOG_ODDS].to_numpy(np.float64)
    if kind == "logit":
        infinite = np.isinf(scores)
        refuse_rows(where, "logits are infinite", _named(rows, infinite), "mend them")
        scores, odds = expit(scores), scores
    else:
        _check_probabilities(where, rows, kind)
    _check_log_odds(where, rows, scores, odds)
    if positive == "real":
        scores, odds = 1 - scores, -odds
    odds = np.where(np.isnan(scores), np.nan, odds)
    return rows.assign(**{SCORE: scores, LOG_ODDS: odds})


def _check_probabilities(where: str, rows: pd.DataFrame, kind: ScoreKind | None) -> None:
    """Raise `InputError` for numbers outside [0, 1]."""
    scores = rows[SCORE].to_numpy(np.float64)
    outside = (scores < 0) | (scores > 1)
    if kind is not None:
        refuse_rows(
            where, "scores are no probabilities in [0, 1]", _named(rows, outside), "mend them, or --scores logit"
        )
    finite = scores[np.isfinite(scores)]
    percent = (finite >= 0).all() and finite.size and finite.max() <= PERCENT
    advice = "if they are logits, say --scores logit" + ("; if they are percentages, divide by 100" if percent else "")
    refuse_rows(where, f"of {len(rows):,} scores are outside [0, 1]", _named(rows, outside), advice)


def _check_log_odds(where: str, rows: pd.DataFrame, scores: NDArray[np.float64], odds: NDArray[np.float64]) -> None:
    """Raise `InputError` where log odds are infinite, or of the other side than the score beside them."""
    refuse_rows(where, "log odds are infinite", _named(rows, np.isinf(odds)), "mend them")
    far = np.abs(odds) > NEAR_ZERO
    wrong = far & ~np.isnan(scores) & (called_generated(scores) != (odds > 0))
    advice = "name one column: --columns score=..., or leave the log odds out: --columns log_odds=-"
    refuse_rows(where, "scores are on one side of 0.5 and their log odds on the other", _named(rows, wrong), advice)


def _named(rows: pd.DataFrame, faulty: NDArray[np.bool_]) -> list[str]:
    found = rows[faulty]
    return [f"{score:g} of {image}" for score, image in zip(found[SCORE], found[IMAGE], strict=True)]


def without_repeats(where: str, rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows without those that say again what is said, and a sentence on them; "" for none.

    Raises:
        InputError: An image has two different scores by one detector under one degradation.
    """
    key = [*FIT, DEGRADATION, IMAGE]
    distinct = rows.drop_duplicates([*key, SCORE, LOG_ODDS])
    again = distinct[distinct.duplicated(key)]
    names = [f"{image} by {detector}" for image, detector in zip(again[IMAGE], again[DETECTOR], strict=True)]
    advice = "keep one of each, or say what tells them apart: --columns detector=..., degradation=..., seed=..."
    refuse_rows(where, "images have several scores that differ", names, advice)
    repeated = len(rows) - len(distinct)
    return distinct, f"{repeated:,} rows repeat others with the same score, and count once." if repeated else ""


def score_notices(scored: pd.DataFrame) -> Iterator[str]:
    """What is odd about the scores of one detector, in sentences.

    Args:
        scored: One row per image and condition with a score: `columns.LABEL`, `SCORE` and `LOG_ODDS`.
    """
    labels, scores = scored[columns.LABEL].to_numpy(np.int64), scored[SCORE].to_numpy(np.float64)
    real, generated = int((labels == 0).sum()), int((labels == 1).sum())
    if not real or not generated:
        return
    area = roc_auc(labels, order_of(scores, scored[LOG_ODDS].to_numpy(np.float64)))
    chance = np.sqrt((real + generated + 1) / (12 * real * generated))  # of the area, without any skill
    if 0.5 - area > INVERTED * chance:
        advice = "if they are the probability of real, import them with --positive real; nothing was turned round."
        yield f"its scores are higher for real images than for generated ones (ROC AUC {100 * area:.1f}%): {advice}"
    if np.isin(scores, (0.0, 1.0)).all():
        yield "its scores are decisions, all 0 or 1: AP and ROC AUC are of one threshold."


def check_kind(kind: str, named_logits: str) -> ScoreKind | None:
    """What scores are, as a user says. Raises `InputError` where the name of a column says logits, and nobody else.

    Args:
        kind: As written; "" for nothing.
        named_logits: The column of scores, where its name says that it holds logits; else "".
    """
    if not kind and named_logits:
        msg = f"the scores are of the column {named_logits}; say what they are: --scores logit or --scores probability"
        raise InputError(msg)
    return next((known for known in SCORE_KINDS if known == kind), None)
