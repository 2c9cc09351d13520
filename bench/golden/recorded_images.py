"""The images of a golden record: what each was, by its content, so that it is found wherever it lies later.

A record says of every image what a layout said when it was made: generator, label, split, source. Files of the same
contents are the same images, whatever their names and folders are now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bench.images.annotations.attributes import AttributeReader
from bench.images.files.tree import FileSource, FileStamp
from bench.images.image_set import COLUMNS, ImageSet
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
from bench.platform.files import digest
from bench.records import columns
from bench.records.manifest import DataRecord

CONTENT_HASH = "sha256"  # of the file, hexadecimal; "" for an image that the question does not use
RECORDED = (*COLUMNS, CONTENT_HASH)
LABEL_WORDS = ("real", "generated")
MAX_NAMED = 3  # images that a line names


@dataclass(frozen=True)
class RecordedImages:
    """What a golden record says of images.

    Attributes:
        table: One row per image of the data, sorted by name, columns `RECORDED`.
        pools: Generator to its pool of real images.
        drawn_splits: Whether the splits were drawn.
    """

    table: pd.DataFrame
    pools: Mapping[str, str]
    drawn_splits: bool

    @property
    def used(self) -> pd.DataFrame:
        """The rows of the images that the question uses."""
        return self.table[self.table[CONTENT_HASH].ne("")].reset_index(drop=True)

    def candidates(self, opened: ImageSet, limit: int | None) -> ImageSet:
        """The images of a place whose contents are to be looked at.

        Args:
            opened: The place.
            limit: That of the question; where it has one, images beyond the record are no news.
        """
        names, used = opened.table[columns.NAME], self.used[columns.NAME]
        if limit is not None and used.isin(names).all():
            return opened.select(names.isin(used))
        unused = set(self.table[columns.NAME]) - set(used)
        return opened.select(~names.isin(list(unused)))


@dataclass(frozen=True)
class FoundImages:
    """The images of a record at a place.

    Attributes:
        images: Those that are there, as the record has them.
        missing: Names in the record of those that are not.
        new: Names of the images there that the record does not hold.
        relabelled: Names in the record of images that the place gives another label.
        moved: How many have another name than in the record.
    """

    images: ImageSet
    missing: tuple[str, ...]
    new: tuple[str, ...]
    relabelled: tuple[str, ...]
    moved: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as in the record, a sentence each."""
        lines = {
            "images of the record are missing": self.missing,
            "images are not in the record, and not scored": self.new,
            "images have another label here; the record's counts": self.relabelled,
        }
        notes = [f"{len(names):,} {what}: {_named(names)}" for what, names in lines.items() if names]
        return (*notes, *([f"{self.moved:,} images have other names than in the record"] if self.moved else []))


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def record_images(images: ImageSet, used: InspectedImages) -> RecordedImages:
    """What is recorded of a data set.

    Args:
        images: The data set, as far as the question is of it.
        used: What is used of it, with the facts of the files.
    """
    hashes = {name: content.tobytes().hex() for name, content in zip(used.images.names, used.hashes, strict=True)}
    contents = [hashes.get(name, "") for name in images.names]
    table = images.table[list(COLUMNS)].astype({columns.LABEL: "int8"}).assign(**{CONTENT_HASH: contents})
    return RecordedImages(table, dict(images.pools), images.drawn_splits)


def find_images(recorded: RecordedImages, record: DataRecord, here: InspectedImages) -> FoundImages:
    """Find the images of a record by their contents.

    Args:
        recorded: What the record says of them.
        record: Of their data set.
        here: The candidates at a place, with the facts of their files.

    Raises:
        InputError: None is there.
    """
    used, names = recorded.used, np.array(here.images.names, object)
    contents = np.array([content.tobytes().hex() for content in here.hashes], object)
    by_name = dict(zip(names, contents, strict=True))
    first: dict[str, str] = dict(zip(contents[::-1], names[::-1], strict=True))
    current = {
        name: name if by_name.get(name) == content else first.get(content, "")
        for name, content in zip(used[columns.NAME], used[CONTENT_HASH], strict=True)
    }
    there = used[used[columns.NAME].map(current).ne("")].reset_index(drop=True)
    where = here.images.files.where
    if there.empty:
        msg = f"{where}: none of the {len(used):,} images of the golden record is there, by content"
        raise InputError(f"{msg}; give the folder that holds them (--data)")
    labels = dict(zip(names, here.images.labels, strict=True))
    odd = [
        labels[current[name]] != label for name, label in zip(there[columns.NAME], there[columns.LABEL], strict=True)
    ]
    known = set(used[CONTENT_HASH])
    new = [name for name, content in by_name.items() if content not in known] if record.limit is None else []
    return FoundImages(
        _as_recorded(here.images, there[list(COLUMNS)], current, recorded, record),
        tuple(used.loc[used[columns.NAME].map(current).eq(""), columns.NAME]),
        tuple(new),
        tuple(there.loc[odd, columns.NAME]),
        sum(current[name] != name for name in there[columns.NAME]),
    )


def _as_recorded(
    here: ImageSet, table: pd.DataFrame, current: Mapping[str, str], recorded: RecordedImages, record: DataRecord
) -> ImageSet:
    """Images at a place under the names, splits and sources that a record has of them."""
    renamed = {name: current[name] for name in table[columns.NAME]}
    readers = {name: _renaming(reader, renamed) for name, reader in here.attributes.items()}
    return replace(
        here,
        files=here.files if all(old == new for old, new in renamed.items()) else RenamedFiles(here.files, renamed),
        title=record.title,
        kind=record.kind,
        version=record.version,
        families={name: record.families.get(name, name) for name in record.generators},
        table=table.astype({columns.LABEL: here.table[columns.LABEL].dtype}),
        pools={name: pool for name, pool in recorded.pools.items() if name in record.generators},
        notes=(),
        missing={},
        refused=(),
        listed=len(table),
        drawn_splits=recorded.drawn_splits,
        attributes=readers,
    )


def _renaming(reader: AttributeReader, renamed: Mapping[str, str]) -> AttributeReader:
    """A reader of an attribute that is asked by other names."""

    def read(names: Sequence[str]) -> Mapping[str, str]:
        texts = reader([renamed[name] for name in names])
        return {name: texts[renamed[name]] for name in names if renamed[name] in texts}

    return read


@dataclass(frozen=True)
class RenamedFiles:
    """Files under other names.

    Attributes:
        files: The files.
        renamed: The name there of each that can be asked for.
    """

    files: FileSource
    renamed: Mapping[str, str]

    @property
    def where(self) -> str:
        """The place of the files."""
        return self.files.where

    @property
    def identity(self) -> str:
        """That of the files under these names."""
        parts: list[Any] = [text for pair in sorted(self.renamed.items()) for text in pair]
        return f"{self.files.identity}|{digest(*parts)}"

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError` or `InputError`."""
        return self.files.read(self.renamed[name])

    def stamp(self, name: str) -> FileStamp:
        """Size and time of one file. Raises `OSError`."""
        return self.files.stamp(self.renamed[name])
