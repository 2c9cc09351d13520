"""ELSA_D3: Parquet rows of four generated images each; their real images are given as URLs only.

ELSA_D3 (Baraldi et al., ECCV 2024, "Contrasting Deepfakes Diffusion via Contrastive Learning and Global-Local
Similarities"; https://huggingface.co/datasets/elsaEU/ELSA_D3). Real images that a user downloaded are added as the
folder `real`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from bench.images.files.table_images import TableImages, open_table, table_files
from bench.images.files.tables import RowGroupCache, Table, image_columns
from bench.images.files.tree import Tree
from bench.images.layouts.added_real_images import added_rows, is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout
from bench.images.layouts.parquet import split_of_table
from bench.images.vocabulary.generator_names import canonical_name
from bench.platform.errors import InputError

GENERATORS = ("DeepFloyd IF", "SDv1.4", "SDv2.1", "SDXL")  # of image_gen0 to image_gen3, where no column names them
COLUMNS = {f"gen{index}": f"image_gen{index}" for index in range(len(GENERATORS))}
ONLY_URLS = "real images that are only URLs"


class ElsaD3Layout(Layout):
    """The tables of ELSA_D3."""

    name: ClassVar[str] = "elsa_d3"
    pattern: ClassVar[str] = "<split>*.parquet with id, url, image_gen0..3"
    overrides: ClassVar[frozenset[str]] = frozenset({"parquet"})

    def coverage(self, tree: Tree) -> Coverage:
        """By the columns of the first table."""
        files = table_files(tree)
        try:
            if not files or not _has_columns(open_table(tree, files[0], RowGroupCache()).schema):
                return "none"
        except InputError:
            return "none"
        return "all" if all(map(is_added, tree.listing.images)) else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read the rows. Raises `InputError` for a table of other columns, or without added real images."""
        files = TableImages(tree, self.name)
        rows: list[ImageRow] = []
        count = empty = 0
        for name in table_files(tree):
            table = files.open(name)
            images = _rows(tree, name, table, files)
            rows += [row for row in images if row is not None]
            empty += images.count(None)
            count += table.rows
        real = added_rows(tree, rows)
        if not real:
            what = f"the {count:,} real images of ELSA_D3 are URLs only" if count else "there are no rows"
            msg = f"{tree.where}: {what}; fetch some and name their folder, --real FOLDER"
            raise InputError(msg)
        missing = {ONLY_URLS: count} | ({"images without bytes": empty} if empty else {})
        pools = dict.fromkeys((row.generator for row in rows), SHARED_POOL)
        reading = self.described(tree, table_files(tree))
        return DataSetContents([*rows, *real], pools=pools, files=files, missing=missing, reading=reading)


def _has_columns(schema: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    """Whether a table has the columns of ELSA_D3."""
    return "id" in schema.names and set(COLUMNS.values()) <= set(image_columns(schema))


def _rows(tree: Tree, name: str, table: Table, files: TableImages) -> list[ImageRow | None]:
    """The images of one table, generator by generator; None for one without bytes. Raises `InputError`."""
    if not _has_columns(table.schema):
        found = ", ".join(table.schema.names)
        msg = f"{table.where} has the columns {found}; elsa_d3 wants id and {', '.join(COLUMNS.values())}"
        raise InputError(msg)
    split, ids = split_of_table(tree, name), [str(value) for value in table.values("id")]
    return [
        ImageRow(image, 1, generator, split, source=source) if image else None
        for position, images in enumerate(files.add(name, table, COLUMNS).values())
        for image, source, generator in zip(images, ids, _generators(table, position), strict=True)
    ]


def _generators(table: Table, position: int) -> list[str]:
    """The generator of each row's image at one of the four positions, as a column states it, or else the usual one."""
    column = f"model_gen{position}"
    stated = table.values(column) if column in table.schema.names else [None] * table.rows
    return [canonical_name(str(name)) if name else GENERATORS[position] for name in stated]
