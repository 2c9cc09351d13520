"""The words that data sets use for real, generated, and train, val or test."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from bench.platform.errors import InputError

REAL = frozenset({"authentic", "human", "natural", "nature", "original", "real"})
GENERATED = frozenset({"ai", "fake", "generated", "synthetic"})
FILLERS = frozenset({"image", "images", "photo", "photos"})
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def _words_of(text: str) -> list[str]:
    """The words of a name, in lower case and without numbers: `0_real` is `real`."""
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word and not word.isdigit()]


def label_of_name(name: str) -> int | None:
    """0 for a name that means real, 1 for one that means generated, None for any other."""
    words = set(_words_of(name)) - FILLERS
    if words and words <= REAL:
        return 0
    return 1 if words and words <= GENERATED else None


def label_of(value: object) -> int | None:
    """0 or 1 of a number, truth value or word that stands for it, None for anything else."""
    if isinstance(value, int):  # a truth value is one too
        return int(value) if value in (0, 1) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    return int(text) if text in {"0", "1"} else label_of_name(text)


def is_real_name(generator: str, where: str) -> bool:
    """Whether a generator's name means real images. Raises `InputError` where it may or may not: Real-ESRGAN."""
    real = label_of_name(generator) == 0
    if not real and REAL & set(_words_of(generator)):
        msg = f"{where}: {generator!r} may be real images or a generator; give a label column of 0 (real) and 1"
        raise InputError(msg)
    return real


def split_of(path: str, where: str) -> str:
    """The split that a file's name states, or else that of the nearest folder; "" where none does.

    Raises:
        InputError: One name states two splits.
    """
    for part in reversed(PurePosixPath(path).parts):
        splits = {SPLITS[word] for word in _words_of(part) if word in SPLITS}
        if len(splits) > 1:
            msg = f"{where}: {path} names the splits {' and '.join(sorted(splits))}; name one of them"
            raise InputError(msg)
        if splits:
            return splits.pop()
    return ""
