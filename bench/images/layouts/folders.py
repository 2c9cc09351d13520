"""One folder per generator and one or several of real images, as people arrange collections of their own.

A folder at the top is real when its name, in lower case and with one kind of separator, is one of `REAL_WORDS`, or when
it begins with `real` or a data set of photographs (`DATA_SETS`) and all that follows is a number, a data set or one of
`PLAIN_WORDS`: `coco_val2017`, `real_RAISE_1k`. With one of `GENERATED_WORDS` or a generator's name in it, it is
generated: `coco_fake`, `imagenet_glide`. With anything else in it, it may be either, and is refused: `imagenet_dit`.
Every other folder is a generator. All real folders form the shared pool, and a note names them.

- Splits are folders such as `train`, `val` and `test` (`bench.images.vocabulary.class_words.SPLITS`), at the top
  or right below a generator.
- `fake` and the other `GENERATED_WORDS` are the generator that the folder above names; at the top, that the data set
  names. There `0` is real and `1` is fake as well.
- Below a generator, the `UNAMBIGUOUS_REAL_WORDS` are real images. `nature`, `photo` and other words that may be a
  content class are real there only where a folder such as `fake` is beside them.
- All other folders below these are content classes. A single folder that holds all others is skipped.
- Images at the top, or right in the folder of a split, are of one generator, which the data set names, where no folder
  names another and real images were added. Otherwise they are not part of the layout.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

from bench.images.files.tree import Tree, top_folders
from bench.images.layouts.added_real_images import is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, FolderAnnotation, FolderLayout
from bench.images.vocabulary.class_words import FILLERS, SPLITS
from bench.images.vocabulary.generator_names import is_known_generator, normalised
from bench.platform.errors import InputError

UNAMBIGUOUS_REAL_WORDS = frozenset({"0_real", "real", "real_images", "reals"})
REAL_WORDS = UNAMBIGUOUS_REAL_WORDS | {
    "authentic", "human", "natural", "nature", "original", "originals", "photo", "photographs", "photos"
}  # fmt: skip
GENERATED_WORDS = frozenset({"1_fake", "ai", "fake", "fakes", "generated", "synthetic"})
NUMBERED_LABELS = {"0": 0, "1": 1}  # at the top; further below, numbers are content classes
DATA_SETS = (
    r"ade20k|afhq|celeba|celeba_?hq|cc3m|cc12m|cifar|(ms_?)?coco|div2k|dresden|ffhq|flickr|imagenet|laion|lfw|lsun|"
    r"metfaces|open_?images|places365|raise|redcaps|utkface|vggface|wikiart"
)
PLAIN_WORDS = REAL_WORDS | SPLITS.keys() | FILLERS | {
    "aligned", "crop", "cropped", "data", "dataset", "faces", "full", "hq", "ilsvrc", "img", "imgs", "jpeg", "jpg",
    "mini", "png", "px", "raw", "reals", "resize", "resized", "sample", "samples", "small", "subset", "tiny", "v",
}  # fmt: skip
SIZE = r"\d+(k|m|b|px|x\d+)?"  # 256, 256x256, 1k, 5B
MAX_SHOWN = 5  # folders in a message


class FoldersLayout(FolderLayout):
    """Any collection in which folders name generators."""

    name: ClassVar[str] = "folders"
    pattern: ClassVar[str] = "[{train,val,test}/]<generator>/<image> and real/<image>"
    fallback: ClassVar[bool] = True

    def coverage(self, tree: Tree) -> Coverage:
        """By folders alone; "none" for a tree of real images only."""
        generated = any(annotation.label for annotation in self.annotations(tree).values())
        return super().coverage(tree) if generated else "none"

    def annotations(self, tree: Tree) -> Mapping[str, FolderAnnotation]:
        """What each folder states of its images."""
        folders = list(tree.listing.images)
        title, skipped = _top(tree)
        beside_fake = {folder[: match.start()] for folder in folders for match in _names(folder) if _is_fake(match)}
        parsed = {folder: _parse(folder, skipped) for folder in folders}
        annotations = {
            folder: _annotation(folder, split, names, title, beside_fake)
            for folder, (split, names) in parsed.items()
            if names
        }
        if all(SHARED_POOL in tree.mounts and is_added(folder) for folder in annotations):
            unnamed = {folder: split for folder, (split, names) in parsed.items() if not names}
            annotations |= {folder: FolderAnnotation(1, title, split) for folder, split in unnamed.items()}
        return annotations

    def read(self, tree: Tree) -> DataSetContents:
        """Read every folder. Raises `InputError` where a class is missing, or a folder may be of either."""
        annotations = self.annotations(tree)
        skipped = _top(tree)[1]
        heads = {folder: names[0][0] for folder in annotations if (names := _parse(folder, skipped)[1])}
        real = {
            heads[folder] if is_real(heads[folder]) else folder
            for folder, annotation in annotations.items()
            if not annotation.label
        }
        generators = {annotation.generator for annotation in annotations.values() if annotation.label}
        _require_certain(tree, heads.values())
        _require_both_classes(tree, generators, real)
        notes = [f"{tree.title}: the images in these folders were taken as real: {_shown(real)}"]
        if annotations.keys() - heads.keys():
            notes.append(f"{tree.title}: the images that no folder names were taken as those of one generator")
        return DataSetContents(self.rows(tree), notes=tuple(notes))


def _require_certain(tree: Tree, heads: Collection[str]) -> None:
    """Raise `InputError` for a folder at the top that may be of either class."""
    if unsure := next((head for head in heads if is_real(head) is None), None):
        msg = (
            f"{tree.where}: the folder {unsure} may hold real images or generated ones; put it into a folder real, "
            f"or call it fake_{unsure}, or list the images in a manifest.csv"
        )
        raise InputError(msg)


def _require_both_classes(tree: Tree, generators: Collection[str], real: Collection[str]) -> None:
    """Raise `InputError` for images of one class only."""
    if generators and not real:
        msg = (
            f"{tree.where} holds images of generators ({_shown(generators)}) and none that are real; "
            f"call the folder of real images real, or name one with --real FOLDER"
        )
        raise InputError(msg)
    if real and not generators:
        msg = (
            f"{tree.where} holds folders of real images ({_shown(real)}) and none of a generator; "
            f"put generated images into a folder that is called after their generator"
        )
        raise InputError(msg)


def is_real(folder: str) -> bool | None:
    """Whether a folder at the top holds real images, by its name; None where it may or may not."""
    name = normalised(folder)
    if name in REAL_WORDS or NUMBERED_LABELS.get(name) == 0:
        return True
    known = rf"(?<![a-z])({DATA_SETS})(?![a-z])"
    named_generated = GENERATED_WORDS & set(name.split("_")) or is_known_generator(folder)
    if named_generated or not re.match(rf"real(?![a-z])|{known}", name):
        return False
    rest = re.sub(known, "", name).split("_")
    plain = all(re.fullmatch(SIZE, word) or word.rstrip("0123456789") in PLAIN_WORDS | {""} for word in rest)
    return True if plain else None


def _shown(names: Iterable[str]) -> str:
    """At most `MAX_SHOWN` of these names, in order."""
    ordered = sorted(set(names))
    return ", ".join(ordered[:MAX_SHOWN]) + (", ..." if len(ordered) > MAX_SHOWN else "")


def _top(tree: Tree) -> tuple[str, int]:
    """What the collection is called, and how many folders to skip: 1 where a single folder holds all others."""
    tops = top_folders(tree)
    splits_or_generated = SPLITS.keys() | GENERATED_WORDS
    if len(tops) != 1 or "" in tree.listing.images or normalised(tops[0]) in splits_or_generated or is_real(tops[0]):
        return tree.title, 0
    below = [folder.split("/")[1:3] for folder in tree.listing.images]
    heads = {parts[-1] if normalised(parts[0]) in SPLITS else parts[0] for parts in below if parts}
    return (tops[0], 1) if any(map(is_real, heads)) else (tree.title, 0)


def _names(folder: str) -> list[re.Match[str]]:
    """The names in a path, each with its position in it."""
    return list(re.finditer(r"[^/]+", folder))


def _is_fake(name: re.Match[str]) -> bool:
    return normalised(name[0]) in GENERATED_WORDS


def _parse(folder: str, skipped: int) -> tuple[str, list[re.Match[str]]]:
    """The split that a path names, "" for none, and the other names in it, without the first `skipped`."""
    names = _names(folder)[skipped:]
    for depth in (0, 1):
        if len(names) > depth and normalised(names[depth][0]) in SPLITS:
            return SPLITS[normalised(names.pop(depth)[0])], names
    return "", names


def _annotation(
    folder: str, split: str, names: list[re.Match[str]], title: str, beside_fake: Collection[str]
) -> FolderAnnotation:
    """What one folder states of its images.

    Args:
        folder: Its path.
        split: The split that it names.
        names: The other names in it, at least one.
        title: What a generator is called that no folder names.
        beside_fake: The paths, each with a slash at its end, in which there is a folder such as `fake`.
    """
    head, *rest = names
    if is_real(head[0]):
        return FolderAnnotation(0, SHARED_POOL, split, "/".join(name[0] for name in rest))
    generator = title if _is_fake(head) or NUMBERED_LABELS.get(head[0]) else head[0]
    real = [name for name in rest if _is_real_below(name, folder, beside_fake)]
    content = "/".join(name[0] for name in rest if name not in real and not _is_fake(name))
    return FolderAnnotation(0 if real else 1, SHARED_POOL if real else generator, split, content)


def _is_real_below(step: re.Match[str], folder: str, beside_fake: Collection[str]) -> bool:
    """Whether a folder below a generator holds real images."""
    name = normalised(step[0])
    return name in UNAMBIGUOUS_REAL_WORDS or (name in REAL_WORDS and folder[: step.start()] in beside_fake)
