"""A folder with `manifest.csv` or `manifest.jsonl`, which lists the images that belong to the data set.

Columns `path` and `label` (0 or real, 1 or generated) are required; `generator`, `split`, `content`, `source`,
`degradation` and `copy` may be there; others are attributes. Copies of one image have one source; the `copy` of an
original is empty, or `original`. A path begins in the folder, or is absolute and below it, or
below the "root" that `dataset.json` states; separators may be those of Windows. A generated image without a generator
belongs to "generated"; a real one with a generator is of that generator's pool only.

Where `dataset.json` names another data set under "of", as DATA would (and its real images under "real"), the paths are
names of that set's images: its files are read, and columns that the manifest does not have are taken from it. A column
that it has says all. A relative path under "of" or "real" begins in the folder of the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn
from unicodedata import normalize

from bench.images.annotations.attributes import AttributeReader
from bench.images.files import csv_lines
from bench.images.files.description import DESCRIPTION, read_description
from bench.images.files.tree import MANIFEST_SUFFIXES, Tree
from bench.images.layouts.api import (
    SHARED_POOL,
    UNNAMED,
    Coverage,
    DataSetContents,
    DataSetReference,
    ImageRow,
    SubsetLayout,
)
from bench.images.vocabulary.class_words import label_of, split_word
from bench.images.vocabulary.folder_words import copy_name
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from protocols.api import NONE
from protocols.degradations import UnknownDegradation, parse_degradation

STEM = "manifest"
REQUIRED = ("path", "label")
OPTIONAL = ("generator", "split", "content", "source", "degradation", "copy")
KNOWN = (*REQUIRED, *OPTIONAL)
SOURCE = "source"
ManifestLine = tuple[int, Mapping[str, str]]


class ManifestLayout(SubsetLayout):
    """Images listed in a table of the user's own."""

    name: ClassVar[str] = "manifest"
    pattern: ClassVar[str] = f"{STEM}.csv or {STEM}.jsonl with the columns path and label"
    options: ClassVar[frozenset[str]] = frozenset({"--classes"})
    file_suffixes: ClassVar[frozenset[str]] = MANIFEST_SUFFIXES

    def coverage(self, tree: Tree) -> Coverage:
        """Everything where there is a manifest, which alone decides what belongs to the data set."""
        return "all" if _manifests(tree) else "none"

    def base(self, tree: Tree) -> DataSetReference | None:
        """The data set that `dataset.json` names under "of". Raises `InputError`."""
        _manifest(tree)
        facts = read_description(tree)
        data, real = facts.get("of"), facts.get("real", "")
        if data is None:
            return None
        if not isinstance(data, str) or not isinstance(real, str):
            msg = f"{tree.where}/{DESCRIPTION}: of and real must be texts, as DATA and --real have them; mend them"
            raise InputError(msg)
        if SHARED_POOL in tree.mounts:
            what = f"{tree.where}/{DESCRIPTION} says that the images are of {data}"
            msg = f"{what}, so real ones cannot be added with --real; name their folder there, under real"
            raise InputError(msg)
        return DataSetReference(data, real)

    def read(self, tree: Tree) -> DataSetContents:
        """Read what the manifest lists of the tree's own images. Raises `InputError`."""
        reader = _ManifestReader(tree, _manifest(tree), dict.fromkeys(tree.listing.paths()))
        rows = reader.rows(pools=set())
        said = (reader.missing, reader.reading, reader.groups, reader.attributes)
        return DataSetContents(rows, {}, {}, None, (), *said)

    def read_subset(self, tree: Tree, base: DataSetContents) -> DataSetContents:
        """Read what the manifest lists of another data set's images. Raises `InputError`."""
        reader = _ManifestReader(tree, _manifest(tree), {row.name: row for row in base.rows})
        rows = reader.rows(pools=set(base.pools.values()))
        own = {row.generator for row in rows if not row.label}
        pools = {name: pool for name, pool in base.pools.items() if name not in own}
        said = (reader.missing, reader.reading, reader.groups, {**base.attributes, **reader.attributes})
        return DataSetContents(rows, base.families, pools, base.files, base.notes, *said)


class _ManifestReader:
    """Turns the lines of one manifest into rows.

    Args:
        tree: The data set.
        name: Name of the manifest in it.
        images: By path, every image that can be listed, with what is known of it, if anything is.
    """

    def __init__(self, tree: Tree, name: str, images: Mapping[str, ImageRow | None]) -> None:
        self._tree = tree
        self._name = name
        self._images = images
        self._composed = {normalize("NFC", path): path for path in images}
        self._roots = _roots(tree)
        self._line_of: dict[str, int] = {}
        self._absent: list[str] = []
        self._columns: dict[str, None] = {}

    @property
    def _is_json(self) -> bool:
        return self._name.endswith(".jsonl")

    @property
    def missing(self) -> dict[str, int]:
        """The number of images that are listed and not there, by what they are; empty for none."""
        return {f"images that the manifest lists, such as {self._absent[0]}": len(self._absent)} if self._absent else {}

    @property
    def reading(self) -> tuple[str, ...]:
        """Which columns were read, and which were not."""
        known = [column for column in self._columns if column in KNOWN]
        others = [column for column in self._columns if column not in known]
        kept = f"; kept as attributes: {', '.join(others)}" if others else ""
        return (f"columns of {self._name}: {', '.join(known)}{kept}",)

    @property
    def attributes(self) -> dict[str, AttributeReader]:
        """The other columns."""
        others = self._columns.keys() - set(KNOWN)
        return {column: partial(_attribute, self._tree, self._name, column) for column in sorted(others)}

    @property
    def groups(self) -> frozenset[str]:
        """The column of sources, if it is there."""
        return frozenset({SOURCE} & self._columns.keys())

    def values(self, column: str) -> dict[str, str]:
        """The texts of a column, by image, without empty ones."""
        lines = ((self._path(line, fields["path"]), fields.get(column, "")) for line, fields in self._lines())
        return {image: text for image, text in lines if text}

    def _lines(self) -> Iterator[ManifestLine]:
        return (_json_lines if self._is_json else _csv_lines)(self._tree, self._name)

    def rows(self, pools: set[str]) -> list[ImageRow]:
        """Every image that is listed and there. Raises `InputError`, also where a class is missing.

        Args:
            pools: The pools that are known to belong to generators.
        """
        rows = [row for line, fields in self._lines() if (row := self._row(line, fields))]
        self._require_both_classes(rows, pools)
        return rows

    def _require_both_classes(self, rows: list[ImageRow], pools: set[str]) -> None:
        """Both classes must be listed, and every pool must belong to a generator."""
        generators = {row.generator for row in rows if row.label}
        real_pools = {row.generator for row in rows if not row.label}
        where = f"{self._tree.where}/{self._name}"
        for listed, noun in ((generators, "generated"), (real_pools, "real")):
            if not listed:
                msg = f"{where} lists no {noun} image that is there; list some with the label {noun}"
                if self._absent:
                    count, first = len(self._absent), self._absent[0]
                    msg = f"{where} lists {count} images that are not in its folder, such as {first}; mend the paths"
                raise InputError(msg)
        if unused := sorted(real_pools - generators - pools - {SHARED_POOL}):
            msg = f"{where} lists real images against {unused[0]}, which made none of its images; mend the generator"
            raise InputError(msg)

    def _row(self, line: int, fields: Mapping[str, str]) -> ImageRow | None:
        """The image of one line; None where it is not there."""
        self._take_columns(line, fields)
        path = self._path(line, fields["path"])
        label = {"0": 0, "1": 1}.get(fields["label"], label_of(fields["label"]))
        stated = self._tree.reading.class_of(fields["label"])
        if stated == "skip":
            return None
        label = label if stated is None else int(stated == "generated")
        if label is None:
            self._refuse(line, f"label {fields['label']!r} is not known; write 0 or real, 1 or generated")
        split = self._split(line, fields["split"]) if "split" in fields else None
        chain = self._degradation(line, fields["degradation"]) if "degradation" in fields else None
        if path not in self._images:
            self._absent.append(path)
            return None
        known = self._images[path] or ImageRow(path, label, "")
        if known.label != label:
            self._refuse(line, f"{path} has the label {known.label} in the data set that {DESCRIPTION} names; mend it")
        return known._replace(
            generator=fields.get("generator", known.generator) or (UNNAMED if label else SHARED_POOL),
            split=known.split if split is None else split,
            content=fields.get("content", known.content),
            source=fields.get("source", known.source) or path,
            degradation=known.degradation if chain is None else chain,
            copy=copy_name(fields.get("copy", known.copy)),
        )

    def _take_columns(self, line: int, columns: Iterable[str]) -> None:
        """Remember the columns of a line. Raises `InputError` for one that is nearly the name of a known one."""
        for column in columns:
            near = next((known for known in KNOWN if _is_mistyped(column.lower(), known)), "")
            if column not in self._columns and column not in KNOWN and near:
                self._refuse(line if self._is_json else 1, f"column {column!r} is not known; did you mean {near}?")
            self._columns[column] = None

    def _path(self, line: int, text: str) -> str:
        path = text.strip().replace("\\", "/").removeprefix("./")
        root = next((root for root in self._roots if path.startswith(f"{root}/")), "")
        path = path[len(root) + 1 :] if root else path
        if not path:
            self._refuse(line, "path is empty; write that of an image")
        absolute = path.startswith("/") or re.match(r"[A-Za-z]:", path)
        if absolute or ".." in path.split("/"):
            way = f"{DESCRIPTION} may state another root" if absolute else "write it without '..'"
            self._refuse(line, f"path {text!r} is not below the folder of the manifest; {way}")
        path = self._composed.get(normalize("NFC", path), path)
        if (first := self._line_of.setdefault(path, line)) != line:
            self._refuse(line, f"{path} is listed already, on line {first}; list each image once")
        return path

    def _split(self, line: int, text: str) -> str:
        if text.strip() and not split_word(text):
            self._refuse(line, f"split {text!r} is not known; write train, val or test, or leave all empty")
        return split_word(text)

    def _degradation(self, line: int, text: str) -> str:
        try:
            return _canonical_chain(text)
        except UnknownDegradation as error:
            self._refuse(line, str(error))

    def _refuse(self, line: int, what: str) -> NoReturn:
        csv_lines.refuse(self._tree, self._name, line, what)


def _is_mistyped(name: str, known: str) -> bool:
    """Whether a name is another with one letter more, less or changed, or with two neighbours exchanged."""
    shorter, longer = sorted((name, known), key=len)
    places = range(len(longer))
    if len(shorter) + 1 == len(longer):
        return any(longer[:at] + longer[at + 1 :] == shorter for at in places)
    if len(shorter) != len(longer):
        return False
    differ = [at for at in places if shorter[at] != longer[at]]
    swapped = len(differ) == 2 and differ[1] == differ[0] + 1 and sorted(shorter) == sorted(longer)
    return len(differ) <= 1 or swapped


def _attribute(tree: Tree, name: str, column: str, images: Sequence[str]) -> dict[str, str]:
    """The values of a column of a manifest, by image."""
    return _ManifestReader(tree, name, dict.fromkeys(images)).values(column)


def _roots(tree: Tree) -> list[str]:
    """Absolute folders below which a manifest's paths may lie: its own, and the one that `dataset.json` states."""
    stated = read_description(tree).get("root", "")
    if not isinstance(stated, str):
        msg = f"{tree.where}/{DESCRIPTION}: root must be the text of a folder's path; mend it"
        raise InputError(msg)
    own = [] if "://" in tree.where else [tree.where, str(Path(tree.where).resolve())]
    return [root.replace("\\", "/").rstrip("/") for root in (stated, *own) if root]


@cache
def _canonical_chain(text: str) -> str:
    """The canonical spelling of a chain of degradations, "" for none."""
    return "" if text in {"", NONE} else parse_degradation(text).name


def _manifests(tree: Tree) -> list[str]:
    """The file that the user gave, or else the manifests at the top."""
    if tree.given_file:
        return [tree.given_file]
    return sorted({f"{STEM}{suffix}" for suffix in MANIFEST_SUFFIXES} & set(tree.listing.data))


def _manifest(tree: Tree) -> str:
    """The one manifest. Raises `InputError` where there is none, or several."""
    names = _manifests(tree)
    if len(names) != 1:
        found = " and ".join(names) or f"neither {STEM}.csv nor {STEM}.jsonl"
        msg = f"{tree.where} holds {found}; there must be one manifest"
        raise InputError(msg)
    return names[0]


def _csv_lines(tree: Tree, name: str) -> Iterator[ManifestLine]:
    yield from csv_lines.rows(tree, name, REQUIRED)


def _json_lines(tree: Tree, name: str) -> Iterator[ManifestLine]:
    for line, text in enumerate(tree.read_text(name).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            fields: Any = parse_json(text)
        except ValueError as error:
            csv_lines.refuse(tree, name, line, f"it is not JSON ({error}); mend the line")
        if not isinstance(fields, dict) or not all(
            isinstance(value, str | int | float | None) for value in fields.values()
        ):
            csv_lines.refuse(tree, name, line, "it is not a JSON object of texts and numbers; mend the line")
        for column in REQUIRED:
            if column not in fields:
                csv_lines.refuse(tree, name, line, f"{column} is missing; add it")
        yield line, {column: "" if value is None else str(value) for column, value in fields.items()}
