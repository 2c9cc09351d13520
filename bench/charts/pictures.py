"""Pictures made of numbers or pixels, side by side under their titles."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.charts.chart import LINE, SMALL, TEXT, Chart
from bench.charts.grid import grid_chart
from bench.charts.markup import element, joined
from bench.charts.palette import accuracy_colour
from bench.charts.typefaces import BOLD, shortened

_GAP = 16.0


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """One picture.

    Attributes:
        title: Above it.
        pixels: uint8 (H, W) or (H, W, 3).
        said: What is to be seen, in words.
        line: Below the title; empty for nothing.
    """

    title: str
    pixels: NDArray[np.uint8]
    said: str
    line: str = ""


def picture_chart(title: str, description: str, pictures: Sequence[Picture], *, side: float, note: str = "") -> Chart:
    """The pictures, each as large as fits a square of `side` pixels."""
    drawn = []
    for picture in pictures:
        above = TEXT * LINE + SMALL * LINE + 6
        high, wide = picture.pixels.shape[:2]
        scale = side / max(high, wide)
        body = joined(
            element("text", shortened(picture.title, TEXT, side, BOLD), x=0, y=TEXT, class_="bold"),
            element("text", shortened(picture.line, SMALL, side), x=0, y=TEXT * LINE + SMALL, class_="small faint"),
            element("image", x=0, y=above, width=wide * scale, height=high * scale, href=data_uri(picture.pixels)),
        )
        drawn.append(Chart(picture.title or title, picture.said, side, above + side, body))
    return grid_chart(title, description, drawn, gap=_GAP, note=note)


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """The pixels as a PNG inside a page or a drawing."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def grey_levels(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    """Numbers as grey levels, black at `low` and white at `high`."""
    return np.rint(255 * np.clip((values - low) / (high - low), 0, 1)).astype(np.uint8)


def diverging(values: NDArray[np.float64], most: float) -> NDArray[np.uint8]:
    """Numbers as colours around paper white at 0: brown at -`most`, blue at `most`; uint8 (H, W, 3)."""
    colours = np.array([accuracy_colour(step / 255) for step in range(256)], np.uint8)
    steps = np.rint(255 * np.clip((values / most + 1) / 2, 0, 1)).astype(int)
    return np.asarray(colours[steps])
