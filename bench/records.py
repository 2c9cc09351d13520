"""The shapes of results: what a run is once it is in memory, and the columns of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

CELL_COLUMNS = ("key", "detector", "train", "test", "degradation", "seed", "task", "status", "reason")
SCORE_COLUMNS = ("key", "name", "source", "label", "score")
ROUTE_COLUMNS = ("key", "name", "route", "oracle")
STAGES = ("decode", "degrade", "prepare", "device", "head")
THROUGHPUT_COLUMNS = (
    "detector",
    "recipe",
    "data",
    "processor",
    "device",
    "precision",
    "batch_size",
    "images",
    "repeats",
    "images_per_s",
    "images_per_s_low",
    "images_per_s_high",
    *(f"{stage}_ms" for stage in STAGES),
    "peak_memory_mb",
)


@dataclass(frozen=True)
class Run:
    """One run as it was stored.

    Attributes:
        manifest: What was asked and on what it ran: `protocol`, `title`, `view` (`rows`, `columns`), `data` (`title`,
            `kind` "embedded" or "folder", `version`, `digest`, `images`, `generators`, `families`), `setting`, `seeds`,
            `detectors` (name to card and key), `runtime`, `versions`, `commit`, `options`.
        cells: One row per planned cell, columns `CELL_COLUMNS`; `status` is "scored", "skipped" or "failed", and
            `reason` is empty for a scored one only.
        scores: One row per image and scored cell, columns `SCORE_COLUMNS`; `source` names the image's source, shared
            by images that are not independent.
        throughput: One row per timed detector, columns `THROUGHPUT_COLUMNS`; milliseconds are per image.
        routes: One row per image of a cell whose detector has several routes, columns `ROUTE_COLUMNS`: the route taken,
            and the score along the right one, NaN where there is none.
    """

    manifest: dict[str, Any]
    cells: pd.DataFrame
    scores: pd.DataFrame
    throughput: pd.DataFrame
    routes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(ROUTE_COLUMNS)))
