"""The rows of a table of scores in one form: an image, what scored it, under which degradation, and the number."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.exchange.score_columns import (
    DEGRADATION,
    DETECTOR,
    IMAGE,
    LOG_ODDS,
    SCORE,
    SEED,
    SOURCE,
    TRAIN,
    ScoreColumns,
)
from bench.images.annotations.records import Records
from bench.platform.errors import InputError
from bench.platform.printable import printable
from protocols.api import NONE
from protocols.degradations import UnknownDegradation, parse_degradation

ROW = "row"  # position in the table
ROWS = (ROW, IMAGE, DETECTOR, DEGRADATION, TRAIN, SEED, SCORE, LOG_ODDS)
FIT = [DETECTOR, TRAIN, SEED]  # one detector as it was trained once
MAX_SHOWN = 3  # examples in a message
MAX_LENGTH = 200  # characters of one
OWN_NAME = "{}"  # in the name of detectors: what the table calls each
MAX_NAME = 100  # characters of a detector's name
CLEAN = frozenset({"", "none", "clean", "original", "originals", "no", "identity", "raw"})
EMPTY = frozenset({"", "nan", "none", "null", "na", "n/a", "-"})  # texts in place of a number that there is not


def shown_examples(values: Sequence[object]) -> str:
    """The first of some values, as messages show them."""
    texts = map(str, values[:MAX_SHOWN])
    return ", ".join(printable(text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}...") for text in texts)


def refuse_rows(where: str, what: str, faulty: Sequence[object], remedy: str) -> None:
    """Raise `InputError` where there is anything at fault; the message counts it and shows examples."""
    if len(faulty):
        raise InputError(f"{where}: {len(faulty):,} {what}, such as {shown_examples(faulty)}; {remedy}")


def score_rows(records: Records, columns: ScoreColumns, detector: str) -> pd.DataFrame:
    """One row per row of the table and column of scores, columns `ROWS`.

    Args:
        records: The table.
        columns: The roles of its columns.
        detector: What the one detector of a table is called; "" for what the table says, or else its file. What
            the table calls each of several stands in place of `OWN_NAME`.

    Returns:
        Scores and log odds are float64 as written, NaN where there is none; the degradation is spelt as Lineup does,
        where it knows it.

    Raises:
        InputError: A value cannot be read, or the table has several detectors and one name is given.
    """
    texts = {role: _texts(records, columns.by_role.get(role)) for role in (IMAGE, DETECTOR, DEGRADATION, TRAIN, SEED)}
    parts = [
        pd.DataFrame(
            {
                ROW: np.arange(records.rows),
                IMAGE: texts[IMAGE] or [f"row {row + 1}" for row in range(records.rows)],
                DETECTOR: _detectors(columns, score, texts[DETECTOR]) or _default_name(records.where),
                DEGRADATION: _canonical(texts[DEGRADATION]) or NONE,
                TRAIN: list(map(printable, texts[TRAIN])) or "",
                SEED: _seeds(records.where, texts[SEED]) or 0,
                SCORE: _numbers(records, score),
                LOG_ODDS: _numbers(records, columns.by_role.get(LOG_ODDS)),
            }
        )
        for score in columns.scores
    ]
    rows = pd.concat(parts, ignore_index=True)
    unnamed = rows.loc[rows[IMAGE].eq(""), ROW] + 1
    refuse_rows(records.where, "rows name no image", [f"row {row}" for row in unnamed], "name it, or take them away")
    return _renamed(records.where, rows, detector)


def sources_of(records: Records, columns: ScoreColumns) -> list[str]:
    """What the images of rows share that are not independent, one text per row; "" where nothing is said."""
    return _texts(records, columns.by_role.get(SOURCE)) or [""] * records.rows


def _texts(records: Records, column: str | None) -> list[str]:
    """The values of a column as texts, "" for none; an empty list without a column."""
    if column is None:
        return []
    return ["" if value is None else str(value).strip() for value in records.values(column)]


def _default_name(where: str) -> str:
    return re.sub(r"\.[^.]*$", "", where.replace("\\", "/").rpartition("/")[2])


def _detectors(columns: ScoreColumns, score: str, stated: Sequence[str]) -> str | list[str]:
    """What the scores of a column are of: of a column of detectors, of the column itself among several, or ""."""
    if len(columns.scores) == 1:
        return list(map(printable, stated))
    return [f"{name} {printable(score)}" for name in map(printable, stated)] or printable(score)


def _renamed(where: str, rows: pd.DataFrame, detector: str) -> pd.DataFrame:
    names = list(rows[DETECTOR].unique())
    if OWN_NAME in detector:
        rows = rows.assign(**{DETECTOR: [printable(detector.replace(OWN_NAME, name)) for name in rows[DETECTOR]]})
    elif detector and len(names) > 1:
        msg = f"--detector {detector} is one name, and {where} has scores of {len(names)}: {shown_examples(names)}"
        raise InputError(f"{msg}; name one column (--columns score=...), or write {OWN_NAME} where their names stand")
    elif detector:
        rows = rows.assign(**{DETECTOR: printable(detector)})
    wrong = [name for name in rows[DETECTOR].unique() if not name.strip() or len(name) > MAX_NAME]
    refuse_rows(
        where, f"detectors have no name of 1 to {MAX_NAME} characters", [repr(name) for name in wrong], "name it"
    )
    return rows


def _mapped(texts: Sequence[str], one: Callable[[str], Any]) -> list[Any]:
    found = {text: one(text) for text in dict.fromkeys(texts)}
    return [found[text] for text in texts]


def _canonical(texts: Sequence[str]) -> list[str]:
    """Degradations in the spelling of Lineup, where it knows them; others as they are called."""
    return _mapped(texts, _canonical_degradation)


def _canonical_degradation(text: str) -> str:
    if text.lower() in CLEAN:
        return NONE
    try:
        return parse_degradation(text).name
    except UnknownDegradation:
        return printable(text)


def _seeds(where: str, texts: Sequence[str]) -> list[int]:
    wrong = [text for text in dict.fromkeys(texts) if not re.fullmatch(r"\d{1,9}(\.0)?", text)]
    refuse_rows(where, "seeds are no whole numbers", wrong, "mend them, or leave the column out: --columns seed=-")
    return _mapped(texts, lambda text: int(float(text)))


def _numbers(records: Records, column: str | None) -> Any:  # noqa: ANN401 - an array, or one number for all
    """The numbers of a column, float64 (N,), NaN where there is none. Raises `InputError` for what is no number."""
    if column is None:
        return np.nan
    values, found, wrong = records.values(column), np.full(records.rows, np.nan), []
    for row, value in enumerate(values):
        if value is None or (isinstance(value, str) and value.strip().lower() in EMPTY):
            continue
        try:
            found[row] = float(value)
        except (TypeError, ValueError, OverflowError):
            wrong.append(value)
    refuse_rows(records.where, f"values of {column} are no numbers", wrong, "mend them, or name another column")
    return found
