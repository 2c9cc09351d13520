"""Texts that a terminal can show: names of files, which may hold anything, and sizes."""

from __future__ import annotations

UNITS = ("B", "kB", "MB", "GB", "TB")


def printable(text: str) -> str:
    """A text with what cannot be shown escaped: control characters, odd spaces, bytes that are no UTF-8."""
    if text.isprintable():
        return text
    escaped = (letter.encode("unicode_escape", "surrogatepass").decode("ascii") for letter in text)
    return "".join(letter if letter.isprintable() else code for letter, code in zip(text, escaped, strict=True))


def size_text(size: float) -> str:
    """Bytes in a unit that suits them, of 1000 each."""
    power = next((power for power, _ in enumerate(UNITS) if size < 1000 ** (power + 1)), len(UNITS) - 1)
    return f"{size / 1000**power:.{1 if power else 0}f} {UNITS[power]}"
