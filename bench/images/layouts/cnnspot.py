"""CNNDetection and UniversalFakeDetect: `<generator>/[<class>/]{0_real,1_fake}/<image>`.

CNNDetection (Wang et al., CVPR 2020, arXiv 1912.11035) comes as `train/<class>/`, `val/<class>/` and
`test/<generator>/`. The twenty LSUN classes under `train` and `val` are ProGAN images: there the folder is the content
class and the generator is progan. The test set also comes alone, as a folder of generators; it then has no split.
UniversalFakeDetect (Ojha et al., CVPR 2023, arXiv 2302.10174) adds generators that hold `1_fake` only, and pools that
hold `0_real` only: `imagenet` is the pool of `guided`, `laion` that of all others of them.

Folders above a name that these data sets use (`POOLS_AND_GENERATORS`) state nothing, so a folder of their archives is
read as well. A tree of nothing but content classes is one generator: the one that it is called after, else progan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import DataSetContents, FolderAnnotation, FolderLayout, ImageRow
from bench.images.vocabulary.class_words import filled_split
from bench.images.vocabulary.generator_names import is_known_generator

CLASSES = {"0_real": 0, "1_fake": 1}
SPLITS = ("train", "val", "test")
PROGAN = "progan"
PROGAN_CLASSES = frozenset({
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
})  # fmt: skip
CONTENTS = PROGAN_CLASSES | {"apple", "bedroom", "church", "orange", "summer", "winter", "zebra"}  # of all generators
POOLS = {"guided": "imagenet"}  # of generators without real images of their own; all others: COMMON_POOL
COMMON_POOL = "laion"
POOLS_AND_GENERATORS = frozenset({
    PROGAN, "biggan", "crn", "cyclegan", "dalle", "deepfake", "gaugan", "glide_100_10", "glide_100_27", "glide_50_27",
    "guided", "imagenet", "imle", "laion", "ldm_100", "ldm_200", "ldm_200_cfg", "san", "seeingdark", "stargan",
    "stylegan", "stylegan2", "whichfaceisreal",
})  # fmt: skip
FAMILIES = {"dalle": "codebook transformer"}  # DALL-E mini here


class CnnSpotLayout(FolderLayout):
    """The test sets of CNNDetection and UniversalFakeDetect, and CNNDetection's training set."""

    name: ClassVar[str] = "cnnspot"
    pattern: ClassVar[str] = "[{train,val,test}/]<generator>/[<class>/]{0_real,1_fake}/<image>"

    def annotations(self, tree: Tree) -> Mapping[str, FolderAnnotation]:
        """Split, generator, content class and class; the tree itself is the generator where no folder names it."""
        cut = {folder: folder.split("/") for folder in tree.listing.images}
        if any(filled_split(name) for parts in cut.values() for name in parts):
            return {}  # a name such as `train_images` is no generator
        read = {folder: parts for folder, parts in cut.items() if parts[-1] in CLASSES}
        generator = _only_generator(tree.title, {"/".join(parts[:-1]) for parts in read.values()})
        if generator:
            return {
                folder: FolderAnnotation(CLASSES[class_name], generator, content=content)
                for folder, (content, class_name) in read.items()
            }
        annotations = {folder: _annotation(parts, tree.title) for folder, parts in read.items()}
        return {folder: annotation for folder, annotation in annotations.items() if annotation}

    def read(self, tree: Tree) -> DataSetContents:
        """Read every generator and pool."""
        rows = self.rows(tree)
        return DataSetContents(rows, FAMILIES, _pools(rows), reading=self.described(tree))


def _only_generator(title: str, above: set[str]) -> str:
    """The generator of a tree that has only content classes above its class folders; "" for any other tree."""
    if above <= {"", *SPLITS}:
        return ""
    if above <= CONTENTS and is_known_generator(title):
        return title
    return PROGAN if above <= PROGAN_CLASSES else ""


def _annotation(parts: Sequence[str], title: str) -> FolderAnnotation | None:
    """What a folder states of its images, by the names in its path, of which the last is a class folder."""
    *above, class_name = parts
    split = above.pop(0) if above and above[0] in SPLITS else ""
    del above[: next((depth for depth, name in enumerate(above) if name in POOLS_AND_GENERATORS), 0)]
    if len(above) > 2:
        return None
    if split in {"train", "val"} and len(above) == 1 and above[0] in PROGAN_CLASSES:
        above.insert(0, PROGAN)
    generator, content = (*above, "", "")[:2]
    return FolderAnnotation(CLASSES[class_name], generator or title, split, content)


def _pools(rows: Sequence[ImageRow]) -> dict[str, str]:
    """Generators without real images of their own, to the pool of each."""
    generators, reals = ({row.generator for row in rows if row.label == label} for label in (1, 0))
    return {generator: POOLS.get(generator, COMMON_POOL) for generator in generators - reals}
