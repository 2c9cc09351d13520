"""GenImage: `<generator>/{train,val}/{ai,nature}/<image>`, as shipped, nested, or in README spelling.

GenImage (Zhu et al., NeurIPS 2023, arXiv 2306.08571). Which of its zip tools was used decides whether an inner folder
such as `imagenet_ai_0508_adm` stands between; both are read. Of all folders above a split, the outermost whose name is
one of GenImage's names the generator, wherever it stands: `GenImage/ADM`, `ADM/imagenet_ai_0508_adm`. Where none has
such a name it is the outermost, after those that hold all generators of the tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import commonpath
from pathlib import PurePosixPath
from typing import ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import DataSetContents, FolderLayout, FolderMeaning, ImageRow
from bench.images.layouts.generator_names import GENIMAGE, canonical, genimage
from bench.platform.errors import InputError

SPLITS = ("train", "val", "test")
CLASSES = {"nature": 0, "ai": 1}


class GenImageLayout(FolderLayout):
    """GenImage and what is laid out like it."""

    name: ClassVar[str] = "genimage"
    shape: ClassVar[str] = "<generator>/{train,val}/{ai,nature}/<image>"

    def places(self, tree: Tree) -> Mapping[str, FolderMeaning]:
        """Generator, split and class."""
        cut = {folder: ("", *folder.split("/")) for folder in tree.listing.images}
        read = {folder: parts for folder, parts in cut.items() if parts[-2] in SPLITS and parts[-1] in CLASSES}
        shared = len(PurePosixPath(commonpath("/".join(parts[1:-2]) for parts in read.values())).parts) if read else 0
        return {
            folder: FolderMeaning(CLASSES[kind], _generator(above, shared) or canonical(tree.title)[0], split)
            for folder, (_, *above, split, kind) in read.items()
        }

    def row(self, folder: str, name: str, place: FolderMeaning) -> ImageRow:
        """A real image is the same image wherever it stands; a generated one is its own."""
        stem = name.rpartition(".")[0]
        source = f"{place.generator}/{stem}" if place.label else stem
        return ImageRow(
            f"{folder}/{name}", place.label, place.generator, place.split, _content(stem, place.label), source
        )

    def read(self, tree: Tree) -> DataSetContents:
        """Read every generator. Raises `InputError` where one is there twice."""
        roots: dict[str, set[str]] = {}
        for folder, place in self.places(tree).items():
            roots.setdefault(place.generator, set()).add(folder.rpartition(f"{place.split}/")[0])
        for generator, places in roots.items():
            if len(places) > 1:
                msg = f"{tree.where} holds {generator} twice, in {' and '.join(sorted(places))}; keep one of the two"
                raise InputError(msg)
        return DataSetContents(self.rows(tree), {name: family for name, family, _ in GENIMAGE})


def _generator(above: Sequence[str], shared: int) -> str:
    """The generator that the folders above a split name, of which all of the tree share the first; "" for none."""
    known = next(filter(None, map(genimage, above)), None)
    return known or next(iter(above[shared:] or above), "")


def _content(stem: str, label: int) -> str:
    """Content class from a file's name: ImageNet's `n01440764_1` for nature, `0_adm_31` or a fifth field for ai."""
    parts = stem.split("_")
    if label == 0 or len(parts) < 5:
        return parts[0] if len(parts) > 1 else ""
    return parts[4]
