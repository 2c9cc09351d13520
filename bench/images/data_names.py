"""What a user writes after DATA=, checked before anything is read.

This module imports no library that takes long to load, so that a mistyped name or path is answered at once.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.images.counts.table import counts_path
from bench.images.files.local import require_exists
from bench.platform.errors import InputError
from detectors import catalogue

EMBEDDED = "embedded"
LAYOUTS = "lineup.layouts"
COUNTS = "counts"  # before a table of numbers of images, in place of a data set


def layout_and_place(text: str) -> tuple[str, str]:
    """The layout that is named before a path or URL, "" for none, and the path or URL.

    Raises:
        InputError: The layout is not installed.
    """
    known = catalogue.installed(LAYOUTS)
    head, colon, rest = text.partition(":")
    if is_counts(text):
        return COUNTS, rest
    if head in known and colon:
        return head, rest
    if colon and rest and not rest.startswith("//") and not Path(text).exists() and re.fullmatch(r"\w{2,}", head):
        msg = f"layout {head!r} is not known; there are {', '.join(known)}"
        raise InputError(msg)
    return "", text


def is_counts(text: str) -> bool:
    """Whether a text names a table of counts in place of a data set."""
    return text.startswith(f"{COUNTS}:")


def check_data(text: str, real: str = "") -> None:
    """Check the names of a data set and of its real images. URLs are not looked at.

    Args:
        text: "embedded", a path or URL, or `layout:path`.
        real: Path or URL of a folder of real images; "" for none.

    Raises:
        InputError: The layout is not installed, a local path does not exist, or the data set takes no real images.
    """
    if text == EMBEDDED and real:
        msg = f"real images {real} were given, and the embedded corpus has real images of its own; leave --real out"
        raise InputError(msg)
    if is_counts(text):
        counts_path(layout_and_place(text)[1])
        if real:
            msg = (
                f"real images {real} were given, and {text} counts its own; leave --real out, or add a row to the table"
            )
            raise InputError(msg)
        return
    places = [] if text == EMBEDDED else [layout_and_place(text)[1], *([real] if real else [])]
    for place in places:
        if "://" not in place:
            require_exists(Path(place))
