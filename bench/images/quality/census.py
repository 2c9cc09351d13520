"""What a data set holds and what is wrong with it, for messages before a run and the record of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.quality.duplicates import Duplicates, find_duplicates
from bench.images.quality.file_records import NOTE_SEPARATOR
from bench.images.quality.inspection import InspectedImages
from protocols.degradations import parse_degradation

_Rows = NDArray[np.intp]
CLASSES = {0: "real", 1: "generated"}
GROUP = ("generator", "split", "label")
FACTS = (
    *("images", "formats", "modes", "width", "height", "short_side"),
    *("quality", "other_tables", "bytes_per_pixel", "exif", "profile"),
)
FILE_NUMBERS = ("width", "height", "quality", "nearest_quality", "size", "exif")
COLUMNS = ("generator", "split", "class", *FACTS)
SUMMARY_COLUMNS = ("generator", "class", "splits", *FACTS)


class FileNote(NamedTuple):
    """What was passed over in some of the files.

    Attributes:
        note: What it is, such as "its EXIF is damaged and ignored".
        images: In how many of them.
        example: The name of the first.
    """

    note: str
    images: int
    example: str

    @property
    def text(self) -> str:
        """It as one line."""
        return f"{self.note}: {self.images:,} image{'s, such as' if self.images > 1 else ','} {self.example}"


@dataclass(frozen=True)
class Census:
    """The census of an image set.

    Attributes:
        groups: One row per generator or pool, split and class: `generator`, `split`, `class`, `images`, `formats` and
            `modes` (dicts of counts), `width`, `height`, `short_side` (dicts of min, median, max), `quality` (the same,
            of the JPEG files; empty where there are none), `other_tables` (count of JPEG files that are of no quality),
            `bytes_per_pixel` (as sizes), `exif`, `profile` (counts).
        generators: The same with one row per generator or pool and class: `splits` (dict of counts) for `split`. Pools
            that several generators share come first, each generator stands beside its own.
        excluded: Columns `name` and `reason`: files that cannot be used by any detector.
        duplicates: Images that are in it more than once.
        file_notes: What was passed over in files that are used: it is no reason to exclude them.
        notes: What a reader of results should know, from the layout.
        warnings: What a reader of results must know: leakage, contradictions, what is missing or excluded.
    """

    groups: pd.DataFrame
    generators: pd.DataFrame
    excluded: pd.DataFrame
    duplicates: tuple[Duplicates, ...]
    file_notes: tuple[FileNote, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def images(self) -> int:
        """The number of images that can be used."""
        return int(self.groups["images"].sum())

    def to_json(self) -> dict[str, Any]:
        """All of it as values of JSON."""
        return {
            "images": self.images,
            "groups": self.groups.to_dict(orient="records"),
            "excluded": self.excluded.to_dict(orient="records"),
            "duplicates": [duplicates._asdict() for duplicates in self.duplicates],
            "file_notes": [note._asdict() for note in self.file_notes],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def take_census(inspected: InspectedImages) -> Census:
    """Count an inspected image set. Files that cannot be used are counted as excluded and nowhere else."""
    excluded = inspected.unreadable
    usable = inspected.usable()
    duplicates = tuple(find_duplicates(usable))
    images = inspected.images
    warnings = [
        *_exclusion_warnings(excluded),
        *filter(None, map(_duplicates_warning, duplicates)),
        *_missing_warnings(images.missing),
    ]
    table, files = usable.table, _Files.of(usable)
    groups, generators = _groups(table, files), _generators(table, files, images.generators)
    noted = _file_notes(table)
    return Census(groups, generators, excluded, duplicates, noted, images.notes, tuple(warnings))


def equal_conditions(inspected: InspectedImages, degradations: Iterable[str]) -> list[str]:
    """A sentence for each group of degradations under which every image has the same pixels, for none is reduced.

    Args:
        inspected: The images.
        degradations: Names, each once.
    """
    sizes = set(inspected.usable().records[["width", "height"]].itertuples(index=False, name=None))
    alike: dict[str, list[str]] = {}
    for name in degradations:
        alike.setdefault(parse_degradation(name).without_idle_steps(sizes), []).append(name)
    return [
        f"{' and '.join(names)} give the same pixels, for no image is large enough to be reduced: what is alike counts "
        f"{len(names)} times in means over conditions"
        for names in alike.values()
        if len(names) > 1
    ]


def _groups(table: pd.DataFrame, files: _Files) -> pd.DataFrame:
    """`Census.groups`."""
    rows = [
        {"generator": generator, "split": split, "class": CLASSES[label], **files.facts(own)}
        for (generator, split, label), own in _rows_by(table, GROUP, sort=False)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _generators(table: pd.DataFrame, files: _Files, generators: Sequence[str]) -> pd.DataFrame:
    """`Census.generators`."""
    order = {name: position for position, name in enumerate(generators)}
    rows = []
    for (generator, label), own in _rows_by(table, ("generator", "label"), sort=True):
        facts = {"generator": generator, "class": CLASSES[label], "splits": files.splits.counts(own)}
        rows.append((order.get(generator, -1), facts | files.facts(own)))
    rows.sort(key=lambda row: row[0])  # of one generator the real images stay first
    return pd.DataFrame([facts for _, facts in rows], columns=list(SUMMARY_COLUMNS))


def _rows_by(table: pd.DataFrame, names: Sequence[str], *, sort: bool) -> Iterator[tuple[tuple[Any, ...], _Rows]]:
    """The rows of a table that have the same values of some columns, with the values."""
    numbers = table.groupby(list(names), sort=sort).ngroup().to_numpy()
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    keys = table[list(names)].iloc[order[starts]].itertuples(index=False, name=None)
    return zip(keys, np.split(order, starts[1:]) if len(starts) else [], strict=True)


@dataclass(frozen=True)
class _Texts:
    """A column of few different texts, as the number of each."""

    numbers: NDArray[np.intp]
    names: Sequence[str]

    @classmethod
    def of(cls, column: pd.Series[Any]) -> _Texts:
        numbers, names = pd.factorize(column)
        return cls(numbers, list(map(str, names)))

    def counts(self, rows: _Rows) -> dict[str, int]:
        """How often each stands in some rows, the commonest first."""
        own = self.numbers[rows]
        counts = np.bincount(own, minlength=len(self.names))
        order = sorted(np.flatnonzero(counts).tolist(), key=lambda one: (-counts[one], np.argmax(own == one)))
        return {self.names[one]: int(counts[one]) for one in order}


@dataclass(frozen=True)
class _Files:
    """What the tables say of files, as arrays: of some hundred groups it is asked several times."""

    numbers: Mapping[str, NDArray[Any]]
    formats: _Texts
    modes: _Texts
    splits: _Texts

    @classmethod
    def of(cls, inspected: InspectedImages) -> _Files:
        records = inspected.records
        numbers = {name: records[name].to_numpy() for name in FILE_NUMBERS}
        numbers["profile"] = records["profile"].ne("").to_numpy()
        texts = records["format"], records["mode"], inspected.images.table["split"]
        return cls(numbers, *map(_Texts.of, texts))

    def facts(self, rows: _Rows) -> dict[str, Any]:
        """What is said of some files: values of the columns `FACTS`."""
        own = {name: values[rows] for name, values in self.numbers.items()}
        of_a_quality = own["quality"] >= 0
        return {
            "images": len(rows),
            "formats": self.formats.counts(rows),
            "modes": self.modes.counts(rows),
            "width": _range(own["width"]),
            "height": _range(own["height"]),
            "short_side": _range(np.minimum(own["width"], own["height"])),
            "quality": _range(own["quality"][of_a_quality]),
            "other_tables": int((~of_a_quality & (own["nearest_quality"] >= 0)).sum()),
            "bytes_per_pixel": _range(own["size"] / (own["width"] * own["height"])),
            "exif": int(own["exif"].sum()),
            "profile": int(own["profile"].sum()),
        }


def _file_notes(files: pd.DataFrame) -> tuple[FileNote, ...]:
    """The notes on files, the commonest first."""
    noted = files.loc[files["note"] != "", ["name", "note"]]
    each = noted.assign(note=noted["note"].str.split(NOTE_SEPARATOR)).explode("note")
    found = [FileNote(str(note), len(group), group["name"].iloc[0]) for note, group in each.groupby("note")]
    return tuple(sorted(found, key=lambda one: (-one.images, one.note)))


def _range(values: NDArray[Any]) -> dict[str, float]:
    """Minimum, median and maximum; empty for no values."""
    if not len(values):
        return {}
    return {"min": float(values.min()), "median": float(np.median(values)), "max": float(values.max())}


def _exclusion_warnings(excluded: pd.DataFrame) -> list[str]:
    if not len(excluded):
        return []
    first = excluded.iloc[0]
    example = f"{first['name']} ({first['reason']})"
    which = f"such as {example}" if len(excluded) > 1 else example
    return [f"{len(excluded)} files cannot be used and were excluded for every detector: {which}"]


def _missing_warnings(missing: Mapping[str, int]) -> list[str]:
    return [f"the data set lists {count} {what}, which are not there" for what, count in missing.items() if count]


def _duplicates_warning(duplicates: Duplicates) -> str:
    """A warning, or "" for duplicates that need none."""
    example = " and ".join(duplicates.example)
    same = "the very file" if duplicates.what == "exact" else "nearly the same image"
    count = duplicates.images
    if duplicates.across == "splits":
        return f"leakage: {count} images outside of the train split have {same} in another split, such as {example}"
    if duplicates.across == "pools":
        return ""
    if duplicates.what == "exact":
        return f"contradiction: {count} files are called real and generated, such as {example}"
    return (
        f"{count} images look nearly like one of the other class, such as {example}: real images and reconstructions "
        "of them, which one split must hold together, or one picture under both labels"
    )
