"""WebDataset: tar shards of `key.jpg` with `key.cls` or `key.json` beside it; also as plain folders.

A `.cls` holds 0 or real, 1 or generated. A `.json` holds `label`, and where known `generator`, `split`, `content` and
`source` (https://github.com/webdataset/webdataset).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout
from bench.images.vocabulary.class_words import SPLITS, label_of, split_of
from bench.images.vocabulary.generator_names import canonical_name
from bench.platform.errors import InputError

UNNAMED = "generated"  # the generator where a sample names none


class WebDatasetLayout(Layout):
    """Samples of files that share a key."""

    name: ClassVar[str] = "webdataset"
    pattern: ClassVar[str] = "<split>*.tar of <key>.<image> with <key>.cls or <key>.json"

    def coverage(self, tree: Tree) -> Coverage:
        """By names, and the label of one sample, since a `.json` beside an image may be another tool's."""
        data = {name for name in tree.listing.data if name.endswith((".cls", ".json"))}
        if not data:
            return "none"
        keys = [_key(folder, name) for folder, names in tree.listing.images.items() for name in names]
        labelled = [key for key in keys if f"{key}.cls" in data or f"{key}.json" in data]
        try:
            if not labelled or not _annotation(tree, labelled[0], data):
                return "none"
        except InputError:
            return "some"
        return "all" if len(labelled) == len(keys) else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every sample. Raises `InputError` for one without a label."""
        data = set(tree.listing.data)
        rows: list[ImageRow] = []
        unlabelled: list[str] = []
        for folder, names in tree.listing.images.items():
            split = split_of(folder, tree.where)
            for name in names:
                key = _key(folder, name)
                if annotation := _annotation(tree, key, data):
                    rows.append(_row(tree, f"{folder}/{name}".lstrip("/"), key, annotation, split))
                else:
                    unlabelled.append(key)
        if unlabelled:
            what = f"{tree.where}: {len(unlabelled):,} of its images have no label, such as {unlabelled[0]}"
            msg = f"{what}; give each a .cls of 0 (real) or 1 (generated), or a .json with a label"
            raise InputError(msg)
        return DataSetContents(rows)


def _key(folder: str, name: str) -> str:
    stem = name.rpartition(".")[0]
    return f"{folder}/{stem}" if folder else stem


def _annotation(tree: Tree, key: str, data: Collection[str]) -> dict[str, Any]:
    """The fields of a sample's `.json`, and its `label` as 0 or 1; empty where it has no label.

    Args:
        tree: The data set.
        key: The sample.
        data: Names of the tree's data files.

    Raises:
        InputError: The label is not known, or the two files differ in it.
    """
    fields = _json(tree, f"{key}.json") if f"{key}.json" in data else {}
    values = [fields["label"]] if fields.get("label") is not None else []
    values += [tree.read_text(f"{key}.cls")] if f"{key}.cls" in data else []
    labels = {label_of(value) for value in values}
    if None in labels or len(labels) > 1:
        shown = " and ".join(repr(value) for value in values)
        msg = f"{tree.where}/{key} has the label {shown}; wanted is one of 0 or real, 1 or generated"
        raise InputError(msg)
    return fields | {"label": labels.pop()} if labels else {}


def _json(tree: Tree, name: str) -> dict[str, Any]:
    """The object in a JSON file; empty for a file that holds something else. Raises `InputError`."""
    try:
        fields: Any = json.loads(tree.read_text(name))
    except ValueError as error:
        msg = f"{tree.where}/{name} is not JSON ({error}); mend it or take it away"
        raise InputError(msg) from error
    return dict(fields) if isinstance(fields, dict) else {}


def _row(tree: Tree, name: str, key: str, annotation: dict[str, Any], split: str) -> ImageRow:
    """One sample. Raises `InputError` for a split of another name."""
    stated = str(annotation.get("split") or "").lower()
    if stated and stated not in SPLITS:
        msg = f"{tree.where}/{key}.json has the split {stated!r}; wanted is train, val or test"
        raise InputError(msg)
    label: int = annotation["label"]
    generator = canonical_name(str(annotation.get("generator") or UNNAMED)) if label else SHARED_POOL
    content, source = (str(annotation.get(field) or "") for field in ("content", "source"))
    return ImageRow(name, label, generator, SPLITS.get(stated, split), content, source or key)
