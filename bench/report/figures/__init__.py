"""Figures of finished runs: each answers one question with charts, tables and numbers.

A figure is one entry of `FIGURES`, or one entry point of the group `lineup.figures` in another package.
"""

from __future__ import annotations

from bench.report.figures.boards import averages, critical_difference, matrices, speed, stages, steps
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.figures.images import saliency, spectra
from bench.report.figures.scores import confusion, mistakes, overlap, score_curves, slices, training, transfer
from bench.report.plugged_in import plugged_in
from detectors import catalogue

GROUP = "lineup.figures"
FIGURES = (
    averages.FIGURE,
    critical_difference.FIGURE,
    matrices.FIGURE,
    steps.FIGURE,
    confusion.FIGURE,
    speed.FIGURE,
    stages.FIGURE,
    transfer.FIGURE,
    overlap.FIGURE,
    score_curves.ROC,
    score_curves.RELIABILITY,
    slices.FIGURE,
    mistakes.FIGURE,
    spectra.FIGURE,
    saliency.FIGURE,
    training.FIGURE,
)


def all_figures() -> tuple[Figure, ...]:
    """The figures of Lineup, then those of other packages by name.

    Raises:
        UnknownName: One of another package cannot be imported.
        InputError: It is no `Figure`.
    """
    return (*FIGURES, *plugged_in(GROUP, "figure", Figure))


def page_figures(findings: Findings) -> list[tuple[Figure, FigureContent]]:
    """The figures of the page that have something to show for a run, with their content."""
    found = [(figure, figure.content(findings)) for figure in all_figures() if figure.on_page]
    return [(figure, content) for figure, content in found if content.charts or content.tables]


def find_figure(name: str) -> Figure:
    """The figure of a name. Raises `UnknownName` where there is none."""
    shipped = {figure.name: figure for figure in FIGURES}
    if name in shipped:
        return shipped[name]
    known = {figure.name: figure for figure in all_figures()}
    if name not in known:
        raise catalogue.UnknownName(catalogue.unknown_name_message("figure", name, known))
    return known[name]
