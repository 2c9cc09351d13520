"""Synthbuster: `<generator>/<RAISE id>.png`, made after the photographs of RAISE-1k, which are not part of it.

Synthbuster (Bammey, IEEE OJSP 2023, zenodo 10066460). The real images come from `real_RAISE_1k` beside the generators,
or from a folder that the user names. An image and its models share the RAISE id as their source, so a split that is
drawn keeps them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, FolderAnnotation, FolderLayout, ImageRow
from bench.platform.errors import InputError

GENERATORS = frozenset({
    "dalle2", "dalle3", "firefly", "glide", "midjourney-v5",
    "stable-diffusion-1-3", "stable-diffusion-1-4", "stable-diffusion-2", "stable-diffusion-xl",
})  # fmt: skip
RAISE_FOLDER = "real_RAISE_1k"
MIN_GENERATORS = 3  # of these names in a Synthbuster tree: other collections have one or two of them


class SynthbusterLayout(FolderLayout):
    """Synthbuster with the real images that it was made after."""

    name: ClassVar[str] = "synthbuster"
    pattern: ClassVar[str] = f"<generator>/<RAISE id>.png and {RAISE_FOLDER}/ or --real FOLDER"

    def annotations(self, tree: Tree) -> Mapping[str, FolderAnnotation]:
        """Generators, and real images; other folders may be above them, such as those of the published archives."""
        annotations = {folder: _annotation(folder.split("/")) for folder in tree.listing.images}
        return {folder: annotation for folder, annotation in annotations.items() if annotation}

    def row(self, folder: str, name: str, annotation: FolderAnnotation) -> ImageRow:
        """The RAISE id is the source of a photograph and of what was made after it."""
        return ImageRow(f"{folder}/{name}", annotation.label, annotation.generator, source=name.rpartition(".")[0])

    def coverage(self, tree: Tree) -> Coverage:
        """By folders alone; "none" where too few of the generators are there."""
        generators = {annotation.generator for annotation in self.annotations(tree).values() if annotation.label}
        return super().coverage(tree) if len(generators) >= MIN_GENERATORS else "none"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every generator. Raises `InputError` where real images are missing."""
        rows = self.rows(tree)
        if rows and all(row.label for row in rows):
            msg = (
                f"{tree.where} holds no real images, which are not part of Synthbuster: "
                f"put RAISE-1k into its folder {RAISE_FOLDER}, or name a folder of them with --real FOLDER"
            )
            raise InputError(msg)
        return DataSetContents(rows, reading=self.described(tree))


def _annotation(parts: Sequence[str]) -> FolderAnnotation | None:
    """What a folder states of its images, by the names in its path."""
    if parts[0] == SHARED_POOL or RAISE_FOLDER in parts:
        return FolderAnnotation(0, SHARED_POOL)
    return FolderAnnotation(1, parts[-1]) if parts[-1] in GENERATORS else None
