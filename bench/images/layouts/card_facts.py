"""What the card of a hub repository says of images in folders and shards: which are data, and of which split.

Tables of images are chosen by `bench.images.layouts.parquet` itself, whose rows are no files. Whatever the layout,
files that the card names must be there: a test split that was not downloaded would be drawn from the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

from bench.images.annotations.folder_levels import shown
from bench.images.annotations.hub_card import CARD, CardPattern, card_patterns
from bench.images.annotations.stated_facts import StatedFacts, require_agreement
from bench.images.files.mounting import SelectedTree
from bench.images.files.tree import ARCHIVE_SUFFIXES, MANIFEST_SUFFIXES, Tree
from bench.images.layouts.api import DataSetContents, ImageRow
from bench.images.vocabulary.class_words import label_of_name, split_word
from bench.images.vocabulary.generator_names import canonical_name, is_known_generator
from bench.platform.errors import InputError

# of archives, read in place or not; what was unpacked into a folder of their name is what a card means
_PACKED_SUFFIXES = frozenset({
    ".7z", ".rar", ".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tar.zst", ".tbz2", ".tgz", ".txz", ".zip",
})  # fmt: skip


class CardFacts(NamedTuple):
    """What a card says of the files of a tree.

    Attributes:
        split_of: By path of each image that it names, by itself or by its archive, the split as it calls it.
        absent: Names of the configurations that it describes and of which no file is there.
    """

    split_of: Mapping[str, str] = MappingProxyType({})
    absent: tuple[str, ...] = ()


def selected_by_card(tree: Tree) -> tuple[Tree, CardFacts]:
    """The tree without the images that its card does not name, and what the card says.

    The tree is the same where the card names none. A manifest of the user's own decides alone.

    Raises:
        InputError: The card cannot be read, or names files that are not there.
    """
    if tree.given_file or any(f"manifest{suffix}" in tree.listing.data for suffix in MANIFEST_SUFFIXES):
        return tree, CardFacts()
    facts = _card_facts(tree)
    stale = frozenset(path for path in tree.listing.paths() if path not in facts.split_of) if facts.split_of else ()
    if not stale:
        return tree, facts
    selected = SelectedTree(tree, frozenset(stale))
    selected.reading = tree.reading
    return selected, facts


def with_card_facts(tree: Tree, contents: DataSetContents, card: CardFacts) -> DataSetContents:
    """What a layout read, with the splits that the card names.

    Args:
        tree: The data set.
        contents: What the layout read.
        card: What the card says.

    Raises:
        InputError: The card and what was read contradict each other.
    """
    notes, reading, rows = contents.notes, contents.reading, contents.rows
    if card.absent:
        notes += (f"{CARD} names configurations of which nothing is there: {shown(card.absent)}",)
    split_of = card.split_of if contents.files is None else {}
    if split_of:
        rows = [_with_split(tree, row, split_of.get(row.name, "")) for row in rows]
    if split_of and tree.left_out:
        folders = {path.rpartition("/")[0] or "the top" for path in tree.left_out}
        notes += (f"{len(tree.left_out)} images that {CARD} does not name were not read, in {shown(folders)}",)
    if named := set(split_of.values()) - {""}:
        reading += (f"{CARD} names the files of {shown(named)}",)
    return replace(contents, rows=rows, notes=notes, reading=reading)


def _card_facts(tree: Tree) -> CardFacts:
    """What the card says of all files. Raises `InputError` where one that it names is not there."""
    patterns = card_patterns(tree)
    if not patterns:
        return CardFacts()
    listing = tree.listing
    others = [*listing.data, *listing.others, *(name for name, _ in listing.refused)]
    others.remove(CARD)
    endings = {pattern.path[-len(one) :] for one in _PACKED_SUFFIXES for pattern in patterns}
    suffixes = sorted(ARCHIVE_SUFFIXES | {one for one in endings if one.lower() in _PACKED_SUFFIXES})
    folders = {*listing.images, *tree.mounts, *(path.rpartition("/")[0] for path in others)}
    archives_of = {folder: tuple(_archives(folder, suffixes)) for folder in folders}
    files = dict.fromkeys(file for files in archives_of.values() for file in files)
    names = [*files, *listing.paths()]
    split_of: dict[str, str] = {}
    missing = []
    for pattern in patterns:
        found = dict.fromkeys(pattern.matching(names), pattern.split)
        split_of |= found
        if not found and not any(pattern.matching(others)):
            missing.append(pattern)
    absent = _absent_configurations(tree, patterns, missing, [*listing.paths(), *others])
    return CardFacts(_by_image(tree, archives_of, split_of), absent)


def _by_image(tree: Tree, archives_of: Mapping[str, Sequence[str]], split_of: Mapping[str, str]) -> dict[str, str]:
    """The split of each image that is named, by itself or by its archive."""
    found = {}
    for folder, names in tree.listing.images.items():
        archived = next((split_of[file] for file in archives_of[folder] if file in split_of), None)
        for name in names:
            path = f"{folder}/{name}" if folder else name
            split = split_of.get(path, archived)
            if split is not None:
                found[path] = split
    return found


def _archives(folder: str, suffixes: Sequence[str]) -> Iterator[str]:
    """Names of the archives that a folder may be, or be in: they are called without their suffixes in a tree."""
    for path in (PurePosixPath(folder), *PurePosixPath(folder).parents) if folder else ():
        if path.name:
            yield from (f"{path}{suffix}" for suffix in suffixes)


def _absent_configurations(
    tree: Tree, patterns: Sequence[CardPattern], missing: Collection[CardPattern], names: Sequence[str]
) -> tuple[str, ...]:
    """Names of the configurations of which nothing is there, beside others that have the same splits.

    Args:
        tree: The data set.
        patterns: All that its card names.
        missing: Those that no file matches.
        names: Of the files that are there.

    Raises:
        InputError: Any other pattern is missing.
    """
    present = [pattern for pattern in patterns if pattern not in missing]
    configurations, splits = {one.configuration for one in present}, {one.split for one in present}
    faults = [one for one in missing if one.configuration in configurations or one.split not in splits]
    if faults:
        first = faults[0]
        split = f"the split {first.split} of " if first.split else ""
        more = f" (and {len(faults) - 1} more such patterns)" if len(faults) > 1 else ""
        msg = (
            f"{tree.where}/{CARD} names {first.path} for {split}the configuration {first.configuration}{more}, and no "
            f"file is there that it fits: {_beside(first, names)}; "
            f"fetch what is missing, or take its lines out of {CARD}"
        )
        raise InputError(msg)
    return tuple(sorted({one.configuration for one in missing}))


def _beside(pattern: CardPattern, names: Sequence[str]) -> str:
    """What is there in place of the files of a pattern: what the nearest folder above them holds."""
    for folder in PurePosixPath(pattern.path).parents:
        start = "" if str(folder) == "." else f"{folder}/"
        inside = {name[len(start) :].partition("/")[0] for name in names if name.startswith(start)}
        if inside:
            return f"{f'its folder {folder}' if start else 'the top'} holds {shown(inside)}"
    return "nothing else is there"


def _with_split(tree: Tree, row: ImageRow, named: str) -> ImageRow:
    """The image with the split that the card names, which may be a class or a generator. Raises `InputError`."""
    card = StatedFacts(label_of_name(named), split=split_word(named))
    read = StatedFacts(row.label, split=row.split)
    said_by = "its folder or a table", f"the split {named} of {CARD}"
    require_agreement(f"{tree.where}/{row.name}", read, card, said_by, f"take {CARD} away")
    if card.split:
        return row._replace(split=card.split)
    unknown = row.label and not is_known_generator(row.generator)
    return row._replace(generator=canonical_name(named)) if unknown and is_known_generator(named) else row
