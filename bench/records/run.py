"""One run once it is in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from bench.records import columns
from bench.records.manifest import Manifest


def _no_diagnostics() -> pd.DataFrame:
    return pd.DataFrame(columns=[columns.KEY, columns.NAME])


@dataclass(frozen=True)
class Run:
    """One run as it was stored.

    Attributes:
        manifest: What was asked and on what it ran.
        cells: One row per planned cell in planned order, columns `columns.CELLS` and the axes of the protocol's own;
            the status is "scored", "skipped" or "failed", and the reason is empty for a scored one only.
        scores: One row per image and scored cell, columns `columns.SCORES`.
        throughput: One row per timed detector, columns `columns.THROUGHPUT`; milliseconds are per image.
        diagnostics: One row per image of a cell whose detector says more than a score: `columns.KEY`, `columns.NAME`
            and whatever it said; missing values where other detectors said it.
    """

    manifest: Manifest
    cells: pd.DataFrame
    scores: pd.DataFrame
    throughput: pd.DataFrame
    diagnostics: pd.DataFrame = field(default_factory=_no_diagnostics)
