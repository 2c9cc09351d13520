"""WebDataset: tar shards of `key.jpg` with `key.cls` or `key.json` beside it; also as plain folders.

A `.cls` holds 0 or real, 1 or generated. A `.json` holds `label`, and where known `generator`, `split`, `content` and
`source` (https://github.com/webdataset/webdataset).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED, Claim, DataSetContents, ImageRow, Layout
from bench.images.layouts.class_words import SPLITS, label_of, split_of
from bench.images.layouts.generator_names import canonical
from bench.platform.errors import InputError

UNNAMED = "generated"  # the generator where a sample names none


class WebDatasetLayout(Layout):
    """Samples of files that share a key."""

    name: ClassVar[str] = "webdataset"
    shape: ClassVar[str] = "<split>*.tar of <key>.<image> with <key>.cls or <key>.json"

    def claim(self, tree: Tree) -> Claim:
        """By names, and the label of one sample: a `.json` beside an image may be anything."""
        data = {name for name in tree.listing.data if name.endswith((".cls", ".json"))}
        if not data:
            return "none"
        keys = [_key(folder, name) for folder, names in tree.listing.images.items() for name in names]
        labelled = [key for key in keys if f"{key}.cls" in data or f"{key}.json" in data]
        try:
            if not labelled or not _said(tree, labelled[0], data):
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
                if facts := _said(tree, key, data):
                    rows.append(_row(tree, f"{folder}/{name}".lstrip("/"), key, facts, split))
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


def _said(tree: Tree, key: str, data: set[str]) -> dict[str, Any]:
    """What stands beside an image, with its label; empty where there is none. Raises `InputError`."""
    facts = _json(tree, f"{key}.json") if f"{key}.json" in data else {}
    given = [facts["label"]] if facts.get("label") is not None else []
    given += [tree.text(f"{key}.cls")] if f"{key}.cls" in data else []
    labels = {label_of(one) for one in given}
    if None in labels or len(labels) > 1:
        shown = " and ".join(repr(one) for one in given)
        msg = f"{tree.where}/{key} has the label {shown}; wanted is one of 0 or real, 1 or generated"
        raise InputError(msg)
    return facts | {"label": labels.pop()} if labels else {}


def _json(tree: Tree, name: str) -> dict[str, Any]:
    """A file of one JSON object; another tool's list of things says nothing. Raises `InputError`."""
    try:
        facts: Any = json.loads(tree.text(name))
    except ValueError as error:
        msg = f"{tree.where}/{name} is not JSON ({error}); mend it or take it away"
        raise InputError(msg) from error
    return dict(facts) if isinstance(facts, dict) else {}


def _row(tree: Tree, name: str, key: str, facts: dict[str, Any], split: str) -> ImageRow:
    """One sample. Raises `InputError` for a split of another name."""
    stated = str(facts.get("split") or "").lower()
    if stated and stated not in SPLITS:
        msg = f"{tree.where}/{key}.json has the split {stated!r}; wanted is train, val or test"
        raise InputError(msg)
    label: int = facts["label"]
    generator = canonical(str(facts.get("generator") or UNNAMED))[0] if label else SHARED
    content, source = (str(facts.get(what) or "") for what in ("content", "source"))
    return ImageRow(name, label, generator, SPLITS.get(stated, split), content, source or key)
