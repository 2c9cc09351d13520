"""The folder of the results that come with Lineup: the golden record and the published tables."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def in_checkout() -> bool:
    """Whether this code runs from a checkout; otherwise it is an installed package, which holds the results."""
    return not (PACKAGE / "results").is_dir()


def shipped_results() -> Path:
    """The folder that holds `golden` and `published`: inside of an installed package, or at the top of a checkout."""
    return PACKAGE.parent / "results" if in_checkout() else PACKAGE / "results"
