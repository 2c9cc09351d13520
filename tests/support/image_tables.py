"""Tables of small images as the `datasets` library writes them."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def pixels_of(seed):
    """Pixels uint8 (8, 9, 3) that belong to one number."""
    return np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)


def png(seed):
    """A PNG file of those pixels."""
    written = io.BytesIO()
    Image.fromarray(pixels_of(seed)).save(written, "PNG")
    return written.getvalue()


def structs(images, paths=None):
    """An image column of structs, None for rows without bytes."""
    names = paths or [f"{index}.png" for index in range(len(images))]
    rows = [{"bytes": data, "path": name} for data, name in zip(images, names, strict=True)]
    return pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def table(columns, **classes):
    """A table; `classes` are the names of the columns that are class labels, noted as `datasets` does."""
    made = pa.table(columns)
    if not classes:
        return made
    features = {name: {"names": names, "_type": "ClassLabel"} for name, names in classes.items()}
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_parquet(path, made, group=3):
    """A Parquet file of small row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(made, path, row_group_size=group)


def write_arrow(path, made, batch=3, *, state=True):
    """An Arrow stream as `save_to_disk` writes it, with its `state.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made, max_chunksize=batch)
    if state:
        (path.parent / "state.json").write_text(json.dumps({"_data_files": [{"filename": path.name}]}))
        (path.parent / "dataset_info.json").write_text("{}")


def same_pixels(images, seeds):
    """Whether the images in order are those of these numbers."""
    found = [images[index].pixels for index in range(len(images))]
    return len(found) == len(seeds) and all(
        np.array_equal(one, pixels_of(seed)) for one, seed in zip(found, seeds, strict=True)
    )
