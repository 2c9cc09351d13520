"""Miniature data sets: images of a few bytes, and what a data set says of them."""

import io

import numpy as np
from PIL import Image

from bench.images.data_sets import read

FORMATS = {".jpg": "JPEG", ".png": "PNG"}


def encoded_image(kind):
    pixels = np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


BYTES = {suffix: encoded_image(kind) for suffix, kind in FORMATS.items()}


def write_images(root, *names):
    """One small image under each name."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BYTES[path.suffix.lower()])


def read_both_ways(layout, folder, real=""):
    """A data set whose layout is found out, which is the same as with its layout forced."""
    found, forced = read(str(folder), real), read(f"{layout}:{folder}", real)
    assert found.table.equals(forced.table)
    assert (found.pools, found.families, found.notes) == (forced.pools, forced.families, forced.notes)
    assert (found.missing, found.generators) == (forced.missing, forced.generators)
    return found


def table_columns(images, *columns):
    """By name, what the table says in these columns; one value by itself."""
    names = images.table["name"]
    if len(columns) == 1:
        return dict(zip(names, images.table[columns[0]], strict=True))
    return dict(zip(names, images.table[list(columns)].itertuples(index=False, name=None), strict=True))
