"""One folder per generator and one or several of real images, as people arrange collections of their own.

What folders say is found out by `bench.images.annotations.folder_levels`; what tables beside the images say, such as a
`metadata.csv` of the Hugging Face hub or a list of labels, by `bench.images.annotations.listed_images`. Either may say
what the other does not, and where both say something they must agree.

- All real images form the shared pool. Images that a class word calls generated, and that no folder names a generator
  of, are of the one that the data set names.
- Images at the top, or right in the folder of a split, are of one generator, which the data set names, where no folder
  names another and real images were added. Otherwise they are not part of the layout: a README's picture is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import ClassVar

from bench.images.annotations.folder_levels import FolderReading, read_folders, shown
from bench.images.annotations.hub_card import split_folders
from bench.images.annotations.listed_images import ListedImages, has_tables, listed_images
from bench.images.annotations.stated_facts import SKIPPED, StatedFacts, certain, require_agreement
from bench.images.files.tree import Tree, shard_base
from bench.images.layouts.added_real_images import is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout, are_strays
from bench.images.vocabulary import class_words, folder_words
from bench.platform.errors import InputError


class FoldersLayout(Layout):
    """Any collection in which folders, or tables beside them, say what images are."""

    name: ClassVar[str] = "folders"
    pattern: ClassVar[str] = "[{train,val,test}/]<generator>/<image> and real/<image>, or metadata.csv beside images"
    options: ClassVar[frozenset[str]] = frozenset({"--classes", "--columns", "--levels"})
    fallback: ClassVar[bool] = True

    def coverage(self, tree: Tree) -> Coverage:
        """By folders alone; "none" for a tree of real images only."""
        if not tree.listing.images:
            return "none"
        try:
            folders = _read_folders(tree)
        except InputError:
            return "all"  # reading it says what contradicts itself
        if has_tables(tree):
            return "all"
        known = _known(folders, tree)
        generated = any(facts.label or facts.generator for facts in known.values())
        stray = tree.listing.images.get("", ()) if "" not in known else ()
        return "none" if not generated else ("all" if are_strays(tree, stray) else "some")

    def read(self, tree: Tree) -> DataSetContents:
        """Read every image. Raises `InputError` where a class is missing, or an image may be of either."""
        folders = _read_folders(tree)
        listed = listed_images(tree, folders.facts)
        found = dict(_Merging(tree, folders, listed).images())
        rows = [row for row in found.values() if row is not None]
        _require_both_classes(tree, rows, listed)
        return DataSetContents(
            rows,
            notes=tuple(_notes(tree, folders, listed, found)),
            missing=listed.missing,
            reading=(*folders.description(), *listed.notes),
            groups=listed.groups,
            attributes=listed.attributes,
        )


def _read_folders(tree: Tree) -> FolderReading:
    """What folders say; shards are called without their numbers."""
    images = tree.listing.images
    bases = {folder: shard_base(tree, folder) for folder in images}
    named = {base: images[folder] for folder, base in bases.items()}
    found = read_folders(named, tree.where, tree.reading, split_folders(tree))
    facts = {folder: found.facts[base] for folder, base in bases.items() if base in found.facts}
    left_out = frozenset(folder for folder, base in bases.items() if base in found.left_out)
    unsure = {folder: found.unsure[base] for folder, base in bases.items() if base in found.unsure}
    return FolderReading(facts, left_out, found.roles, unsure)


def _known(folders: FolderReading, tree: Tree) -> Mapping[str, StatedFacts]:
    """What folders say, with one generator for images that no folder names where no other class is there."""
    known = {folder: facts for folder, facts in folders.facts.items() if _says_class(facts)}
    if all(SHARED_POOL in tree.mounts and is_added(folder) for folder in known):
        unnamed = folders.facts.keys() - known.keys()
        known |= {folder: folders.facts[folder]._replace(label=1) for folder in sorted(unnamed)}
    return known


def _says_class(facts: StatedFacts) -> bool:
    return facts.label is not None or bool(facts.generator)


@dataclass(frozen=True)
class _Merging:
    """What folders and tables say together.

    Attributes:
        tree: The data set.
        folders: What its folders say.
        listed: What its tables say.
    """

    tree: Tree
    folders: FolderReading
    listed: ListedImages

    def images(self) -> Iterator[tuple[str, ImageRow | None]]:
        """Every image of the tree by its path; None for one that is not of the data set."""
        known = self.folders.facts if self.listed.says_labels else _known(self.folders, self.tree)
        for folder, names in self.tree.listing.images.items():
            facts = known.get(folder) or self.folders.facts.get(folder)
            stems = {name.rpartition(".")[0] for name in names}
            for name in names:
                path = f"{folder}/{name}" if folder else name
                described = folder_words.annotated_name(name.rpartition(".")[0])
                yield path, None if facts is None or described in stems else self._row(path, facts)

    def _row(self, path: str, folder: StatedFacts) -> ImageRow | None:
        table = self.listed.facts.get(path, StatedFacts())
        if table.label == SKIPPED or (self._must_be_listed and path not in self.listed.facts):
            return None
        label = folder.label if table.label is None else table.label
        if label is None and folder.generator and not self.listed.says_labels:
            label = 1
        if label is None:
            return None
        if table.label is None:
            _require_certain(self.tree, folder)
        stated = folder.split if self._all_split or not table.split else ""
        if path in self.listed.facts:
            self._require_agreement(path, folder._replace(split=stated), table)
        split = stated or table.split
        self.folders.require_split(path.rpartition("/")[0], split)
        content = table.content or folder.content
        copied = f"{folder.unit}/{PurePosixPath(path).stem}" if folder.unit else ""
        generator = self._generator(folder, table) if label else SHARED_POOL
        source = table.group or folder.group or copied or path
        return ImageRow(path, label, generator, split, content, source, copy=folder.copy)

    @cached_property
    def _all_split(self) -> bool:
        """Whether all folders state a split: `val2017` in some of them may be a part of a name."""
        return all(facts.split for facts in self.folders.facts.values())

    @cached_property
    def _must_be_listed(self) -> bool:
        """Whether tables state what folders do not, so that an image that none lists is of no class or split."""
        folders = {"label": any(facts.label is not None for facts in self.folders.facts.values())}
        folders["split"] = any(facts.split for facts in self.folders.facts.values())
        return any(not said and role in self.listed.stated for role, said in folders.items())

    def _require_agreement(self, path: str, folder: StatedFacts, table: StatedFacts) -> None:
        require_agreement(
            f"{self.tree.where}/{path}",
            StatedFacts(folder.label, certain(folder.generator), folder.split),
            StatedFacts(table.label, certain(table.generator), table.split),
            ("its folder", "a table"),
            "say what folders are with --levels",
        )

    def _generator(self, folder: StatedFacts, table: StatedFacts) -> str:
        named = "" if folder.generator in self._with_both_classes else folder.generator
        return table.generator or named or self.tree.title

    @cached_property
    def _with_both_classes(self) -> frozenset[str]:
        """Folders that would be generators by their place, and hold images that tables call real."""
        return frozenset(
            self.folders.facts[folder].generator
            for path, facts in self.listed.facts.items()
            if facts.label == 0 and (folder := path.rpartition("/")[0]) in self.folders.facts
        )


def _require_certain(tree: Tree, facts: StatedFacts) -> None:
    """Raise `InputError` for an image whose folder may be of either class, by its name or as a number."""
    name = facts.generator
    third = class_words.is_third_class(name)  # below a class folder too: ai/tampered
    if (facts.label is not None and not third) or tree.reading.levels or tree.reading.class_of(name):
        return
    if class_words.is_unsure(name):
        msg = (
            f"{tree.where}: the folder {name} may hold real images or generated ones; say which: "
            f"--classes {name}=real, {name}=generated or {name}=skip"
        )
        raise InputError(msg)
    if name in {"0", "1"}:
        msg = f"{tree.where}: the folders are called by numbers; say what they mean: --classes 0=real,1=generated"
        raise InputError(msg)


def _require_both_classes(tree: Tree, rows: Iterable[ImageRow], listed: ListedImages) -> None:
    """Raise `InputError` for images of one class only."""
    named: dict[int, dict[str, None]] = {0: {}, 1: {}}
    for row in rows:
        named[row.label][row.generator if row.label else row.name.rpartition("/")[0] or "the top"] = None
    if named[1] and not named[0]:
        folders = [name for name in named[1] if name != tree.title]  # which stands for no folder
        say = f", or say which of them are: --classes {folders[0]}=real" if folders else ""
        msg = (
            f"{tree.where} holds images of generators ({shown(named[1])}) and none that are real; "
            f"call the folder of real images real, or name one with --real FOLDER{say}{_label_hint(listed)}"
        )
        raise InputError(msg)
    if named[0] and not named[1]:
        msg = (
            f"{tree.where} holds folders of real images ({shown(named[0])}) and none of a generator; "
            f"put generated images into a folder that is called after their generator"
        )
        raise InputError(msg)


def _label_hint(listed: ListedImages) -> str:
    """The option for tables with columns that nothing was taken for, and none of labels."""
    if "label" in listed.stated or not listed.unread:
        return ""
    return f", or name a column of labels: --columns {listed.unread[0]}"


def _notes(
    tree: Tree, folders: FolderReading, listed: ListedImages, found: Mapping[str, ImageRow | None]
) -> Iterator[str]:
    """What a reader of results should know."""
    real = [name for name in folders.roles.get("real", ()) if class_words.label_of_name(name) is None]
    if real:
        yield f"{tree.title}: the images in these folders were taken as real: {shown(real)}"
    title = tree.title
    if any(row and row.label and row.generator == title for row in found.values()):
        yield f"{title}: the images that no folder names a generator of were taken as those of one generator"
    if folders.left_out:
        count = sum(len(tree.listing.images[folder]) for folder in folders.left_out)
        yield f"{count} images are masks, previews or to be skipped and were left out, in {shown(folders.left_out)}"
    if listed.facts:
        yield from _unlisted_notes(folders, listed, [path for path, row in found.items() if row is None])
    others = {name for role, names in folders.roles.items() if role != "split" for name in names}
    if unsplit := list(filter(class_words.holds_split_word, others)):
        yield f"names that hold the word of a split and more were not taken as splits: {shown(unsplit)}"


def _unlisted_notes(folders: FolderReading, listed: ListedImages, unused: Sequence[str]) -> Iterator[str]:
    """Notes on images that are not used, beside tables that list others."""
    kept = [path for path in unused if path.rpartition("/")[0] not in folders.left_out]
    unlisted = [path for path in kept if path not in listed.facts]
    if unlisted:
        yield f"{len(unlisted)} images are in no table and were left out, such as {unlisted[0]}"
    skipped = sum(listed.facts[path].label == SKIPPED for path in kept if path in listed.facts)
    if skipped:
        yield f"{skipped} images are of classes that were to be left out"
    if rest := len(kept) - len(unlisted) - skipped:
        yield f"{rest} images have no label, by tables or folders, and were left out"
