"""Files of a result folder that must be whole: what is damaged is one line, which says what makes it anew."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from shlex import quote

import pandas as pd

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.records.manifest import RERUN
from bench.records.settings import SETTINGS


def remedy(folder: Path) -> str:
    """What makes anew what is damaged in a result folder: a command, as far as the folder tells it."""
    for place in (folder, folder.parent):  # of a run of several base degradations the settings are above
        if (place / SETTINGS).is_file():
            return f"make it anew: lineup run --settings {quote(str(place / SETTINGS))} --out {quote(str(place))}"
    return RERUN


def damaged(folder: Path, path: Path, fault: object) -> InputError:
    """The error for a damaged file of a result folder.

    Args:
        folder: The result folder.
        path: The file.
        fault: What is wrong with it, of which the first line is told.
    """
    text = str(fault).strip().partition("\n")[0]
    return InputError(f"{path} is damaged ({text}); {remedy(folder)}")


def require_whole(folder: Path, path: Path) -> Path:
    """The path of a file of a result folder, if its checksum is right or it has none.

    Raises:
        InputError: It is damaged, or cannot be read.
    """
    try:
        fault = ChecksumList.of(folder).fault(path.relative_to(folder).as_posix())
    except OSError as error:
        fault = error.strerror or str(error)
    if fault:
        raise damaged(folder, path, fault)
    return path


def read_table(path: Path, texts: Collection[str], required: Collection[str]) -> pd.DataFrame:
    """A table of a result folder, in CSV.

    Args:
        path: The file, in the folder itself.
        texts: The columns of texts; all others are numbers.
        required: Columns that it must have.

    Raises:
        InputError: It is damaged.
    """
    folder = path.parent
    require_whole(folder, path)
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(texts, "str"))
        for name in table.columns.difference(list(texts)):
            pd.to_numeric(table[name])  # raises for a text
    except (OSError, ValueError) as error:
        raise damaged(folder, path, error) from error
    if missing := sorted(set(required) - set(table.columns)):
        raise damaged(folder, path, f"it has no column {missing[0]}")
    if table[[name for name in required if name not in texts]].isna().any(axis=None):
        raise damaged(folder, path, "a row is cut")
    return table
