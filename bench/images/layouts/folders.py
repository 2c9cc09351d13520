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

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar, TypeVar

from bench.images.annotations.column_roles import SKIPPED
from bench.images.annotations.folder_levels import FolderFacts, FolderReading, read_folders, shown
from bench.images.annotations.listed_images import ImageFacts, ListedImages, has_tables, listed_images
from bench.images.files.tree import Tree, shard_base
from bench.images.layouts.added_real_images import is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout
from bench.images.vocabulary import class_words, folder_words
from bench.images.vocabulary.generator_names import is_known_generator, same_generator
from bench.platform.errors import InputError

Fact = TypeVar("Fact")
MAX_STRAY_SHARE = 0.05  # of images at the top of a collection: more are no pictures of a README
MAX_STRAY = 10


class FoldersLayout(Layout):
    """Any collection in which folders, or tables beside them, say what images are."""

    name: ClassVar[str] = "folders"
    pattern: ClassVar[str] = "[{train,val,test}/]<generator>/<image> and real/<image>, or metadata.csv beside images"
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
        generated = any(facts.label or facts.label is None for facts in _known(folders, tree).values())
        stray = len(tree.listing.images.get("", ())) if "" not in _known(folders, tree) else 0
        few = stray <= max(MAX_STRAY, MAX_STRAY_SHARE * tree.listing.size)
        return "none" if not generated else ("all" if few else "some")

    def read(self, tree: Tree) -> DataSetContents:
        """Read every image. Raises `InputError` where a class is missing, or an image may be of either."""
        folders = _read_folders(tree)
        listed = listed_images(tree)
        found = dict(_Merging(tree, folders, listed).images())
        rows = [row for row in found.values() if row is not None]
        _require_both_classes(tree, rows)
        return DataSetContents(
            rows,
            notes=tuple(_notes(tree, folders, listed, found)),
            missing=listed.missing,
            reading=(*folders.description(), *listed.notes),
        )


def _read_folders(tree: Tree) -> FolderReading:
    """What folders say; shards are called without their numbers."""
    images = tree.listing.images
    bases = {folder: shard_base(tree, folder) for folder in images}
    found = read_folders({base: images[folder] for folder, base in bases.items()}, tree.where, tree.reading)
    facts = {folder: found.facts[base] for folder, base in bases.items() if base in found.facts}
    left_out = frozenset(folder for folder, base in bases.items() if base in found.left_out)
    return FolderReading(facts, left_out, found.roles)


def _known(folders: FolderReading, tree: Tree) -> Mapping[str, FolderFacts]:
    """What folders say, with one generator for images that no folder names where real images were added."""
    named = {folder: facts for folder, facts in folders.facts.items() if facts.label is not None}
    if SHARED_POOL in tree.mounts and all(map(is_added, named)):
        return {
            folder: facts if folder in named else facts._replace(label=1) for folder, facts in folders.facts.items()
        }
    return named


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
        known = _known(self.folders, self.tree)
        for folder, names in self.tree.listing.images.items():
            facts = known.get(folder) or self.folders.facts.get(folder)
            stems = {name.rpartition(".")[0] for name in names}
            for name in names:
                path = f"{folder}/{name}" if folder else name
                described = folder_words.annotated_name(name.rpartition(".")[0])
                yield path, None if facts is None or described in stems else self._row(path, facts)

    def _row(self, path: str, folder: FolderFacts) -> ImageRow | None:
        table = self.listed.facts.get(path, ImageFacts())
        if table.label == SKIPPED or (self._must_be_listed and path not in self.listed.facts):
            return None
        label = self._agreed(path, "label", folder.label, table.label)
        if label is None:
            return None
        if table.label is None:
            _require_certain(self.tree, path, folder)
        split = self._agreed(path, "split", folder.split or None, table.split or None) or ""
        content = table.content or folder.content
        source = table.group or folder.group or (f"{folder.unit}/{PurePosixPath(path).stem}" if folder.unit else path)
        return ImageRow(
            path, label, self._generator(path, folder, table) if label else SHARED_POOL, split, content, source
        )

    @property
    def _must_be_listed(self) -> bool:
        """Whether tables state what folders do not, so that an image that none lists is of no class or split."""
        folders = {"label": all(facts.label is not None for facts in self.folders.facts.values())}
        folders["split"] = any(facts.split for facts in self.folders.facts.values())
        return any(not said and role in self.listed.stated for role, said in folders.items())

    def _agreed(self, path: str, what: str, folder: Fact | None, table: Fact | None) -> Fact | None:
        """The one that is stated. Raises `InputError` where both are, and differ."""
        if folder is not None and table is not None and folder != table:
            msg = (
                f"{self.tree.where}/{path}: its folder says the {what} {folder} and a table {table}; mend one of "
                "them, or say what folders are with --levels"
            )
            raise InputError(msg)
        return folder if table is None else table

    def _generator(self, path: str, folder: FolderFacts, table: ImageFacts) -> str:
        both = table.generator and folder.generator and is_known_generator(folder.generator)
        if both and is_known_generator(table.generator) and not same_generator(table.generator, folder.generator):
            self._agreed(path, "generator", folder.generator, table.generator)
        return table.generator or folder.generator or self.tree.title


def _require_certain(tree: Tree, path: str, facts: FolderFacts) -> None:
    """Raise `InputError` for an image whose folder may be of either class, by its name or as a number."""
    name = facts.generator
    if facts.label != 1 or tree.reading.levels or tree.reading.class_of(name):
        return
    words = [part for part in path.split("/")[:-1] if class_words.label_of_name(part) == 1]
    if class_words.is_unsure(name) and not words:
        msg = (
            f"{tree.where}: the folder {name} may hold real images or generated ones; say which: "
            f"--classes {name}=real or --classes {name}=generated"
        )
        raise InputError(msg)
    if name in {"0", "1"} and not words:
        msg = f"{tree.where}: the folders are called by numbers; say what they mean: --classes 0=real,1=generated"
        raise InputError(msg)


def _require_both_classes(tree: Tree, rows: Iterable[ImageRow]) -> None:
    """Raise `InputError` for images of one class only."""
    named: dict[int, dict[str, None]] = {0: {}, 1: {}}
    for row in rows:
        named[row.label][row.generator if row.label else row.name.rpartition("/")[0] or "the top"] = None
    if named[1] and not named[0]:
        msg = (
            f"{tree.where} holds images of generators ({shown(named[1])}) and none that are real; "
            f"call the folder of real images real, or name one with --real FOLDER"
        )
        raise InputError(msg)
    if named[0] and not named[1]:
        msg = (
            f"{tree.where} holds folders of real images ({shown(named[0])}) and none of a generator; "
            f"put generated images into a folder that is called after their generator"
        )
        raise InputError(msg)


def _notes(
    tree: Tree, folders: FolderReading, listed: ListedImages, found: Mapping[str, ImageRow | None]
) -> Iterator[str]:
    """What a reader of results should know."""
    real = [name for name in folders.roles.get("real", ()) if class_words.label_of_name(name) is None]
    if real:
        yield f"{tree.title}: the images in these folders were taken as real: {shown(real)}"
    if any(row and row.label and row.generator == tree.title for row in found.values()):
        yield f"{tree.title}: the images that no folder names a generator of were taken as those of one generator"
    if folders.left_out:
        count = sum(len(tree.listing.images[folder]) for folder in folders.left_out)
        yield f"{count} images are masks, previews or the like and were left out, in {shown(folders.left_out)}"
    unlisted = [path for path, row in found.items() if row is None and path not in listed.facts]
    if listed.facts and unlisted:
        yield f"{len(unlisted)} images are in no table and were left out, such as {unlisted[0]}"
