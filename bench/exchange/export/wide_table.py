"""The scores of runs as one wide table: a row per image and degradation, a column per detector and training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.exchange.export.image_rows import CLASS, DECISION, HASH, IMAGE, OF_IMAGES, PATH, SPLIT
from bench.platform.errors import InputError
from bench.records import columns

OF_TESTS = ("base_degradation", "data", "protocol", columns.DEGRADATION, columns.TEST_DATA, columns.TASK)
OF_TEST_SETS = ("test", "test_contents", "test_size", "test_split", "generator", "tested")  # which overlap
COLUMN = "column"  # that a score goes into
WITHIN = "@"  # between the parts of a column's name
_FACTS = (PATH, HASH, columns.GENERATOR, columns.LABEL, CLASS, columns.SOURCE, SPLIT)


def wide_table(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """One column of scores for each detector as it was trained.

    Args:
        rows: As `bench.exchange.export.image_rows.image_rows` gives them.
        value: `columns.SCORE` or `columns.LOG_ODDS`.

    Returns:
        One row per image and condition (`OF_TESTS`) in the order of `rows`, what is known of the image, and float32
        scores, NaN where a detector was not asked. A column has the detector's name, with what it was trained on, the
        seed and whatever else differs between its columns behind `WITHIN`.

    Raises:
        InputError: One detector gave an image different scores that nothing in a wide table tells apart.
    """
    named, place = once_per_image(rows), places(rows)
    facts = named[[*place, *_FACTS]].drop_duplicates(place).set_index(place)
    order = list(dict.fromkeys(named[COLUMN]))
    scores = named.set_index([*place, COLUMN])[value].unstack(COLUMN).reindex(facts.index)[order]
    whole: pd.DataFrame = pd.concat([facts, scores.astype(np.float32)], axis=1).reset_index()
    return whole[[*OF_IMAGES, *place[1:], *order]]


def places(rows: pd.DataFrame) -> list[str]:
    """The columns that tell one row of a wide table from another: the image, and those of `OF_TESTS` that there are."""
    return [IMAGE, *(name for name in OF_TESTS if name in rows)]


def once_per_image(rows: pd.DataFrame) -> pd.DataFrame:
    """The scores of each detector as it was trained, each image once, however many test sets it is in.

    Args:
        rows: As `bench.exchange.export.image_rows.image_rows` gives them.

    Returns:
        The first of the rows of each image, condition and `COLUMN`, which is added: the name of a column of scores.

    Raises:
        InputError: One detector gave an image different scores that nothing here tells apart.
    """
    key = [*places(rows), COLUMN]
    named = rows.assign(**{COLUMN: column_names(rows)})
    once = named.drop_duplicates([*key, columns.SCORE, columns.LOG_ODDS])
    if (several := once[once.duplicated(key)]).size:
        first = several.iloc[0]
        msg = f"{first[IMAGE]} has several scores of {first[COLUMN]} that a table with a row per image cannot tell"
        raise InputError(f"{msg} apart; export the long table: --what scores")
    return once


def column_names(rows: pd.DataFrame) -> list[str]:
    """The column that each row's score goes into: its detector, and what tells the trainings of detectors apart."""
    taken = {*OF_IMAGES, *OF_TESTS, *OF_TEST_SETS, columns.DETECTOR, columns.SCORE, columns.LOG_ODDS, DECISION}
    varying = [name for name in rows if name not in taken and rows[name].nunique() > 1]
    parts: Sequence[tuple[object, ...]] = list(rows[[columns.DETECTOR, *varying]].itertuples(index=False, name=None))
    names = {part: WITHIN.join(filter(None, map(str, part))) for part in dict.fromkeys(parts)}
    return [names[part] for part in parts]
