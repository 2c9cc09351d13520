"""The validation scores of a run, in its folder: of images held out of the train set of a cell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import NO_VALIDATION, ValidationScores
from bench.records.whole_files import damaged, remedy, require_whole

VALIDATION_FILE = "validation.csv"


def write_validation(folder: Path, cells: pd.DataFrame) -> None:
    """Write which validation scores are those of which cell, columns `columns.VALIDATION`; nothing where none are."""
    checksums = ChecksumList.of(folder)
    checksums.remove(VALIDATION_FILE)
    if len(cells):
        checksums.write(VALIDATION_FILE, lambda path: cells.to_csv(path, index=False))


def read_validation(folder: Path, scores: Path) -> ValidationScores:
    """The validation scores of the run in a folder, whose files of scores lie in `scores`; empty where it has none.

    Raises:
        InputError: They are damaged, or gone.
    """
    path = folder / VALIDATION_FILE
    if not path.is_file():
        return NO_VALIDATION
    require_whole(folder, path)
    try:
        cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise damaged(folder, path, error) from error
    if missing := set(columns.VALIDATION) - set(cells.columns):
        raise damaged(folder, path, f"it has no {min(missing)}")
    keys = set(cells.loc[cells[columns.STATUS].eq(Scored.status), columns.VALIDATION_KEY])
    chosen = [(columns.KEY, "in", keys)]
    try:
        parts = [pd.read_parquet(one, filters=chosen) for one in sorted(scores.glob("*.parquet"))]
    except (OSError, pa.ArrowInvalid) as error:
        raise damaged(folder, scores, error) from error
    found = [part for part in parts if len(part)]
    held_out = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(columns.SCORES))
    if gone := keys - set(held_out[columns.KEY]):
        msg = f"{folder}: the validation scores of {len(gone)} fits are gone; {remedy(folder)}"
        raise InputError(msg)
    return ValidationScores(cells, held_out.drop_duplicates([columns.KEY, columns.NAME], ignore_index=True))
