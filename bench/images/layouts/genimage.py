"""GenImage: `<generator>/{train,val}/{ai,nature}/<image>`, as shipped, nested, or in README spelling.

GenImage (Zhu et al., NeurIPS 2023, arXiv 2306.08571). Which of its zip tools was used decides whether an inner folder
such as `imagenet_ai_0508_adm` is between; both are read. Of all folders above a split, the outermost whose name is
one of GenImage's names the generator, at any depth: `GenImage/ADM`, `ADM/imagenet_ai_0508_adm`. Where none has
such a name it is the outermost, after those that hold all generators of the tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import commonpath
from pathlib import PurePosixPath
from typing import Any, ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import DataSetContents, FolderAnnotation, FolderLayout
from bench.images.vocabulary.generator_names import GENIMAGE, canonical_name, genimage_name
from bench.platform.errors import InputError

SPLITS = ("train", "val", "test")
CLASSES = {"nature": 0, "ai": 1}


class GenImageLayout(FolderLayout):
    """GenImage and data sets that are arranged like it."""

    name: ClassVar[str] = "genimage"
    pattern: ClassVar[str] = "<generator>/{train,val}/{ai,nature}/<image>"

    def annotations(self, tree: Tree) -> Mapping[str, FolderAnnotation]:
        """Generator, split and class."""
        cut = {folder: ("", *folder.split("/")) for folder in tree.listing.images}
        read = {folder: parts for folder, parts in cut.items() if parts[-2] in SPLITS and parts[-1] in CLASSES}
        shared = len(PurePosixPath(commonpath("/".join(parts[1:-2]) for parts in read.values())).parts) if read else 0
        return {
            folder: FolderAnnotation(CLASSES[label], _generator(above, shared) or canonical_name(tree.title), split)
            for folder, (_, *above, split, label) in read.items()
        }

    def columns(self, folder: str, names: Sequence[str], annotation: FolderAnnotation) -> Mapping[str, Sequence[Any]]:
        """The source of a real image is its name in any folder; that of a generated one its generator and name."""
        label, generator, split, _ = annotation
        stems = [name.rpartition(".")[0] for name in names]
        same = {"label": label, "generator": generator, "split": split, "degradation": "", "copy": ""}
        return {
            "name": [f"{folder}/{name}" for name in names],
            "content": [_content(stem, label) for stem in stems],
            "source": [f"{generator}/{stem}" for stem in stems] if label else stems,
            **{name: [value] * len(names) for name, value in same.items()},
        }

    def read(self, tree: Tree) -> DataSetContents:
        """Read every generator. Raises `InputError` where one has two folders."""
        roots: dict[str, set[str]] = {}
        for folder, annotation in self.annotations(tree).items():
            roots.setdefault(annotation.generator, set()).add(folder.rpartition(f"{annotation.split}/")[0])
        for generator, folders in roots.items():
            if len(folders) > 1:
                msg = f"{tree.where} holds {generator} twice, in {' and '.join(sorted(folders))}; keep one of the two"
                raise InputError(msg)
        families = {name: family for name, family, _ in GENIMAGE}
        return DataSetContents(self.rows(tree), families, reading=self.described(tree))


def _generator(above: Sequence[str], shared: int) -> str:
    """The generator that the folders above a split name, the first `shared` of them common to all; "" for none."""
    known = next(filter(None, map(genimage_name, above)), None)
    return known or next(iter(above[shared:] or above), "")


def _content(stem: str, label: int) -> str:
    """Content class from a file's name: ImageNet's `n01440764_1` for nature, `0_adm_31` or a fifth field for ai."""
    parts = stem.split("_")
    if label == 0 or len(parts) < 5:
        return parts[0] if len(parts) > 1 else ""
    return parts[4]
