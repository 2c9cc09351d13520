"""The typeface of charts: how wide a text is, and the files of it.

IBM Plex Sans, under the SIL Open Font License 1.1, whose digits all have one width.
"""

from __future__ import annotations

import base64
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

if TYPE_CHECKING:
    from PIL import ImageFont

FOLDER = Path(__file__).parent / "fonts"
FAMILY = "'IBM Plex Sans', system-ui, sans-serif"
_MEASURED = 100  # pixels: widths are in proportion to the size


class Weight(NamedTuple):
    """A weight of the typeface: its number in style sheets, and its files."""

    number: int
    drawn: Path
    embedded: Path


REGULAR = Weight(400, FOLDER / "IBMPlexSans-Regular.ttf", FOLDER / "IBMPlexSans-Regular.woff2")
BOLD = Weight(600, FOLDER / "IBMPlexSans-SemiBold.ttf", FOLDER / "IBMPlexSans-SemiBold.woff2")


@cache
def font_faces() -> Markup:
    """The typeface as rules of a style sheet that holds its files: a page loads nothing."""
    faces = []
    for weight in (REGULAR, BOLD):
        data = base64.b64encode(weight.embedded.read_bytes()).decode()
        faces.append(
            f"@font-face{{font-family:'IBM Plex Sans';font-weight:{weight.number};"
            f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
        )
    return Markup("".join(faces))  # noqa: S704 - our own


@cache
def _font(weight: Weight) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont  # which tables in a terminal spare

    return ImageFont.truetype(weight.drawn, _MEASURED)


@lru_cache(maxsize=8192)
def text_width(text: str, size: float, weight: Weight = REGULAR) -> float:
    """Pixels that a text takes across at a size in pixels."""
    return _font(weight).getlength(text) * size / _MEASURED


def shortened(text: str, size: float, width: float, weight: Weight = REGULAR) -> str:
    """The text, or as much of its beginning as fits into a width in pixels, with an ellipsis."""
    if text_width(text, size, weight) <= width:
        return text
    kept = text
    while kept and text_width(f"{kept}…", size, weight) > width:
        kept = kept[:-1]
    return f"{kept}…"
