"""A chart as PNG, drawn by resvg: no browser, no screen."""

from __future__ import annotations

import math

from bench.charts.chart import Chart
from bench.charts.typefaces import BOLD, REGULAR

ZOOM = 2.0  # pixels of the picture for one of the drawing
MOST_PIXELS = 60_000_000  # of a picture: larger drawings are drawn smaller, where memory would not hold them


def to_png(chart: Chart, *, dark: bool = False, zoom: float = ZOOM) -> bytes:
    """The chart as it stands alone, as a PNG; letters that the typeface lacks are drawn with those of the system.

    The same chart gives the same bytes on one machine.
    """
    import resvg_py

    zoom = min(zoom, math.sqrt(MOST_PIXELS / max(1.0, chart.width * chart.height)))
    fonts = [str(weight.drawn) for weight in (REGULAR, BOLD)]
    return bytes(resvg_py.svg_to_bytes(svg_string=chart.standalone(dark=dark), zoom=zoom, font_files=fonts))
