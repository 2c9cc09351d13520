"""Lists of predictions, the form in which challenges exchange scores: `[{"image_path": "a/b.png", "pred": 0.5}, ...]`.

`image_path` begins in the folder of the images, with forward slashes; `pred` is the probability of "generated".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.platform.printable import printable

PATH, PREDICTION = "image_path", "pred"
MAX_SHOWN = 3  # examples in a refusal
MAX_LENGTH = 200  # characters of one


def prediction_list(scores: Iterable[tuple[str, float]]) -> str:
    """The text of a list, from the path of each image and its score in [0, 1]."""
    rows = [{PATH: path, PREDICTION: float(score)} for path, score in scores]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_predictions(file: Path, images: Collection[str], where: str) -> dict[str, float]:
    """The score of every image by its name, from a list that names each of them once and no other.

    Args:
        file: The list. Its paths may begin with "./" or with the folder of the images, and have backslashes.
        images: Names of the images.
        where: Their folder, as messages call it.

    Raises:
        InputError: The file is no such list; the message is one line that counts what is wrong and shows examples.
    """
    rows = _rows(file)
    _refuse(file, "entries are no objects of image_path and pred alone", filter(_is_malformed, rows))
    _refuse(file, "values of pred are no numbers in [0, 1]", (row for row in rows if not _is_share(row[PREDICTION])))
    known, roots = frozenset(images), (f"{where}/", f"{Path(where).resolve()}/")
    found = [_name(row[PATH], known, roots) for row in rows]
    _refuse(file, "images are there several times", (name for name, count in Counter(found).items() if count > 1))
    _refuse(file, f"paths are no image of {where}", dict.fromkeys(name for name in found if name not in known))
    named = set(found)
    _refuse(file, f"images of {where} have no prediction", (name for name in images if name not in named))
    return {name: float(row[PREDICTION]) for name, row in zip(found, rows, strict=True)}


def is_prediction_list(file: Path) -> bool:
    """Whether a file is meant as such a list: JSON whose first entry has `image_path` and `pred` and nothing else."""
    if file.suffix.lower() != ".json":
        return False
    try:
        rows = parse_json(file.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict) and rows[0].keys() == {PATH, PREDICTION}


def _rows(file: Path) -> list[Any]:
    try:
        rows = parse_json(file.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{file} cannot be read as JSON ({reason}); give a list of objects of image_path and pred"
        raise InputError(msg) from error
    if not isinstance(rows, list) or not rows:
        found = "an empty list" if rows == [] else f"a JSON {type(rows).__name__}"
        msg = f"{file} holds {found}; give a list of objects of image_path and pred"
        raise InputError(msg)
    return rows


def _refuse(file: Path, what: str, faulty: Iterable[object]) -> None:
    """Raise `InputError` where there is anything at fault."""
    found = list(faulty)
    if found:
        texts = [one if isinstance(one, str) else json.dumps(one) for one in found[:MAX_SHOWN]]
        shown = ", ".join(printable(text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}...") for text in texts)
        msg = f"{file}: {len(found)} {what}, such as {shown}; mend the list"
        raise InputError(msg)


def _is_malformed(row: object) -> bool:
    return not isinstance(row, Mapping) or row.keys() != {PATH, PREDICTION} or not isinstance(row[PATH], str)


def _is_share(value: object) -> bool:
    """Whether a value is a number in [0, 1]; NaN is none, and neither are truth values."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _name(path: str, images: Collection[str], roots: Iterable[str]) -> str:
    """The name of the image at a path, which may begin with one of the roots; the path where it is no image."""
    plain = path.replace("\\", "/").removeprefix("./")
    spelled = (path, plain, *(plain.removeprefix(root) for root in roots))
    return next((name for name in spelled if name in images), path)
