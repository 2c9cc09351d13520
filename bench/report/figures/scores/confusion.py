"""Which generator is taken for which."""

from __future__ import annotations

from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.matrix_layout import family_of, group_by_family
from bench.report.ranking_columns import percent
from bench.report.sections.attribution import REAL, Confusion, confusions

_SHOWN_MEASURES = ("accuracy", "macro F1")
_NUMBERED = 30  # columns that have room for numbers


def confusion_content(findings: Findings) -> FigureContent:
    """The confusion matrices of a run in the order of its rankings; families stand apart, and real images come last."""
    found = confusions(findings.run)
    if not found:
        return FigureContent()
    places = {row.detector: place for place, (_, row) in enumerate(findings.rows)}
    found.sort(key=lambda one: places.get(one.detector, len(places)))  # those of one detector stay in their order
    panels = [_panel(one, dict(findings.manifest.data.families)) for one in found]
    first = found[0]
    said = f"{first.title} names {percent(first.measures['accuracy'])} % of the images rightly."
    note = "Of the images of each row (their number behind it), the share in % that is named as each column. "
    note += findings.about()
    return FigureContent([heat_map_chart("Which generator is taken for which", said, panels, note=note)])


def _panel(found: Confusion, families: dict[str, str]) -> HeatMapPanel:
    lines = [", ".join(f"{name} {percent(found.measures[name])}" for name in _SHOWN_MEASURES)]
    rows, across = (
        [*group_by_family([str(name) for name in names if name != REAL], families), [REAL]]
        for names in (found.shares.index, found.shares.columns)
    )
    shares = found.shares.to_dict()
    values = {(str(row), str(column)): float(shares[column][row]) for row in shares[REAL] for column in shares}
    counts = {str(name): f"{found.counts.get(str(name), 0):,}" for name in shares[REAL]}
    names = [family_of(group[0], families) for group in across]
    several = any(len(group) > 1 for group in across)
    numbers = sum(map(len, across)) <= _NUMBERED
    return HeatMapPanel(
        found.title, values, rows, across, lines, names if several else (), counts, kind="s", numbers=numbers
    )


FIGURE = Figure(
    "confusion",
    "Confusion",
    "Which generator made it, and which is it taken for?",
    confusion_content,
    "The diagonal is right. An empty cell is less than half a percent.",
)
