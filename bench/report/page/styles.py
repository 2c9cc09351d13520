"""The style of pages: typeface, colours of charts, and the look of text, tables and figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markupsafe import Markup

from bench.charts.palette import page_style
from bench.charts.typefaces import font_faces


@cache
def style_sheet() -> Markup:
    """The style sheet that all pages share."""
    look = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return Markup(f"{font_faces()}{page_style()}{look}")  # noqa: S704 - our own
