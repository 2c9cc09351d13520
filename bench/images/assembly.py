"""From what a layout read to an image set: order, families, pools, drawn splits, and checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bench.images.files.description import read_description
from bench.images.files.tree import Tree
from bench.images.grouping import proposals, with_sources
from bench.images.image_set import COLUMNS, ImageSet
from bench.images.layouts.api import SHARED_POOL, DataSetContents, ImageColumns, Layout
from bench.images.vocabulary.generator_names import GENIMAGE, family_of
from bench.platform.errors import InputError

SEED = 0  # of drawn splits
HELD_OUT_SHARE = 0.1  # of the sources of a generator, or of a pool, in each of the drawn val and test splits
MAX_SHOWN = 5  # folders that a note names


def assemble(tree: Tree, contents: DataSetContents, layout: Layout) -> ImageSet:
    """Make an image set of what a layout read.

    Args:
        tree: The files of the data set, with those that were added.
        contents: What the layout read of them.
        layout: The layout.

    Raises:
        InputError: Nothing was read, or no real images stand against a generator.
    """
    if not contents.rows:
        msg = (
            f"{tree.where} holds no image that the layout {layout.name} can read; give another folder or another layout"
        )
        raise InputError(msg)
    description = read_description(tree)
    grouped, group_notes = with_sources(tree, _table(tree, contents), contents.groups)
    table, split_notes = _with_splits(tree, grouped)
    generators = table.loc[table["label"] == 1, "generator"].unique().tolist()
    images = ImageSet(
        files=contents.files or tree,
        title=str(description.get("title", tree.title)),
        kind="embedded" if description.get("kind") == "embedded" else "folder",
        version=str(description.get("version", "")),
        families=_families(generators, description.get("families", {}), contents.families),
        table=table,
        pools=_pools(tree, table, generators, contents.pools),
        notes=(*contents.notes, *group_notes, *split_notes, *_file_notes(tree, table, contents, layout)),
        missing=dict(contents.missing),
        refused=_refused(tree, table, contents),
        listed=len(table),
        drawn_splits=bool(split_notes),
        reading=(*contents.reading, *proposals(grouped)),
        attributes=dict(contents.attributes),
    )
    if images.drawn_splits and images.generators:
        return images
    return replace(images, notes=(*images.notes, *_missing_class_notes(images)))


def _table(tree: Tree, contents: DataSetContents) -> pd.DataFrame:
    """The rows in the order of their names. Raises `InputError` for a name that comes twice."""
    rows = contents.rows
    table = rows.table.to_pandas() if isinstance(rows, ImageColumns) else pd.DataFrame(rows, columns=list(COLUMNS))
    names = pa.array(table["name"])
    if pc.all(pc.less(names[:-1], names[1:])).as_py() is not False:
        return table
    table = table.sort_values("name", ignore_index=True)
    if (repeated := table["name"].duplicated()).any():
        msg = f"{tree.where} lists {table['name'][repeated].iloc[0]} twice; list each image once"
        raise InputError(msg)
    return table


def _families(generators: Collection[str], described: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Family of every generator, in the order in which tables show them.

    Args:
        generators: Names of the generators.
        described: Families that the data set states, which have priority.
        known: Families that the layout knows.
    """
    order = [*described, *(name for name, _, _ in GENIMAGE), *known, *sorted(generators)]
    return {
        name: described.get(name) or known.get(name) or family_of(name)
        for name in dict.fromkeys(order)
        if name in generators
    }


def _pools(tree: Tree, table: pd.DataFrame, generators: Sequence[str], stated: Mapping[str, str]) -> dict[str, str]:
    """The pool of real images of each generator. Raises `InputError` for a generator without one."""
    present = set(table.loc[table["label"] == 0, "generator"].unique())
    pools = {}
    for generator in generators:
        pool = next((name for name in (stated.get(generator), generator, SHARED_POOL) if name in present), None)
        if pool is None:
            msg = f"{tree.where}: no real images stand against {generator}; add some, or name a folder of them (--real)"
            raise InputError(msg)
        pools[generator] = pool
    return pools


def _missing_class_notes(images: ImageSet) -> list[str]:
    """A note for each class that a generator lacks in a split in which it is needed."""
    if not images.generators:
        return [f"{images.title} holds no generated image: nothing can be trained on it or tested"]
    present = set(images.table[["generator", "split", "label"]].drop_duplicates().itertuples(index=False, name=None))
    missing = {
        (generator, split, "real")
        for generator, split, label in present
        if label == 1 and (images.pools[generator], split, 0) not in present
    }
    missing |= {
        (generator, split, "generated")
        for generator, split, label in present
        if label == 0 and generator in images.pools and (generator, split, 1) not in present
    }
    return [
        f"{generator} has no {noun} image in the {split} split: what needs one is left out"
        for generator, split, noun in sorted(missing)
    ]


def _with_splits(tree: Tree, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with a split for every image, and a note where they were drawn."""
    splits = set(table["split"].unique())
    if "" in splits and len(splits) > 1:
        name = table.loc[table["split"] == "", "name"].iloc[0]
        msg = f"{tree.where} gives some images a split and others none, such as {name}; give one to all or to none"
        raise InputError(msg)
    if len(splits) > 1:
        return table, ()
    only = splits.pop()
    what = f"holds the split {only} only" if only else "has no splits"
    note = f"{tree.title} {what}: where something is trained, they are drawn, 80/10/10 by source, with seed {SEED}"
    return table.assign(split=draw_splits(table)), (note,)


def with_splits_by_content(images: ImageSet, hashes: NDArray[np.uint8]) -> ImageSet:
    """The same images, splits that were drawn being drawn by what the files hold, whatever they are called.

    Args:
        images: An image set.
        hashes: The sha256 of the content of each image, (N, 32).
    """
    if not images.drawn_splits:
        return images
    return replace(images, table=images.table.assign(split=draw_splits(images.table, hashes)))


def draw_splits(table: pd.DataFrame, hashes: NDArray[np.uint8] | None = None) -> pd.Series[str]:
    """Splits 80/10/10 of the images of each generator and of each pool, drawn by source with `SEED`.

    All images of a source are in one split: the sources that several groups share are drawn first, then each group is
    filled up to its tenths from its own sources.

    Args:
        table: Columns `source`, `generator` and `label`.
        hashes: The sha256 of the content of each image, (N, 32), of which the lowest of a source draws; its name where
            None.

    Returns:
        "train", "val" or "test" of each row.
    """
    contents = table["source"] if hashes is None else pd.Series([row.tobytes().hex() for row in hashes], table.index)
    lowest = contents.groupby(table["source"], sort=False).min()
    ranks = {source: sha256(f"{SEED}/{content}".encode()).digest() for source, content in lowest.items()}
    groups = [group.unique().tolist() for _, group in table.groupby(["generator", "label"], sort=False)["source"]]
    counts = Counter(source for group in groups for source in group)
    split: dict[str, str] = {}
    shared = [source for source, count in counts.items() if count > 1]
    for group in (shared, *groups):
        size = round(HELD_OUT_SHARE * len(group)) or int(len(group) > 2)
        drawn = Counter(split[source] for source in group if source in split)
        free = iter(sorted((source for source in group if source not in split), key=ranks.__getitem__))
        for name in ("test", "val"):
            split |= dict.fromkeys(islice(free, max(0, size - drawn[name])), name)
        split |= dict.fromkeys(free, "train")
    return table["source"].map(split)


def _refused(tree: Tree, table: pd.DataFrame, contents: DataSetContents) -> tuple[tuple[str, str], ...]:
    """The files that are not to be read, of the folders that belong to the layout."""
    if contents.files is not None or not tree.listing.refused:
        return ()
    folders = {name.rpartition("/")[0] for name in table["name"]}
    return tuple((name, reason) for name, reason in tree.listing.refused if name.rpartition("/")[0] in folders)


def _file_notes(tree: Tree, table: pd.DataFrame, contents: DataSetContents, layout: Layout) -> tuple[str, ...]:
    """Notes on files of the tree that were not read; none where the images are not files of the tree."""
    if contents.files is not None:
        return ()
    return (*_excluded_images_note(tree, table), *_ignored_files_note(tree, layout))


def _ignored_files_note(tree: Tree, layout: Layout) -> tuple[str, ...]:
    """A note on files that are neither images nor data."""
    read = layout.data_suffixes | {"hidden"}
    ignored = {suffix: count for suffix, count in tree.listing.ignored.items() if suffix not in read}
    if not ignored:
        return ()
    shown = ", ".join(f"{count} {suffix}" for suffix, count in sorted(ignored.items()))
    return (f"files of other kinds were not read: {shown}",)


def _excluded_images_note(tree: Tree, table: pd.DataFrame) -> tuple[str, ...]:
    """A note on images that are not part of the layout."""
    excluded = tree.listing.size - len(table)
    if excluded <= 0:
        return ()
    names = set(table["name"])
    folders = sorted(
        folder
        for folder, files in tree.listing.images.items()
        if any((f"{folder}/{file}" if folder else file) not in names for file in files)
    )
    shown = ", ".join(folder or "the top" for folder in folders[:MAX_SHOWN])
    more = ", ..." if len(folders) > MAX_SHOWN else ""
    return (f"{excluded} images are not part of the layout and were left out, in {shown}{more}",)


def with_base_degradation(images: ImageSet, chain: str, rows: NDArray[np.bool_] | None = None) -> ImageSet:
    """The same images with one more chain of degradations applied to every one of them, or to some rows, last.

    Args:
        images: An image set.
        chain: The degradations.
        rows: Which images, bools (N,); None for all.
    """
    chains = images.table["degradation"]
    extended = np.where(chains == "", chain, chains + "+" + chain)
    if rows is not None:
        extended = np.where(rows, extended, chains)
    return replace(images, table=images.table.assign(degradation=extended))
