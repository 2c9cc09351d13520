"""The shapes of results: what a run is once it is in memory, and the columns of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

CELL_COLUMNS = ("key", "detector", "train", "test", "degradation", "seed", "task", "status", "reason")
SCORE_COLUMNS = ("key", "name", "source", "label", "score")
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
    """

    manifest: dict[str, Any]
    cells: pd.DataFrame
    scores: pd.DataFrame
    throughput: pd.DataFrame
