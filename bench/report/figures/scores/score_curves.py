"""What another threshold would give, and whether scores mean what they say: ROC, precision-recall, reliability."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bench.analyses.scores.curves import DrawnCurve, PooledReliability
from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.plot_area import percent_axis
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TableColumn, TitledTable, percent

_MOST_PANELS = 9


def roc_content(findings: Findings) -> FigureContent:
    """ROC and precision-recall curves of the best detectors over the average that ranks."""
    found = findings.score_curves
    whole = [one for one in found if one.roc is not None and one.precision_recall is not None]
    if not whole:
        return FigureContent(reason=_gaps(findings))
    share = percent_axis(title="false positive rate in %", step=0.25)
    rate = percent_axis(title="true positive rate in %", step=0.25)
    recall, precision = percent_axis(title="recall in %", step=0.25), percent_axis(title="precision in %", step=0.25)
    rocs = [_series(findings, one.detector, one.roc) for one in whole if one.roc]
    others = [_series(findings, one.detector, one.precision_recall) for one in whole if one.precision_recall]
    panels = [
        LinePanel("ROC", rocs, share, rate, diagonal=True, square=True),
        LinePanel("Precision and recall", others, recall, precision, square=True),
    ]
    areas = [one.roc.area for one in whole if one.roc]
    said = f"The area below the ROC curve of {whole[0].detector} is {percent(areas[0])} %."
    note = f"Curves of {findings.averaged}, averaged. {findings.about()}{_left_out(findings, len(whole))}"
    table = TitledTable(
        f"Areas below the curves, {findings.average}, in %",
        (
            TableColumn("detector", tuple(one.detector for one in whole), left=True),
            TableColumn("ROC AUC", tuple(map(percent, areas))),
            TableColumn("AP", tuple(percent(one.precision_recall.area) for one in whole if one.precision_recall)),
        ),
    )
    return FigureContent([line_chart("Every threshold", said, panels, note=note)], [table])


def _gaps(findings: Findings) -> str:
    """Why there is no curve of any detector."""
    gaps = [f"{one.detector}: {one.gap}" for one in findings.score_curves if one.gap]
    return f"{'; '.join(gaps) or 'No cell asks whether an image is real or generated'}."


def _left_out(findings: Findings, shown: int) -> str:
    total, gaps = len(findings.rows), [f"{one.detector} ({one.gap})" for one in findings.score_curves if one.gap]
    first = f" {shown} of {total} rows, the first on the board." if total > shown else ""
    return first + (f" Without curves: {', '.join(gaps)}." if gaps else "")


def _series(findings: Findings, detector: str, curve: DrawnCurve) -> Series:
    points = list(zip(curve.x.tolist(), curve.y.tolist(), strict=True))
    return Series(findings.title(detector), findings.hues[detector], points)


def reliability_content(findings: Findings) -> FigureContent:
    """A panel for each of the best detectors: its scores beside what the images are."""
    found = [(one.detector, one.reliability) for one in findings.score_curves[:_MOST_PANELS]]
    whole = [(detector, one) for detector, one in found if one is not None]
    if not whole:
        return FigureContent(reason=_gaps(findings))
    panels = [_panel(findings, detector, one) for detector, one in whole]
    detector, first = whole[0]
    said = f"The scores of {detector} are off by {percent(first.calibration_error)} points on average."
    note = f"{findings.averaged.capitalize()}, 15 bins. {findings.about()}{_left_out(findings, len(whole))}"
    table = TitledTable(
        f"Calibration error of the pooled bins, {findings.average}, in %",
        (
            TableColumn("detector", tuple(name for name, _ in whole), left=True),
            TableColumn("calibration error", tuple(percent(one.calibration_error) for _, one in whole)),
        ),
    )
    return FigureContent([line_chart("Scores and what images are", said, panels, note=note)], [table])


def _panel(findings: Findings, detector: str, found: PooledReliability) -> LinePanel:
    points: Iterable[tuple[float, float]] = zip(found.scores.tolist(), found.generated.tolist(), strict=True)
    there = [(x, y) for x, y in points if not math.isnan(x)]
    series = Series(f"error {percent(found.calibration_error)}", findings.hues[detector], there)
    across = percent_axis(title="mean score in %", step=0.25)
    up = percent_axis(title="generated images in %", step=0.25)
    return LinePanel(findings.title(detector), [series], across, up, diagonal=True, square=True)


ROC = Figure(
    "roc",
    "ROC",
    "What would another threshold give?",
    roc_content,
    "Each cell has its own curve; curves are averaged at every false positive rate, or recall. The area is the mean of "
    "the areas of the cells. Precision is at the prevalence of the test sets.",
)
RELIABILITY = Figure(
    "reliability",
    "Calibration",
    "Do scores mean what they say?",
    reliability_content,
    "On the dashed line, of the images with a score of 70 % seven in ten are generated. Below it a detector says "
    "generated more surely than it should.",
)
