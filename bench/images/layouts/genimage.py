"""GenImage: `<generator>/{train,val}/{ai,nature}/<image>`, as shipped, nested, or in README spelling.

GenImage (Zhu et al., NeurIPS 2023, arXiv 2306.08571). Which of its zip tools was used decides whether an inner folder
such as `imagenet_ai_0508_adm` stands between; both are read. A folder of another name is a generator of that name.
"""

from __future__ import annotations

from typing import ClassVar

from bench.errors import InputError
from bench.images.layouts.api import FolderLayout, Found, Place, Row
from bench.images.names import GENIMAGE, canonical
from bench.images.trees import Tree

SPLITS = ("train", "val", "test")
CLASSES = {"nature": 0, "ai": 1}


class GenImage(FolderLayout):
    """GenImage and what is laid out like it."""

    name: ClassVar[str] = "genimage"
    shape: ClassVar[str] = "<generator>/{train,val}/{ai,nature}/<image>"

    def place(self, folder: str, tree: Tree) -> Place | None:
        """Generator, split and class; at most one folder may stand between generator and split."""
        *above, split, kind = ("", "", *folder.split("/"))[-4:]
        if split not in SPLITS or kind not in CLASSES or folder.count("/") > 3:
            return None
        top = next(filter(None, above), tree.title)
        return Place(CLASSES[kind], canonical(top)[0], split)

    def row(self, folder: str, name: str, place: Place) -> Row:
        """A real image is the same image wherever it stands; a generated one is its own."""
        stem = name.rpartition(".")[0]
        source = f"{place.generator}/{stem}" if place.label else stem
        return Row(f"{folder}/{name}", place.label, place.generator, place.split, _content(stem, place.label), source)

    def read(self, tree: Tree) -> Found:
        """Read every generator. Raises `InputError` where one is there twice."""
        roots: dict[str, set[str]] = {}
        for folder in tree.listing.images:
            if place := self.place(folder, tree):
                roots.setdefault(place.generator, set()).add(folder.rpartition(f"{place.split}/")[0])
        for generator, places in roots.items():
            if len(places) > 1:
                msg = f"{tree.where} holds {generator} twice, in {' and '.join(sorted(places))}; keep one of the two"
                raise InputError(msg)
        return Found(self.rows(tree), {name: family for name, family, _ in GENIMAGE})


def _content(stem: str, label: int) -> str:
    """Content class from a file's name: ImageNet's `n01440764_1` for nature, `0_adm_31` or a fifth field for ai."""
    parts = stem.split("_")
    if label == 0 or len(parts) < 5:
        return parts[0] if len(parts) > 1 else ""
    return parts[4]
