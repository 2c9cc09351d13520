"""CNNDetection and UniversalFakeDetect: `<generator>/{0_real,1_fake}/<image>`, one class folder may stand between.

CNNDetection (Wang et al., CVPR 2020, arXiv 1912.11035) comes as `train/<class>/`, `val/<class>/` and
`test/<generator>/`. The twenty LSUN classes under `train` and `val` are ProGAN images: there the folder is the content
class and the generator is progan. The test set also comes alone, as a folder of generators; it then has no split.
UniversalFakeDetect (Ojha et al., CVPR 2023, arXiv 2302.10174) adds generators that hold `1_fake` only, and pools that
hold `0_real` only: `imagenet` stands against `guided`, `laion` against all others of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bench.images.layouts.api import FolderLayout, Found, Place, Row
from bench.images.trees import ARCHIVES, Tree

CLASSES = {"0_real": 0, "1_fake": 1}
SPLITS = ("train", "val", "test")
PROGAN = "progan"
PROGAN_CLASSES = frozenset({
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
})  # fmt: skip
POOLS = {"guided": "imagenet"}  # of generators without real images of their own; all others: COMMON_POOL
COMMON_POOL = "laion"
FAMILIES = {"dalle": "codebook transformer"}  # DALL-E mini here


class CnnSpot(FolderLayout):
    """The test sets of CNNDetection and UniversalFakeDetect, and CNNDetection's training set."""

    name: ClassVar[str] = "cnnspot"
    shape: ClassVar[str] = "[{train,val,test}/]<generator>/[<class>/]{0_real,1_fake}/<image>"

    def place(self, folder: str, tree: Tree) -> Place | None:
        """Split, generator, content class and class; the tree itself is the generator where no folder names it."""
        *above, kind = folder.split("/")
        if len(above) > 1 and above[0].endswith(tuple(ARCHIVES)):  # one of several archives in a folder
            del above[0]
        split = above.pop(0) if above and above[0] in SPLITS else ""
        if kind not in CLASSES or len(above) > 2:
            return None
        if split in {"train", "val"} and len(above) == 1 and above[0] in PROGAN_CLASSES:
            above.insert(0, PROGAN)
        generator, content = (*above, "", "")[:2]
        return Place(CLASSES[kind], generator or tree.title, split, content)

    def read(self, tree: Tree) -> Found:
        """Read every generator and pool."""
        rows = self.rows(tree)
        return Found(rows, FAMILIES, _pools(rows))


def _pools(rows: Sequence[Row]) -> dict[str, str]:
    """Generators without real images of their own, to the pool that stands against each."""
    generators, reals = ({row.generator for row in rows if row.label == label} for label in (1, 0))
    return {generator: POOLS.get(generator, COMMON_POOL) for generator in generators - reals}
