"""The validation scores of a run, in its folder: of images held out of the train set of a cell."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from bench.platform.errors import InputError
from bench.platform.files import write_atomically
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import NO_VALIDATION, ValidationScores

VALIDATION_FILE = "validation.csv"


def write_validation(folder: Path, cells: pd.DataFrame) -> None:
    """Write which validation scores are those of which cell, columns `columns.VALIDATION`; nothing where none are."""
    path = folder / VALIDATION_FILE
    path.unlink(missing_ok=True)
    if len(cells):
        write_atomically(path, partial(cells.to_csv, index=False))


def read_validation(folder: Path, scores: Path) -> ValidationScores:
    """The validation scores of the run in a folder, whose files of scores lie in `scores`; empty where it has none.

    Raises:
        InputError: They are damaged, or gone.
    """
    path = folder / VALIDATION_FILE
    if not path.is_file():
        return NO_VALIDATION
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := set(columns.VALIDATION) - set(cells.columns):
        msg = f"{path} is damaged (it has no {min(missing)}); run the same command again"
        raise InputError(msg)
    keys = set(cells.loc[cells[columns.STATUS].eq(Scored.status), columns.VALIDATION_KEY])
    chosen = [(columns.KEY, "in", keys)]
    try:
        parts = [pd.read_parquet(one, filters=chosen) for one in sorted(scores.glob("*.parquet"))]
    except (OSError, pa.ArrowInvalid) as error:
        msg = f"{scores} is damaged ({error}); run the same command again"
        raise InputError(msg) from error
    found = [part for part in parts if len(part)]
    held_out = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(columns.SCORES))
    if gone := keys - set(held_out[columns.KEY]):
        msg = f"{folder}: the validation scores of {len(gone)} fits are gone; run the same command again"
        raise InputError(msg)
    return ValidationScores(cells, held_out.drop_duplicates([columns.KEY, columns.NAME], ignore_index=True))
