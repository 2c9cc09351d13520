"""ELSA_D3: Parquet rows of four generated images each; their real images are given as URLs only.

ELSA_D3 (Baraldi et al., ECCV 2024, "Contrasting Deepfakes Diffusion via Contrastive Learning and Global-Local
Similarities"; https://huggingface.co/datasets/elsaEU/ELSA_D3). Real images that a user fetched are hung in as the
folder `real`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from bench.images.files.mounting import is_mounted, mounted
from bench.images.files.table_rows import TableRows, open_table, table_files
from bench.images.files.tables import RowGroupCache, image_columns
from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED, Claim, DataSetContents, ImageRow, Layout
from bench.images.layouts.class_words import split_of
from bench.platform.errors import InputError

GENERATORS = ("DeepFloyd IF", "SDv1.4", "SDv2.1", "SDXL")  # of image_gen0 to image_gen3
COLUMNS = {f"gen{index}": f"image_gen{index}" for index in range(len(GENERATORS))}
URLS = "real images that are only URLs"


def is_elsa(schema: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    """Whether a table has the columns of ELSA_D3."""
    return "id" in schema.names and set(COLUMNS.values()) <= set(image_columns(schema))


class ElsaD3Layout(Layout):
    """The tables of ELSA_D3."""

    name: ClassVar[str] = "elsa_d3"
    shape: ClassVar[str] = "<split>*.parquet with id, url, image_gen0..3"

    def claim(self, tree: Tree) -> Claim:
        """By the columns of the first table."""
        files = table_files(tree)
        try:
            if not files or not is_elsa(open_table(tree, files[0], RowGroupCache()).schema):
                return "none"
        except InputError:
            return "none"
        return "all" if all(map(is_mounted, tree.listing.images)) else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read the rows. Raises `InputError` where no real images stand beside them."""
        files = TableRows(tree, self.name)
        rows: list[ImageRow] = []
        count = empty = 0
        for name in table_files(tree):
            table = files.open(name)
            if not is_elsa(table.schema):
                has = ", ".join(table.schema.names)
                msg = f"{table.where} has the columns {has}; elsa_d3 wants id and {', '.join(COLUMNS.values())}"
                raise InputError(msg)
            split, ids = split_of(name, tree.where), [str(one) for one in table.values("id")]
            count += table.rows
            for generator, images in zip(GENERATORS, files.add(name, table, COLUMNS).values(), strict=True):
                empty += images.count(None)
                rows += [
                    ImageRow(image, 1, generator, split, source=source)
                    for image, source in zip(images, ids, strict=True)
                    if image
                ]
        real = mounted(tree, rows)
        if not real:
            what = f"the {count:,} real images of ELSA_D3 are URLs only" if count else "there are no rows"
            msg = f"{tree.where}: {what}; fetch some and name their folder, --real FOLDER"
            raise InputError(msg)
        missing = {URLS: count} | ({"images without bytes": empty} if empty else {})
        return DataSetContents([*rows, *real], pools=dict.fromkeys(GENERATORS, SHARED), files=files, missing=missing)
