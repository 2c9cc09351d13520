"""How trainings went: loss and accuracy by epoch."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bench.analyses.scores.training_history import MEASURE, PART, VALUE, mean_history, training_history
from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.plot_area import PlotAxis, accuracy_axis, epochs_axis, numbers_axis
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings

_MOST = 12


def training_content(findings: Findings) -> FigureContent:
    """Panels of loss and of accuracy, in training and validation: the mean over the train sets of each detector."""
    history = training_history(findings.training)
    history = history[history[columns.DETECTOR].isin(findings.best())]
    if history.empty:
        return FigureContent(reason="Nothing was trained in epochs.")
    means = mean_history(history)
    trained = findings.training.groupby(columns.DETECTOR)[columns.TRAIN].nunique(dropna=False)
    curves = _over_train_sets(means, trained)
    order = [name for name in findings.best() if name in set(curves[columns.DETECTOR])][:_MOST]
    shown = curves[curves[columns.DETECTOR].isin(order)]
    panels = [
        _panel(findings, rows, f"{part} {measure}", order)
        for (part, measure), rows in shown.groupby([PART, MEASURE], sort=False)
    ]
    if not panels:
        return FigureContent(rows=history, reason="No epoch was reached by all trainings of a detector.")
    left = curves[columns.DETECTOR].nunique() - len(order)
    more = f" {left} more in the numbers." if left else ""
    note = f"Mean over train sets and seeds, up to the epoch that all of them reached. {findings.about()}{more}"
    said = f"{len(order)} detector{' was' if len(order) == 1 else 's were'} trained in epochs."
    return FigureContent([line_chart("Trainings", said, panels, note=note)], rows=history)


def _over_train_sets(means: pd.DataFrame, trained: pd.Series[int]) -> pd.DataFrame:
    """The mean over the train sets of each detector, at the epochs that all of them reached; `trained`: how many."""
    names = [columns.DETECTOR, PART, MEASURE]
    found: pd.DataFrame = means.groupby([*names, columns.EPOCH], sort=False)[VALUE].agg(["mean", "count"]).reset_index()
    whole = found["count"].eq(found[columns.DETECTOR].map(trained)) & np.isfinite(found["mean"])
    reached: pd.DataFrame = found[whole]
    return reached.rename(columns={"mean": VALUE})


def _panel(findings: Findings, rows: pd.DataFrame, title: str, order: list[str]) -> LinePanel:
    series = []
    for detector in order:
        own = rows[rows[columns.DETECTOR].eq(detector)].sort_values(columns.EPOCH)
        finite = own[VALUE].astype(float).where(np.isfinite(own[VALUE].astype(float)))  # a diverged loss is a gap
        points = list(zip(own[columns.EPOCH].astype(float) + 1, finite, strict=True))
        if points:
            series.append(Series(findings.title(detector), findings.hues[detector], points))
    last = max(x for one in series for x, _ in one.points)
    values = [y for one in series for _, y in one.points if not math.isnan(y)]
    up = accuracy_axis(min(values, default=0.0)) if "accuracy" in title else _nats(values)
    return LinePanel(title.capitalize(), series, epochs_axis(1, int(last)), up)


def _nats(losses: list[float]) -> PlotAxis:
    return numbers_axis(0.0, max(losses, default=1.0), "nats")


FIGURE = Figure(
    "training",
    "Trainings",
    "How did the trainings go?",
    training_content,
    "Detectors with a closed form, such as linear heads, have no epochs.",
)
