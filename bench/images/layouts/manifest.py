"""A folder with `manifest.csv` or `manifest.jsonl`, which lists the images that belong to the data set.

Columns `path` (relative to the folder, forward slashes) and `label` are required; `generator`, `split`, `content`,
`source` and `degradation` may be there, and columns of the user's own begin with `x_`. A generated image without a
generator belongs to "generated"; a real one with a generator stands against that one only.

Where `dataset.json` names another data set under "of", as DATA would (and its real images under "real"), the paths are
names of that set's images: its files are read, and columns that the manifest does not have are taken from it. A column
that it has says all. A relative path under "of" or "real" begins in the folder of the manifest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, ClassVar, NoReturn

from bench.images.assembly import DESCRIPTION, described
from bench.images.files.tree import MANIFESTS, Tree
from bench.images.image_set import ImageSet
from bench.images.layouts import csv_lines
from bench.images.layouts.api import SHARED, Claim, DataSetContents, ImageRow, Layout
from bench.images.layouts.class_words import SPLITS, label_of
from bench.platform.errors import InputError
from protocols.api import NONE
from protocols.degradations import UnknownDegradation, degradation

STEM = "manifest"
REQUIRED = ("path", "label")
OPTIONAL = ("generator", "split", "content", "source", "degradation")
GENERATED = "generated"  # the generator of images that no generator is named for
ManifestLine = tuple[int, Mapping[str, str]]


class ManifestLayout(Layout):
    """Images listed in a table of the user's own."""

    name: ClassVar[str] = "manifest"
    shape: ClassVar[str] = f"{STEM}.csv or {STEM}.jsonl with the columns path and label"
    takes: ClassVar[frozenset[str]] = MANIFESTS

    def claim(self, tree: Tree) -> Claim:
        """Everything where there is a manifest: it says what belongs."""
        return "all" if _manifests(tree) else "none"

    def read(self, tree: Tree) -> DataSetContents:
        """Read what the manifest lists. Raises `InputError` for a manifest that is not in order."""
        names = _manifests(tree)
        if len(names) != 1:
            found = " and ".join(names) or f"neither {STEM}.csv nor {STEM}.jsonl"
            msg = f"{tree.where} holds {found}; there must be one manifest"
            raise InputError(msg)
        base = _base(tree)
        pools = dict(base.pools) if base else {}
        listed = _Listed(tree, names[0], base)
        rows = listed.rows()
        listed.require_both_classes(rows, set(pools.values()))
        missing = {"images that the manifest lists": listed.missing} if listed.missing else {}
        if base is None:
            return DataSetContents(rows, missing=missing)
        return DataSetContents(rows, base.families, pools, base.files, base.notes, missing)


class _Listed:
    """The lines of one manifest, on their way to rows."""

    def __init__(self, tree: Tree, name: str, base: ImageSet | None) -> None:
        self._tree = tree
        self._name = name
        self._there = _images(tree) if base is None else _images_of(base)
        self._seen: dict[str, int] = {}
        self.missing = 0

    def rows(self) -> list[ImageRow]:
        """Every image that is listed and there."""
        read = _json_lines if self._name.endswith(".jsonl") else _csv_lines
        return [row for line, fields in read(self._tree, self._name) if (row := self._row(line, fields))]

    def require_both_classes(self, rows: list[ImageRow], pools: set[str]) -> None:
        """Both classes must be listed, and a pool must stand against something."""
        generators = {row.generator for row in rows if row.label}
        reals = {row.generator for row in rows if not row.label}
        where = f"{self._tree.where}/{self._name}"
        for there, noun in ((generators, GENERATED), (reals, "real")):
            if not there:
                msg = f"{where} lists no {noun} image that is there; list some with the label {noun}"
                raise InputError(msg)
        if unused := sorted(reals - generators - pools - {SHARED}):
            msg = f"{where} lists real images against {unused[0]}, which made none of its images; mend the generator"
            raise InputError(msg)

    def _row(self, line: int, fields: Mapping[str, str]) -> ImageRow | None:
        path = self._path(line, fields["path"])
        label = label_of(fields["label"])
        if label is None:
            self._refuse(line, f"label {fields['label']!r} is not known; write 0 or real, 1 or generated")
        split = self._split(line, fields["split"]) if "split" in fields else None
        chain = self._degradation(line, fields["degradation"]) if "degradation" in fields else None
        if path not in self._there:
            self.missing += 1
            return None
        known = self._there[path] or ImageRow(path, label, "")
        if known.label != label:
            self._refuse(line, f"{path} has the label {known.label} in the data set that {DESCRIPTION} names; mend it")
        return ImageRow(
            path,
            label,
            fields.get("generator", known.generator) or (GENERATED if label else SHARED),
            known.split if split is None else split,
            fields.get("content", known.content),
            fields.get("source", known.source) or path,
            known.degradation if chain is None else chain,
        )

    def _path(self, line: int, text: str) -> str:
        path = text.removeprefix("./")
        if not path or path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z]:|.*\\", path):
            self._refuse(line, f"path {text!r} is not relative to the folder, with forward slashes and without '..'")
        if first := self._seen.setdefault(path, line) - line:
            self._refuse(line, f"{path} is listed already, on line {line + first}; list each image once")
        return path

    def _split(self, line: int, text: str) -> str:
        split = text.strip().lower()
        if split and split not in SPLITS:
            self._refuse(line, f"split {text!r} is not known; write train, val or test, or leave all empty")
        return SPLITS.get(split, "")

    def _degradation(self, line: int, text: str) -> str:
        try:
            return _chain(text)
        except UnknownDegradation as error:
            self._refuse(line, str(error))

    def _refuse(self, line: int, what: str) -> NoReturn:
        csv_lines.refuse(self._tree, self._name, line, what)


@cache
def _chain(text: str) -> str:
    """The canonical spelling of a chain of degradations, "" for none."""
    return "" if text in {"", NONE} else degradation(text).name


def _manifests(tree: Tree) -> list[str]:
    """The file that was given, or the manifests at the top."""
    if tree.given:
        return [tree.given]
    return sorted({f"{STEM}{suffix}" for suffix in MANIFESTS} & set(tree.listing.data))


def _base(tree: Tree) -> ImageSet | None:
    """The data set that the paths are names of, where the manifest has no images of its own."""
    facts = described(tree)
    of, real = facts.get("of"), facts.get("real", "")
    if of is None:
        return None
    if not isinstance(of, str) or not isinstance(real, str):
        msg = f"{tree.where}/{DESCRIPTION}: of and real must be texts, as DATA and --real have them; mend them"
        raise InputError(msg)
    if SHARED in tree.mounts:
        what = f"{tree.where}/{DESCRIPTION} says that the images are of {of}, so real ones cannot be added with --real"
        msg = f"{what}; name their folder there, under real"
        raise InputError(msg)
    from bench.images.data_sets import open_tree, opened, read_tree

    forced, base = opened(of, tree.where)
    if further := described(base).get("of"):
        msg = f"{tree.where}/{DESCRIPTION} says that it is of {of}, which is of {further}; name data that has images"
        raise InputError(msg)
    return read_tree(base, forced, open_tree(real, tree.where) if real else None)


def _images(tree: Tree) -> dict[str, ImageRow | None]:
    """The tree's own images, of which nothing is known."""
    listed = tree.listing.images.items()
    return {f"{folder}/{name}" if folder else name: None for folder, names in listed for name in names}


def _images_of(base: ImageSet) -> dict[str, ImageRow | None]:
    """The images of another data set, with what it says of them."""
    return {row[0]: ImageRow._make(row) for row in base.table.itertuples(index=False, name=None)}


def _csv_lines(tree: Tree, name: str) -> Iterator[ManifestLine]:
    _check_columns(tree, name, 1, csv_lines.header(tree, name))
    yield from csv_lines.rows(tree, name, REQUIRED)


def _json_lines(tree: Tree, name: str) -> Iterator[ManifestLine]:
    for line, text in enumerate(tree.text(name).splitlines(), start=1):
        if not text.strip():
            continue
        try:
            fields: Any = json.loads(text)
        except ValueError as error:
            csv_lines.refuse(tree, name, line, f"it is not JSON ({error}); mend the line")
        if not isinstance(fields, dict) or not all(isinstance(value, str | int | None) for value in fields.values()):
            csv_lines.refuse(tree, name, line, "it is not a JSON object of texts and numbers; mend the line")
        _check_columns(tree, name, line, fields)
        for column in REQUIRED:
            if column not in fields:
                csv_lines.refuse(tree, name, line, f"{column} is missing; add it")
        yield line, {column: "" if value is None else str(value) for column, value in fields.items()}


def _check_columns(tree: Tree, name: str, line: int, columns: Any) -> None:  # noqa: ANN401 - any iterable of texts
    known = (*REQUIRED, *OPTIONAL)
    for column in columns:
        if column not in known and not column.startswith("x_"):
            near = get_close_matches(column, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            csv_lines.refuse(
                tree, name, line, f"column {column!r} is not known; {hint} Columns of your own begin with x_"
            )
