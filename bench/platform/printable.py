"""Texts that a terminal can show: names of files may hold anything."""

from __future__ import annotations


def printable(text: str) -> str:
    """A text with what cannot be shown escaped: control characters, odd spaces, bytes that are no UTF-8."""
    if text.isprintable():
        return text
    escaped = (letter.encode("unicode_escape", "surrogatepass").decode("ascii") for letter in text)
    return "".join(letter if letter.isprintable() else code for letter, code in zip(text, escaped, strict=True))
