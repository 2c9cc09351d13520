"""Synthbuster: `<generator>/<RAISE id>.png`, made after the photographs of RAISE-1k, which are not part of it.

Synthbuster (Bammey, IEEE OJSP 2023, zenodo 10066460). The real images come from `real_RAISE_1k` beside the generators,
or from a folder that the user names. An image and its models share the RAISE id as their source, so a split that is
drawn keeps them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED, Claim, DataSetContents, FolderLayout, FolderMeaning, ImageRow
from bench.platform.errors import InputError

GENERATORS = frozenset({
    "dalle2", "dalle3", "firefly", "glide", "midjourney-v5",
    "stable-diffusion-1-3", "stable-diffusion-1-4", "stable-diffusion-2", "stable-diffusion-xl",
})  # fmt: skip
RAISE = "real_RAISE_1k"
ENOUGH = 3  # generators that make a tree Synthbuster: one or two of these names are anybody's


class SynthbusterLayout(FolderLayout):
    """Synthbuster with the real images that it was made after."""

    name: ClassVar[str] = "synthbuster"
    shape: ClassVar[str] = f"<generator>/<RAISE id>.png and {RAISE}/ or --real FOLDER"

    def places(self, tree: Tree) -> Mapping[str, FolderMeaning]:
        """Generators, and real images; folders may stand above, such as the published archives and their tops."""
        places = {folder: _place(folder.split("/")) for folder in tree.listing.images}
        return {folder: place for folder, place in places.items() if place}

    def row(self, folder: str, name: str, place: FolderMeaning) -> ImageRow:
        """The RAISE id is the source of a photograph and of what was made after it."""
        return ImageRow(f"{folder}/{name}", place.label, place.generator, source=name.rpartition(".")[0])

    def claim(self, tree: Tree) -> Claim:
        """Nothing where too few of the generators are there."""
        generators = {place.generator for place in self.places(tree).values() if place.label}
        return super().claim(tree) if len(generators) >= ENOUGH else "none"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every generator. Raises `InputError` where real images are missing."""
        rows = self.rows(tree)
        if rows and all(row.label for row in rows):
            msg = (
                f"{tree.where} holds no real images, which are not part of Synthbuster: "
                f"put RAISE-1k into its folder {RAISE}, or name a folder of them with --real FOLDER"
            )
            raise InputError(msg)
        return DataSetContents(rows)


def _place(parts: Sequence[str]) -> FolderMeaning | None:
    """What a folder says of its images, by the names in its path."""
    if parts[0] == SHARED or RAISE in parts:
        return FolderMeaning(0, SHARED)
    return FolderMeaning(1, parts[-1]) if parts[-1] in GENERATORS else None
