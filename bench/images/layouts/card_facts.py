"""What the card of a hub repository says of images in folders and shards: which are data, and of which split.

Tables of images are chosen by `bench.images.layouts.parquet` itself, whose rows are no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from bench.images.annotations.folder_levels import shown
from bench.images.annotations.hub_card import CARD, hub_files
from bench.images.files.mounting import SelectedTree
from bench.images.files.tree import ARCHIVE_SUFFIXES, MANIFEST_SUFFIXES, Tree
from bench.images.layouts.api import DataSetContents, ImageRow
from bench.images.vocabulary.class_words import label_of_name, split_word
from bench.images.vocabulary.generator_names import canonical_name, is_known_generator
from bench.platform.errors import InputError


def selected_by_card(tree: Tree) -> Tree:
    """The tree without the images that its card does not name; the tree itself where the card names none.

    A manifest of the user's own decides alone.

    Raises:
        InputError: The card cannot be read.
    """
    if tree.given_file or any(f"manifest{suffix}" in tree.listing.data for suffix in MANIFEST_SUFFIXES):
        return tree
    split_of = _splits_of_images(tree)
    stale = frozenset(path for path in tree.listing.paths() if path not in split_of) if split_of else frozenset()
    if not stale:
        return tree
    selected = SelectedTree(tree, stale)
    selected.reading = tree.reading
    return selected


def with_card_facts(tree: Tree, contents: DataSetContents) -> DataSetContents:
    """What a layout read, with the splits that the card names.

    Raises:
        InputError: The card and what was read contradict each other.
    """
    split_of = _splits_of_images(tree) if contents.files is None else {}
    if not split_of:
        return contents
    rows = [_with_split(tree, row, split_of.get(row.name, "")) for row in contents.rows]
    notes, reading = contents.notes, contents.reading
    if tree.left_out:
        folders = {path.rpartition("/")[0] or "the top" for path in tree.left_out}
        notes += (f"{len(tree.left_out)} images that {CARD} does not name were not read, in {shown(folders)}",)
    if named := set(split_of.values()) - {""}:
        reading += (f"{CARD} names the files of {shown(named)}",)
    return replace(contents, rows=rows, notes=notes, reading=reading)


def _splits_of_images(tree: Tree) -> Mapping[str, str]:
    """By path of each image that the card names, by itself or by its archive, the split as the card calls it."""
    files_of = {folder: tuple(_archives(folder)) for folder in tree.listing.images}
    files = dict.fromkeys(file for files in files_of.values() for file in files)
    card = hub_files(tree, [*files, *tree.listing.paths()])
    if card is None:
        return {}
    found = {}
    for folder, names in tree.listing.images.items():
        archived = next((card.split_of[file] for file in files_of[folder] if file in card.split_of), None)
        for name in names:
            path = f"{folder}/{name}" if folder else name
            split = card.split_of.get(path, archived)
            if split is not None:
                found[path] = split
    return found


def _archives(folder: str) -> Iterator[str]:
    """Names of the archives that a folder may be, or be in: they are called without their suffixes in a tree."""
    for path in (PurePosixPath(folder), *PurePosixPath(folder).parents) if folder else ():
        if path.name:
            yield from (f"{path}{suffix}" for suffix in sorted(ARCHIVE_SUFFIXES))


def _with_split(tree: Tree, row: ImageRow, named: str) -> ImageRow:
    """The image with the split that the card names, which may be a class or a generator. Raises `InputError`."""
    split, label = split_word(named), label_of_name(named)
    if split and row.split not in {"", split}:
        _refuse(tree, row, named, f"its folder or a table of the split {row.split}")
    if label not in {None, row.label}:
        _refuse(tree, row, named, f"its folder or a table {('real', 'generated')[row.label]}")
    if split:
        return row._replace(split=split)
    unknown = row.label and not is_known_generator(row.generator)
    return row._replace(generator=canonical_name(named)) if unknown and is_known_generator(named) else row


def _refuse(tree: Tree, row: ImageRow, named: str, said: str) -> None:
    msg = f"{tree.where}/{row.name} is {named} by {CARD}, and by {said}; mend one of them, or take {CARD} away"
    raise InputError(msg)
