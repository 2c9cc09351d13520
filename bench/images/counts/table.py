"""Tables of counts: how many images a data set has of each generator, class and split, and of which size.

A table is a CSV file with the columns `generator`, `label` (real or generated), `split` (train, val or test), `images`,
`width` and `height` (in pixels, of a usual image), and where they are known `format` (JPEG or PNG; else JPEG for real
images and PNG for generated ones). Real images whose generator is "real" belong to every generator without real images
of its own. Lines that begin with # say where the numbers are from.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.platform.errors import InputError

FOLDER = Path(__file__).parent
SUFFIX = ".csv"
LABELS = {"real": 0, "generated": 1}
SPLITS = ("train", "val", "test")
FORMATS = ("JPEG", "PNG")  # of a label, where the table does not say
NEEDED = ("generator", "label", "split", "images", "width", "height")
NUMBERS = ("images", "width", "height")


class ImageCount(NamedTuple):
    """How many images there are of one generator, class and split.

    Attributes:
        generator: The generator that made them; of real images, the pool that they belong to.
        label: 0 real, 1 generated.
        split: "train", "val" or "test".
        images: Their number, at least 1.
        width: Of a usual one, in pixels.
        height: Of a usual one, in pixels.
        format: Of the files, as Pillow names it.
    """

    generator: str
    label: int
    split: str
    images: int
    width: int
    height: int
    format: str


def shipped_counts() -> list[str]:
    """Names of the tables that ship, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def counts_path(place: str) -> Path:
    """The file of a table that ships, or of the user's own. Raises `InputError` where there is none."""
    if place in shipped_counts():
        return FOLDER / f"{place}{SUFFIX}"
    path = Path(place)
    if not place or not path.is_file():
        msg = f"counts {place!r} are neither a file nor among those that ship, {', '.join(shipped_counts())}"
        raise InputError(f"{msg}; give a CSV file with the columns {','.join(NEEDED)}")
    return path


def read_counts(place: str) -> list[ImageCount]:
    """The rows of a table of counts. Raises `InputError` where the file is none."""
    path = counts_path(place)
    try:
        texts = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"counts {path} cannot be read ({error}); give a CSV file with the columns {','.join(NEEDED)}"
        raise InputError(msg) from error
    lines = [(number, text) for number, text in enumerate(texts, 1) if text.strip() and not text.startswith("#")]
    rows = list(csv.DictReader(text for _, text in lines))
    header = [] if not lines else next(csv.reader([lines[0][1]]))
    if absent := [name for name in NEEDED if name not in header]:
        msg = f"counts {path} have no column {absent[0]}; the columns are {','.join(NEEDED)}, and format where known"
        raise InputError(msg)
    found = [_count(row, f"counts {path}, line {number}") for row, (number, _) in zip(rows, lines[1:], strict=True)]
    _require_whole(found, path)
    return found


def _count(row: Mapping[str, str | None], where: str) -> ImageCount:
    """One row. Raises `InputError` where it is none."""
    texts = {name: (row.get(name) or "").strip() for name in (*NEEDED, "format")}
    for name, known in (("label", tuple(LABELS)), ("split", SPLITS)):
        if texts[name] not in known:
            raise InputError(f"{where}: {name} is {texts[name]!r}; write {' or '.join(known)}")
    if not texts["generator"]:
        raise InputError(f"{where}: the generator is missing; write its name, or of real images whose pool they are")
    for name in NUMBERS:
        if not re.fullmatch(r"0*[1-9][0-9]{0,17}", texts[name], re.ASCII):
            raise InputError(
                f"{where}: {name} is {texts[name]!r:.40}; write a whole number from 1 on, of up to 18 digits"
            )
    label = LABELS[texts["label"]]
    images, width, height = (int(texts[name]) for name in NUMBERS)
    file_format = texts["format"].upper() or FORMATS[label]
    return ImageCount(texts["generator"], label, texts["split"], images, width, height, file_format)


def _require_whole(found: Sequence[ImageCount], path: Path) -> None:
    """Raise `InputError` for a table that counts something twice, or lacks one of the classes."""
    groups = [count[:3] for count in found]
    if repeated := next((group for group in groups if groups.count(group) > 1), None):
        generator, label, split = repeated
        noun = next(text for text, number in LABELS.items() if number == label)
        raise InputError(f"counts {path} give the {noun} images of {generator} in {split} twice; add the two up")
    for text, label in LABELS.items():
        if label not in {count.label for count in found}:
            raise InputError(f"counts {path} have no {text} images; add some")
