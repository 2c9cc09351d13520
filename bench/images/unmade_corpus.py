"""The embedded corpus before it is made: as many images of each generator, split and class, for plans of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.embedded.corpus import CLASS_FOLDERS, SPLITS, encode_jpeg, identity, is_built
from bench.embedded.scenes.scene import SIDE
from bench.images.files.tree import FileStamp
from bench.images.image_set import COLUMNS, ImageSet
from bench.images.layouts.api import ImageRow

PER_SPLIT = (200, 100)  # images of each generator and class, as `bench.embedded.corpus.build` makes them


@dataclass(frozen=True)
class UnmadeFiles:
    """Files that are not there yet: each reads as a black image of the corpus's size.

    Attributes:
        where: The folder that they will be in.
        identity: The same.
    """

    where: str
    identity: str

    def read(self, name: str) -> bytes:
        """A black JPEG."""
        del name
        return encode_jpeg(np.zeros((SIDE, SIDE, 3), np.uint8), 0)

    def stamp(self, name: str) -> FileStamp:
        """None. Raises `FileNotFoundError`."""
        raise FileNotFoundError(name)


def corpus_families() -> Mapping[str, str]:
    """Family of each generator of the corpus, in order."""
    from bench.embedded.generators.generator import GENERATORS  # it imports torch

    return {generator.name: generator.family for generator in GENERATORS}


def unmade_root(cache_root: Path) -> Path | None:
    """Where the corpus will be made; None where it is made already."""
    root = cache_root / "corpus" / identity()
    return None if is_built(root) else root


def unmade_corpus(root: Path) -> ImageSet:
    """The images that the corpus in a folder will have, under names that are not theirs."""
    families = corpus_families()
    names = [
        (f"{generator}/{split}/{class_folder}/{index}.jpg", int(class_folder == "ai"), generator, split)
        for generator in families
        for split, count in zip(SPLITS, PER_SPLIT, strict=True)
        for class_folder in CLASS_FOLDERS
        for index in range(count)
    ]
    rows = [ImageRow(name, label, generator, split, source=name) for name, label, generator, split in names]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("name", ignore_index=True)
    return ImageSet(
        UnmadeFiles(str(root), str(root)),
        "rendered scenes, tiny generators",
        "embedded",
        "",
        families,
        table,
        {generator: generator for generator in families},
        notes=("the embedded corpus is not there yet: the run will make it first, in some minutes",),
        listed=len(table),
    )
