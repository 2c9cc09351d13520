"""One folder per generator and one or several of real images, as collections of one's own lie.

A folder at the top is real when its name, in lower case and with one kind of separator, is a word of `WORDS`, or when
it begins with `real` or a data set of photographs (`DATA_SETS`) and all that follows is a number, a data set or a plain
word (`PLAIN`): `coco_val2017`, `real_RAISE_1k`. With a word of `FAKE` or a generator's name in it, it is generated:
`coco_fake`, `imagenet_glide`. With anything else in it, it may be either, and is refused: `imagenet_dit`. Every other
folder is a generator. All real folders form the shared pool, and a note names them.

- Splits are folders such as `train`, `val` and `test` (`bench.images.layouts.class_words.SPLITS`), at the top or right
  below a generator.
- `fake` and its like (`FAKE`) are the generator that the folder above names; at the top, that the data set names.
  There `0` is real and `1` is fake as well.
- Below a generator, `real` and its like are real images as well. `nature`, `photo` and other words that may be a
  content class are real there only where a folder such as `fake` stands beside them.
- All other folders below these are content classes. A single folder that holds all others is passed over.
- Images that lie at the top, or right in the folder of a split, are of one generator, which the data set names, where
  no folder of it names another and real images are hung in. Otherwise they belong to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

from bench.images.files.mounting import is_mounted
from bench.images.files.tree import Tree, top_folders
from bench.images.layouts.api import SHARED, Claim, DataSetContents, FolderLayout, FolderMeaning
from bench.images.layouts.class_words import FILLERS, SPLITS
from bench.images.layouts.generator_names import flat, is_known
from bench.platform.errors import InputError

CLEAR = frozenset({"0_real", "real", "real_images", "reals"})  # real wherever they stand
WORDS = CLEAR | {
    "authentic", "human", "natural", "nature", "original", "originals", "photo", "photographs", "photos"
}  # fmt: skip
FAKE = frozenset({"1_fake", "ai", "fake", "fakes", "generated", "synthetic"})
NUMBERS = {"0": 0, "1": 1}  # labels at the top; below they number content classes
DATA_SETS = (
    r"ade20k|afhq|celeba|celeba_?hq|cc3m|cc12m|cifar|(ms_?)?coco|div2k|dresden|ffhq|flickr|imagenet|laion|lfw|lsun|"
    r"metfaces|open_?images|places365|raise|redcaps|utkface|vggface|wikiart"
)
PLAIN = WORDS | SPLITS.keys() | FILLERS | {
    "aligned", "crop", "cropped", "data", "dataset", "faces", "full", "hq", "ilsvrc", "img", "imgs", "jpeg", "jpg",
    "mini", "png", "px", "raw", "reals", "resize", "resized", "sample", "samples", "small", "subset", "tiny", "v",
}  # fmt: skip
SIZE = r"\d+(k|m|b|px|x\d+)?"  # 256, 256x256, 1k, 5B
SHOWN = 5  # folders that a message names


class FoldersLayout(FolderLayout):
    """Any collection in which folders name generators."""

    name: ClassVar[str] = "folders"
    shape: ClassVar[str] = "[{train,val,test}/]<generator>/<image> and real/<image>"
    general: ClassVar[bool] = True

    def claim(self, tree: Tree) -> Claim:
        """Everything that is not real images alone, but for images at the top; `read` says what is wrong with them."""
        generated = any(place.label for place in self.places(tree).values())
        return super().claim(tree) if generated else "none"

    def places(self, tree: Tree) -> Mapping[str, FolderMeaning]:
        """What each folder says of its images."""
        folders = list(tree.listing.images)
        title, skipped = _top(tree)
        beside_fake = {folder[: match.start()] for folder in folders for match in _steps(folder) if _is_fake(match)}
        parsed = {folder: _parsed(folder, skipped) for folder in folders}
        places = {folder: _place(folder, *parts, title, beside_fake) for folder, parts in parsed.items() if parts[1]}
        if all(SHARED in tree.mounts and is_mounted(folder) for folder in places):
            places |= {folder: FolderMeaning(1, title, split) for folder, (split, steps) in parsed.items() if not steps}
        return places

    def read(self, tree: Tree) -> DataSetContents:
        """Read every folder. Raises `InputError` where a class is missing, or a folder may be of either."""
        places = self.places(tree)
        skipped = _top(tree)[1]
        heads = {folder: steps[0][0] for folder in places if (steps := _parsed(folder, skipped)[1])}
        real = {heads[folder] if is_real(heads[folder]) else folder for folder, one in places.items() if not one.label}
        generators = {place.generator for place in places.values() if place.label}
        _require_order(tree, heads.values(), generators, real)
        notes = [f"{tree.title}: the images in these folders were taken as real: {_shown(real)}"]
        if places.keys() - heads.keys():
            notes.append(f"{tree.title}: the images that no folder names were taken as those of one generator")
        return DataSetContents(self.rows(tree), notes=tuple(notes))


def _require_order(tree: Tree, heads: Collection[str], generators: Collection[str], real: Collection[str]) -> None:
    """No folder may be of either class, and both classes must be there."""
    if unsure := next((head for head in heads if is_real(head) is None), None):
        msg = (
            f"{tree.where}: the folder {unsure} may hold real images or generated ones; put it into a folder real, "
            f"or call it fake_{unsure}, or list the images in a manifest.csv"
        )
        raise InputError(msg)
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
    name = flat(folder)
    if name in WORDS or NUMBERS.get(name) == 0:
        return True
    known = rf"(?<![a-z])({DATA_SETS})(?![a-z])"
    if FAKE & set(name.split("_")) or is_known(folder) or not re.match(rf"real(?![a-z])|{known}", name):
        return False
    rest = re.sub(known, "", name).split("_")
    plain = all(re.fullmatch(SIZE, word) or word.rstrip("0123456789") in PLAIN | {""} for word in rest)
    return True if plain else None


def _shown(names: Iterable[str]) -> str:
    """A few of these names, in order."""
    found = sorted(set(names))
    return ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")


def _top(tree: Tree) -> tuple[str, int]:
    """What the collection is called, and how many folders to pass over: 1 where a single folder holds all others."""
    tops = top_folders(tree)
    if len(tops) != 1 or "" in tree.listing.images or flat(tops[0]) in SPLITS.keys() | FAKE or is_real(tops[0]):
        return tree.title, 0
    below = [folder.split("/")[1:3] for folder in tree.listing.images]
    heads = {parts[-1] if flat(parts[0]) in SPLITS else parts[0] for parts in below if parts}
    return (tops[0], 1) if any(map(is_real, heads)) else (tree.title, 0)


def _steps(folder: str) -> list[re.Match[str]]:
    """The names in a path, each with the place where it stands."""
    return list(re.finditer(r"[^/]+", folder))


def _is_fake(step: re.Match[str]) -> bool:
    return flat(step[0]) in FAKE


def _parsed(folder: str, skipped: int) -> tuple[str, list[re.Match[str]]]:
    """The split that a path names, "" for none, and the other names in it, without the first, which say nothing."""
    steps = _steps(folder)[skipped:]
    for place in (0, 1):
        if len(steps) > place and flat(steps[place][0]) in SPLITS:
            return SPLITS[flat(steps.pop(place)[0])], steps
    return "", steps


def _place(
    folder: str, split: str, steps: list[re.Match[str]], title: str, beside_fake: Collection[str]
) -> FolderMeaning:
    """What one folder says of its images.

    Args:
        folder: Its path.
        split: The split that it names.
        steps: The other names in it, at least one.
        title: What a generator is called that no folder names.
        beside_fake: The paths, each with a slash at its end, in which a folder such as `fake` stands.
    """
    head, *rest = steps
    if is_real(head[0]):
        return FolderMeaning(0, SHARED, split, "/".join(step[0] for step in rest))
    generator = title if _is_fake(head) or NUMBERS.get(head[0]) else head[0]
    real = [step for step in rest if _real_below(step, folder, beside_fake)]
    content = "/".join(step[0] for step in rest if step not in real and not _is_fake(step))
    return FolderMeaning(0 if real else 1, SHARED if real else generator, split, content)


def _real_below(step: re.Match[str], folder: str, beside_fake: Collection[str]) -> bool:
    """Whether a folder below a generator holds real images."""
    name = flat(step[0])
    return name in CLEAR or (name in WORDS and folder[: step.start()] in beside_fake)
