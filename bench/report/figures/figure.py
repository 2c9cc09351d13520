"""What a figure is: a question, and what it shows of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.charts.chart import Chart
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TitledTable


@dataclass(frozen=True, slots=True)
class FigureContent:
    """What a figure shows of one run.

    Attributes:
        charts: The drawings; none where there is nothing to draw.
        tables: What stands beside them.
        rows: The numbers behind them, one row each; None for no such file.
        reason: Why there is nothing, where a user may wonder.
    """

    charts: Sequence[Chart] = ()
    tables: Sequence[TitledTable] = ()
    rows: pd.DataFrame | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A kind of figure.

    Attributes:
        name: As commands and files call it.
        title: In a word or two.
        question: What it answers, as a reader asks.
        content: What it shows of a run.
        legend: How to read it.
        needs_images: Whether it shows more where the images of the run are opened, which may take long.
        on_page: Whether the page shows it.
    """

    name: str
    title: str
    question: str
    content: Callable[[Findings], FigureContent]
    legend: str
    needs_images: bool = False
    on_page: bool = True
