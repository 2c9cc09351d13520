"""Panels of one kind side by side: one drawing in a file, and in a page as many across as its width holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.charts.chart import Chart
from bench.charts.markup import element, joined

WIDTH = 1080.0  # pixels of a drawing that stands alone


def grid_chart(
    title: str,
    description: str,
    panels: Sequence[Chart],
    *,
    gap: float = 28.0,
    below: Chart | None = None,
    note: str = "",
) -> Chart:
    """The panels, all of one size, row by row.

    Args:
        title: What all of them show.
        description: The same in words.
        panels: One at least.
        gap: Pixels between them.
        below: What they share, such as the scale of their colours.
        note: How to read them.
    """
    wide, high = panels[0].width + gap, panels[0].height + gap
    across = max(1, min(len(panels), int((WIDTH + gap) // wide)))
    drawn = []
    for place, panel in enumerate(panels):
        row, column = divmod(place, across)
        drawn.append(element("g", panel.body, transform=f"translate({column * wide:.1f} {row * high:.1f})"))
    width, height = across * wide - gap, math.ceil(len(panels) / across) * high - gap
    if below is not None:
        drawn.append(element("g", below.body, transform=f"translate(0 {height + gap:.1f})"))
        width, height = max(width, below.width), height + gap + below.height
    return Chart(title, description, width, height, joined(*drawn), note, tuple(panels), below)
