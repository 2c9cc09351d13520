"""The words of the page, explained for who meets them here first."""

from __future__ import annotations

import tomllib
from pathlib import Path

from markupsafe import Markup

from bench.charts.markup import element, joined

_FILE = Path(__file__).with_name("words.toml")


def words() -> Markup:
    """A list of the words and what they mean."""
    known = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    listed = (part for word, meaning in known.items() for part in (element("dt", word), element("dd", meaning)))
    return joined(element("h2", "Words"), element("dl", *listed))
