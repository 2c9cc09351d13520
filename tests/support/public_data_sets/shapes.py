"""What public data sets look like on disk, in small: how their shapes are declared, and what writes them.

A data set is a tuple of parts: images, other files, tables and archives. Each says what its maker says of the images.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".bmp": "BMP"}
SIDE = 32  # pixels
PICTURE, MASK = "the picture of this row", "a mask beside it"  # what stands for an image in the values of a row

Kind = str | tuple[str, ...]  # of a column: see `Table`
Evidence = Literal["card", "listing", "repository", "code of a user"]


@dataclass(frozen=True)
class Truth:
    """What the maker says of one image.

    Attributes:
        place: Path below the data set; `table.parquet#row` or `table.parquet#row/column` in a table,
            `archive.tar/member` in an archive.
        sha256: Of the file's bytes; no two images of a data set share it.
        label: 0 real, 1 generated; None for what is neither or is not told, which is left out.
        generator: As the data set spells it; "" for real images, and where the data set names none; None where only
            prose or names of files tell it.
        split: "train", "val", "test", or "" where the maker states none.
        unit: Shared by images that are not independent of each other (a video, a photograph and its copies); "" where
            nothing is stated.
        degradation: What the maker did to this copy of an image (platform, attack, compression), or "".
        added: Whether it lies in the folder of real images that a user adds.
    """

    place: str
    sha256: str
    label: int | None
    generator: str | None = ""
    split: str = ""
    unit: str = ""
    degradation: str = ""
    added: bool = False


class WrittenFile(NamedTuple):
    """One file of a small data set, and what is true of the images in it."""

    path: str
    data: bytes
    truths: tuple[Truth, ...] = ()


@dataclass(frozen=True)
class Images:
    """Some images of one kind.

    Attributes:
        path: Where they lie, with `{n}` for their number, as in `train/ai/{n:05d}.png`; the suffix decides the format.
        label: As in `Truth`, and so the other words; `{n}` stands for the number in `unit`.
        numbers: Their numbers.
    """

    path: str
    label: int | None
    generator: str | None = ""
    split: str = ""
    unit: str = ""
    degradation: str = ""
    numbers: Sequence[int] = (0, 1)

    def files(self, inside: str = "") -> Iterator[WrittenFile]:
        """Each image; `inside` is the archive that holds it, with its slash."""
        for number in self.numbers:
            path = self.path.format(n=number)
            data = picture(inside + path)
            unit = self.unit.format(n=number)
            truth = Truth(path, sha256(data), self.label, self.generator, self.split, unit, self.degradation)
            yield WrittenFile(path, data, (truth,))


@dataclass(frozen=True)
class Other:
    """A file that is no image of the set: a mask (no text), a list, a card; `{n}` as in `Images`."""

    path: str
    text: str | None = None
    numbers: Sequence[int] = (0,)

    def files(self, inside: str = "") -> Iterator[WrittenFile]:
        """The file; `inside` is the archive that holds it, with its slash."""
        for number in self.numbers:
            path = self.path.format(n=number)
            yield WrittenFile(path, mask(inside + path) if self.text is None else self.text.encode())


class Row(NamedTuple):
    """One row of a table: the words of `Truth`, and a value for each column."""

    label: int | None
    generator: str | None
    split: str
    values: tuple[object, ...]
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """A Parquet file as the `datasets` library writes it.

    Attributes:
        path: Of the file.
        columns: Name to kind: "image" (bytes and path), "binary", the name of an Arrow type, or for class labels
            their names in order.
        rows: Rows; `PICTURE` and `MASK` stand for bytes.
        suffix: Of the format of the pictures.
        features: Whether the schema carries the notes of the `datasets` library.
        generators: Column to generator, where a row holds an image of the set in each of several columns.
    """

    path: str
    columns: Mapping[str, Kind]
    rows: Sequence[Row]
    suffix: str = ".png"
    features: bool = True
    generators: Mapping[str, str] | None = None

    def files(self, inside: str = "") -> Iterator[WrittenFile]:
        """The table; `inside` is the archive that holds it, with its slash."""
        cells: dict[str, list[object]] = {name: [] for name in self.columns}
        truths: list[Truth] = []
        for number, row in enumerate(self.rows):
            for (name, kind), value in zip(self.columns.items(), row.values, strict=True):
                place = self._place(number, name)
                data = picture(inside + place, self.suffix) if value is PICTURE else mask(inside + place, ".png")
                if value is PICTURE:
                    generator = (self.generators or {}).get(name, row.generator)
                    truths.append(Truth(place, sha256(data), row.label, generator, row.split, row.unit))
                cells[name].append(_cell(value, data, kind, f"{number}{self.suffix}"))
        yield WrittenFile(self.path, self._parquet(cells), tuple(truths))

    def _place(self, number: int, column: str) -> str:
        return f"{self.path}#{number}/{column}" if self.generators else f"{self.path}#{number}"

    def _parquet(self, cells: Mapping[str, list[object]]) -> bytes:
        made = pa.table({name: pa.array(cells[name], _arrow_type(kind)) for name, kind in self.columns.items()})
        if self.features:
            notes = {"info": {"features": {name: _feature(kind) for name, kind in self.columns.items()}}}
            made = made.replace_schema_metadata({"huggingface": json.dumps(notes)})
        written = io.BytesIO()
        pq.write_table(made, written, row_group_size=3)
        return written.getvalue()


@dataclass(frozen=True)
class Archive:
    """A ZIP or TAR file, by its suffix, of other parts."""

    path: str
    parts: tuple[Part, ...]

    def files(self, inside: str = "") -> Iterator[WrittenFile]:
        """The archive; `inside` is the archive that holds it, with its slash."""
        held = [file for part in self.parts for file in part.files(f"{inside}{self.path}/")]
        truths = [replace(one, place=f"{self.path}/{one.place}") for file in held for one in file.truths]
        packed = _zipped(held) if self.path.endswith(".zip") else _tarred(held, self.path)
        yield WrittenFile(self.path, packed, tuple(truths))


Part = Images | Other | Table | Archive


@dataclass(frozen=True)
class PublicDataSet:
    """A public data set as its maker ships it, in small.

    Attributes:
        name: As the maker calls it.
        source: Where the shape was seen.
        evidence: What kind of source that is.
        parts: What it consists of.
        options: What a user who read the card passes where numbers, words or lists cannot be known without it; "{real}"
            stands for the folder of `real`.
        real: Real images that its users add, where it ships none.
        note: What the card says that the parts cannot say, or what is not known.
    """

    name: str
    source: str
    evidence: Evidence
    parts: tuple[Part, ...]
    options: tuple[str, ...] = ()
    real: tuple[Part, ...] = ()
    note: str = ""


class Written(NamedTuple):
    """A small data set on disk."""

    root: Path
    real: Path | None
    options: tuple[str, ...]
    truths: tuple[Truth, ...]


def write(data_set: PublicDataSet, folder: Path) -> Written:
    """Write a data set into `folder/data`, and the real images that its users add into `folder/real`."""
    root, real = folder / "data", folder / "real" if data_set.real else None
    truths = [one for part in data_set.parts for one in _write(part, root)]
    if real is not None:
        truths += [replace(one, added=True) for part in data_set.real for one in _write(part, real)]
    return Written(root, real, tuple(one.format(real=real) for one in data_set.options), tuple(truths))


def picture(place: str, suffix: str = "") -> bytes:
    """A picture of 32x32 pixels that belongs to this place alone, in the format of its suffix."""
    coarse = np.random.default_rng(zlib.crc32(place.encode())).integers(0, 256, (8, 8, 3), np.uint8)
    fine = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return _encoded(fine, suffix or PurePosixPath(place).suffix)


def mask(place: str, suffix: str = "") -> bytes:
    """A black mask with white parts, its own for each place; bytes that are no picture where the suffix is of none."""
    suffix = (suffix or PurePosixPath(place).suffix).lower()
    if suffix not in FORMATS:
        return b"\x93NUMPY"
    coarse = np.random.default_rng(zlib.crc32(place.encode())).integers(0, 2, (8, 8), np.uint8) * 255
    return _encoded(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.NEAREST), suffix)


def sha256(data: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()


def _write(part: Part, root: Path) -> Iterator[Truth]:
    for path, data, truths in part.files():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        yield from truths


def _encoded(image: Image.Image, suffix: str) -> bytes:
    written = io.BytesIO()
    image.save(written, FORMATS[suffix.lower()])
    return written.getvalue()


def _cell(value: object, data: bytes, kind: Kind, name: str) -> object:
    if value is not PICTURE and value is not MASK:
        return value
    return {"bytes": data, "path": name} if kind == "image" else data


def _arrow_type(kind: Kind) -> Any:
    if kind == "image":
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    if kind == "list<string>":
        return pa.list_(pa.string())
    return pa.int64() if isinstance(kind, tuple) else pa.type_for_alias(kind)


def _feature(kind: Kind) -> dict[str, object]:
    if isinstance(kind, tuple):
        return {"names": list(kind), "_type": "ClassLabel"}
    if kind == "list<string>":
        return {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"}
    return {"_type": "Image"} if kind == "image" else {"dtype": kind, "_type": "Value"}


def _zipped(files: Sequence[WrittenFile]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for file in files:
            archive.writestr(file.path, file.data)
    return written.getvalue()


def _tarred(files: Sequence[WrittenFile], path: str) -> bytes:
    written = io.BytesIO()
    packed = path.endswith((".tgz", ".tar.gz"))
    with tarfile.open(fileobj=written, mode="w:gz" if packed else "w") as archive:
        for file in files:
            member = tarfile.TarInfo(file.path)
            member.size = len(file.data)
            archive.addfile(member, io.BytesIO(file.data))
    return written.getvalue()
