"""From what a layout read to an image set: order, families, pools, splits that have to be drawn, and checks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from bench.images.files.tree import Tree
from bench.images.image_set import COLUMNS, ImageSet
from bench.images.layouts.api import SHARED, DataSetContents
from bench.images.layouts.generator_names import GENIMAGE, family_of
from bench.platform.errors import InputError

DESCRIPTION = "dataset.json"
SEED = 0  # of splits that are drawn
HELD_OUT = 0.1  # of the images of a generator, or of a pool, in each of the val and test splits that are drawn


def described(tree: Tree) -> dict[str, Any]:
    """What the data set says of itself in `dataset.json`, if it has one. Raises `InputError` where that is damaged."""
    if DESCRIPTION not in tree.listing.data:
        return {}
    where = f"{tree.where}/{DESCRIPTION}"
    try:
        facts: Any = json.loads(tree.text(DESCRIPTION))
    except ValueError as error:
        msg = f"{where} is not JSON ({error}); mend it or take it away"
        raise InputError(msg) from error
    families = facts.get("families", {}) if isinstance(facts, dict) else None
    texts = [facts.get("title", ""), *families, *families.values()] if isinstance(families, dict) else [None]
    if not all(isinstance(text, str) for text in texts):
        msg = f"{where} is not a JSON object with a text as title and texts as families; mend it or take it away"
        raise InputError(msg)
    return dict(facts)


def assemble(tree: Tree, found: DataSetContents, layout: str) -> ImageSet:
    """Make an image set of what a layout read.

    Raises:
        InputError: Nothing was read, a class is empty, or real images are missing.
    """
    if not found.rows:
        msg = f"{tree.where} holds no image that the layout {layout} can read; give another folder or another layout"
        raise InputError(msg)
    facts = described(tree)
    table = pd.DataFrame(found.rows, columns=list(COLUMNS)).sort_values("name", ignore_index=True)
    if (twice := table["name"].duplicated()).any():
        msg = f"{tree.where} lists {table['name'][twice].iloc[0]} twice; list each image once"
        raise InputError(msg)
    table, drawn = _with_splits(tree, table)
    generators = table.loc[table["label"] == 1, "generator"].unique().tolist()
    images = ImageSet(
        found.files or tree,
        str(facts.get("title", tree.title)),
        "embedded" if facts.get("kind") == "embedded" else "folder",
        str(facts.get("version", "")),
        _families(generators, facts.get("families", {}), found.families),
        table,
        _pools(tree, table, generators, found.pools),
        (*found.notes, *drawn, *_left_out(tree, table, found), *_ignored(tree, found)),
        dict(found.missing),
        _refused(tree, table, found),
        len(table),
    )
    _require_both_classes(tree, images)
    return images


def _families(generators: list[str], stated: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Family of every generator, in the order in which tables show them."""
    order = [*stated, *(name for name, _, _ in GENIMAGE), *known, *sorted(generators)]
    return {
        name: stated.get(name) or known.get(name) or family_of(name)
        for name in dict.fromkeys(order)
        if name in generators
    }


def _pools(tree: Tree, table: pd.DataFrame, generators: list[str], stated: Mapping[str, str]) -> dict[str, str]:
    """The pool of real images that stands against each generator."""
    there = set(table.loc[table["label"] == 0, "generator"])
    pools = {}
    for generator in generators:
        found = next((pool for pool in (stated.get(generator), generator, SHARED) if pool in there), None)
        if found is None:
            msg = f"{tree.where}: no real images stand against {generator}; add some, or name a folder of them (--real)"
            raise InputError(msg)
        pools[generator] = found
    return pools


def _require_both_classes(tree: Tree, images: ImageSet) -> None:
    """Every split that a generator has must hold real images, and a generator's own real images stand against some."""
    have = set(images.table[["generator", "split", "label"]].drop_duplicates().itertuples(index=False, name=None))
    for generator, split, label in sorted(have):
        if label == 1 and (images.pools[generator], split, 0) not in have:
            _refuse_half(tree, generator, split, "real")
        if label == 0 and generator in images.pools and (generator, split, 1) not in have:
            _refuse_half(tree, generator, split, "generated")


def _refuse_half(tree: Tree, generator: str, split: str, noun: str) -> None:
    msg = f"{tree.where}: {generator} has no {noun} image in its {split} split; add some, or take that split away"
    raise InputError(msg)


def _with_splits(tree: Tree, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with a split for every image, and a note where they had to be drawn."""
    splits = set(table["split"])
    if "" in splits and len(splits) > 1:
        name = table.loc[table["split"] == "", "name"].iloc[0]
        msg = f"{tree.where} gives some images a split and others none, such as {name}; give one to all or to none"
        raise InputError(msg)
    if len(splits) > 1:
        return table, ()
    only = splits.pop()
    what = f"holds the split {only} only" if only else "has no splits"
    note = f"{tree.title} {what}: train, val and test were drawn, 80/10/10 by source, with seed {SEED}"
    return table.assign(split=draw_splits(table)), (note,)


def draw_splits(table: pd.DataFrame) -> pd.Series[str]:
    """Splits 80/10/10 of each generator's and each pool's images, drawn by source with `SEED`.

    A source is in one split wherever it stands: those that several groups share are drawn first, then each group is
    filled up to its tenths from its own.
    """
    ranks = {source: sha256(f"{SEED}/{source}".encode()).digest() for source in table["source"].unique()}
    groups = [group.unique().tolist() for _, group in table.groupby(["generator", "label"], sort=False)["source"]]
    counts = Counter(source for group in groups for source in group)
    split: dict[str, str] = {}
    shared = [source for source, count in counts.items() if count > 1]
    for part in (shared, *groups):
        wanted = round(HELD_OUT * len(part)) or int(len(part) > 2)
        have = Counter(split[source] for source in part if source in split)
        free = iter(sorted((source for source in part if source not in split), key=ranks.__getitem__))
        for name in ("test", "val"):
            split |= dict.fromkeys(islice(free, max(0, wanted - have[name])), name)
        split |= dict.fromkeys(free, "train")
    return table["source"].map(split)


def _refused(tree: Tree, table: pd.DataFrame, found: DataSetContents) -> tuple[tuple[str, str], ...]:
    """The files that are not to be read, of the folders that belong to the layout."""
    if found.files is not None:
        return ()
    folders = {name.rpartition("/")[0] for name in table["name"]}
    return tuple((name, reason) for name, reason in tree.listing.refused if name.rpartition("/")[0] in folders)


def _ignored(tree: Tree, found: DataSetContents) -> tuple[str, ...]:
    """A note on files that lie in the tree and are neither images nor data."""
    ignored = {kind: count for kind, count in tree.listing.ignored.items() if kind != "hidden"}
    if found.files is not None or not ignored:
        return ()
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(ignored.items()))
    return (f"files of other kinds were not read: {shown}",)


def _left_out(tree: Tree, table: pd.DataFrame, found: DataSetContents) -> tuple[str, ...]:
    """A note on images that lie in the tree and are not part of the layout."""
    left = tree.listing.size - len(table)
    if found.files is not None or left <= 0:
        return ()
    names = set(table["name"])
    folders = sorted(
        folder
        for folder, files in tree.listing.images.items()
        if any((f"{folder}/{file}" if folder else file) not in names for file in files)
    )
    shown = ", ".join(folder or "the top" for folder in folders[:5]) + (", ..." if len(folders) > 5 else "")
    return (f"{left} images are not part of the layout and were left out, in {shown}",)


def with_base_degradation(images: ImageSet, chain: str) -> ImageSet:
    """The same images with one more chain applied to every one of them, last."""
    steps = images.table["degradation"]
    both = np.where(steps == "", chain, steps + "+" + chain)
    return replace(images, table=images.table.assign(degradation=both))
