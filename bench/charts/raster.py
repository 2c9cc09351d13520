"""A chart as PNG, drawn by resvg: no browser, no screen."""

from __future__ import annotations

from bench.charts.chart import Chart
from bench.charts.typefaces import BOLD, REGULAR

ZOOM = 2.0  # pixels of the picture for one of the drawing


def to_png(chart: Chart, *, dark: bool = False, zoom: float = ZOOM) -> bytes:
    """The chart as it stands alone, as a PNG; letters that the typeface lacks are drawn with those of the system.

    The same chart gives the same bytes on one machine.
    """
    import resvg_py

    fonts = [str(weight.drawn) for weight in (REGULAR, BOLD)]
    return bytes(resvg_py.svg_to_bytes(svg_string=chart.standalone(dark=dark), zoom=zoom, font_files=fonts))
