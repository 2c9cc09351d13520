"""Texts that a terminal can show: names of files, which may hold anything, and sizes."""

from __future__ import annotations

import re

UNITS = ("B", "kB", "MB", "GB", "TB")
_UPPER = tuple(map(str.upper, UNITS))


def printable(text: str) -> str:
    """A text with what cannot be shown escaped: control characters, odd spaces, bytes that are no UTF-8."""
    if text.isprintable():
        return text
    escaped = (letter.encode("unicode_escape", "surrogatepass").decode("ascii") for letter in text)
    return "".join(letter if letter.isprintable() else code for letter, code in zip(text, escaped, strict=True))


def parse_size(text: str) -> int | None:
    """Bytes as `size_text` writes them, such as 20GB; 0 needs no unit. None for a text that is not understood."""
    units = "|".join(_UPPER)
    match = re.fullmatch(rf"(\d{{1,9}}(?:\.\d{{1,9}})?) ?({units})|0", text.strip().upper(), re.ASCII)
    if match is None:
        return None
    return int(float(match[1]) * 1000 ** _UPPER.index(match[2])) if match[1] else 0


def size_text(size: float) -> str:
    """Bytes in a unit that suits them, of 1000 each."""
    power = next((power for power, _ in enumerate(UNITS) if size < 1000 ** (power + 1)), len(UNITS) - 1)
    return f"{size / 1000**power:.{1 if power else 0}f} {UNITS[power]}"
