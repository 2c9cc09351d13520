"""The folder of the results that come with Lineup: the golden record and the published tables."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def shipped_results() -> Path:
    """The folder that holds `golden` and `published`: inside of an installed package, or at the top of a checkout."""
    installed = PACKAGE / "results"
    return installed if installed.is_dir() else PACKAGE.parent / "results"
