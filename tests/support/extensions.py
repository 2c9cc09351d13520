"""One small extension of each kind, as other packages have them: each is a value that an entry point names."""

from contextlib import contextmanager

import pandas as pd

from bench.charts.chart import Chart
from bench.charts.markup import element
from bench.metrics.metric import Metric
from bench.report.figures.figure import Figure, FigureContent
from bench.report.ranking_columns import TableColumn, TitledTable
from bench.report.sections import Section
from bench.report.sections.content import SectionContent


def false_alarms(labels, scores):
    """Share of real images called generated."""
    return float((scores[labels == 0] > 0.5).mean())


METRIC = Metric("false_alarms", false_alarms, "false alarms", needs=(0,))


def content(measured):
    counts = measured.images.groupby("label").size()
    table = TitledTable("Images by class", (TableColumn("scores", tuple(map(str, counts))),))
    return SectionContent([table], pd.DataFrame({"n": [len(measured.images)]}))


SECTION = Section("classes", content, "How many scores each class has.")


def drawn(findings):
    body = element("text", "scores", x=0, y=20)
    return FigureContent([Chart("Scores", f"{len(findings.measured.images)} scores.", 100, 40, body)])


FIGURE = Figure("classes", "Classes", "How many scores are there?", drawn, "Each image has one score in each cell.")

RUNS = []


@contextmanager
def one_by_one(function, tasks, count):
    """An executor that starts nothing: every fit is made where the run is."""
    RUNS.append((sorted(tasks), count))
    yield {}
