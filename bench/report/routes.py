"""What wrong routes cost: where a detector sends images, and what it would reach with the right route for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.metrics import called_generated
from bench.records import Run
from bench.report.text import NOTHING, Column, percent, points
from protocols.degradations import NONE

LEGEND = (
    "Share of the generated images of each test set by the route that they take, in %; accuracy with those routes;"
    " accuracy with every image on the route of the test set's generator (oracle); and what wrong routes cost."
)
PLACE = ["detector", "train", "test", "degradation", "seed"]
CONFUSION_COLUMNS = (*PLACE, "label", "route", "images")


@dataclass(frozen=True, slots=True)
class Routing:
    """One detector on one train set.

    Attributes:
        title: Which.
        columns: One row per test set and degradation, and one for real images.
    """

    title: str
    columns: tuple[Column, ...]


def confusion(run: Run) -> pd.DataFrame:
    """How many images of each class took which route, columns `CONFUSION_COLUMNS`."""
    counted = _images(run).groupby([*PLACE, "label", "route"], sort=False).size().rename("images")
    return counted.reset_index()[list(CONFUSION_COLUMNS)]


def routings(run: Run) -> list[Routing]:
    """One table per detector and train set that has several routes, over all training seeds."""
    groups = _images(run).groupby(["detector", "train"], sort=False)
    return [_routing(str(detector), str(train), images) for (detector, train), images in groups]


def _images(run: Run) -> pd.DataFrame:
    """One row per traced image with its cell, label, score, route and oracle score."""
    traced = run.routes.merge(run.scores[["key", "name", "label", "score"]], on=["key", "name"], validate="one_to_one")
    return run.cells[["key", *PLACE]].merge(traced, on="key")


def _routing(detector: str, train: str, images: pd.DataFrame) -> Routing:
    places = images["test"] + images["degradation"].map(lambda step: "" if step == NONE else f" {step}")
    names = list(dict.fromkeys(places))
    parts = [images[places == name] for name in names]
    generated = [part[part["label"] == 1] for part in parts]
    real = images[images["label"] == 0].drop_duplicates([*PLACE[:2], *PLACE[3:], "name"])
    routes = sorted(images["route"].unique())
    taken = [
        Column(f"to {route}", tuple(percent(part["route"].eq(route).mean()) for part in [*generated, real]))
        for route in routes
    ]
    reached = [_accuracy(part, "score") for part in parts]
    oracle = [_accuracy(part, "oracle") for part in parts]
    costs = [points(right - own) for own, right in zip(reached, oracle, strict=True)]
    columns = (
        Column("test", (*names, "real images"), left=True),
        *taken,
        Column("accuracy", (*map(percent, reached), NOTHING)),
        Column("oracle", (*map(percent, oracle), NOTHING)),
        Column("cost", (*costs, NOTHING)),
    )
    return Routing(f"Routes of {detector}, trained on {train}", columns)


def _accuracy(images: pd.DataFrame, column: str) -> float:
    """Share of right decisions; NaN where there is no score for every image."""
    scores = images[column].to_numpy(np.float64)
    if np.isnan(scores).any():
        return float("nan")
    return float((called_generated(scores) == images["label"]).mean())
