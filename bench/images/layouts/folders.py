"""One folder per generator and one or several of real images, as collections of one's own lie.

A folder at the top is real when its name, in lower case and with one kind of separator, is a word of `WORDS`, begins
with `real_`, or is or begins with a data set of photographs (`DATA_SETS`), unless it also names a generator: `coco2017`
is real, `imagenet_glide` is not. Every other folder is a generator. All real folders form the shared pool.

- Splits are folders such as `train`, `val` and `test` (`bench.images.words.SPLITS`), at the top or right below a
  generator.
- `fake` and its like (`FAKE`) are the generator that the folder above names; at the top, that the data set names.
  There `0` is real and `1` is fake as well.
- Below a generator, `real` and its like are real images as well. `nature`, `photo` and other words that may be a
  content class are real there only where a folder such as `fake` stands beside them.
- All other folders below these are content classes. A single folder that holds all others is passed over.
- Images that lie at the top belong to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import ClassVar

from bench.errors import InputError
from bench.images.layouts.api import SHARED, Claim, Found, Layout, Place, Row
from bench.images.names import family_of, flat
from bench.images.trees import Tree, top_folders
from bench.images.words import SPLITS

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


class Folders(Layout):
    """Any collection in which folders name generators."""

    name: ClassVar[str] = "folders"
    shape: ClassVar[str] = "[{train,val,test}/]<generator>/<image> and real/<image>"
    general: ClassVar[bool] = True

    def claim(self, tree: Tree) -> Claim:
        """Everything, but for images at the top, where there are two folders; `read` names what is wrong with them."""
        folders = tree.listing.images
        places = _placed(tree)
        if len(places) < 2 or all(place.label == 0 for place in places.values()):
            return "none"
        return "all" if len(places) == len(folders) else "some"

    def read(self, tree: Tree) -> Found:
        """Read every folder. Raises `InputError` where none holds real images."""
        places = _placed(tree)
        if places and all(place.label for place in places.values()):
            shown = sorted({place.generator for place in places.values()})
            names = ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")
            msg = (
                f"{tree.where} holds folders of generators ({names}) and none of real images; "
                f"call the folder of real images real, or name one with --real FOLDER"
            )
            raise InputError(msg)
        images = tree.listing.images
        listed = ((f"{folder}/{name}", place) for folder, place in places.items() for name in images[folder])
        return Found([Row(path, one.label, one.generator, one.split, one.content, path) for path, one in listed])


def is_real(folder: str) -> bool:
    """Whether a folder at the top holds real images, by its name."""
    name = flat(folder)
    if name in WORDS or NUMBERS.get(name) == 0:
        return True
    known = re.match(rf"(real_|({DATA_SETS})(_|\d|$))", name)
    return bool(known) and family_of(folder) == folder


def _placed(tree: Tree) -> dict[str, Place]:
    """What each folder says of its images; folders that say nothing are left out."""
    folders = list(tree.listing.images)
    title, skipped = _top(tree)
    beside_fake = {folder[: match.start()] for folder in folders for match in _steps(folder) if _is_fake(match)}
    places = {folder: _place(folder, title, skipped, beside_fake) for folder in folders}
    return {folder: place for folder, place in places.items() if place}


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


def _place(folder: str, title: str, skipped: int, beside_fake: Collection[str]) -> Place | None:
    """What one folder says of its images.

    Args:
        folder: Its path.
        title: What a generator is called that no folder names.
        skipped: How many of its first names say nothing.
        beside_fake: The paths, each with a slash at its end, in which a folder such as `fake` stands.
    """
    steps = _steps(folder)[skipped:]
    split = ""
    for place in (0, 1):
        if not split and len(steps) > place and flat(steps[place][0]) in SPLITS:
            split = SPLITS[flat(steps.pop(place)[0])]
    if not steps:
        return None
    head, *rest = steps
    if is_real(head[0]):
        return Place(0, SHARED, split, "/".join(step[0] for step in rest))
    generator = title if _is_fake(head) or NUMBERS.get(head[0]) else head[0]
    real = [step for step in rest if _real_below(step, folder, beside_fake)]
    content = "/".join(step[0] for step in rest if step not in real and not _is_fake(step))
    return Place(0 if real else 1, SHARED if real else generator, split, content)


def _real_below(step: re.Match[str], folder: str, beside_fake: Collection[str]) -> bool:
    """Whether a folder below a generator holds real images."""
    name = flat(step[0])
    return name in CLEAR or (name in WORDS and folder[: step.start()] in beside_fake)
