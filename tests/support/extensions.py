"""One small extension of each kind, as other packages have them: each is a value that an entry point names."""

from contextlib import contextmanager

import pandas as pd

from bench.evaluation.metrics import Metric
from bench.report.ranking_columns import TableColumn, TitledTable
from bench.report.sections import Section


def false_alarms(labels, scores):
    """Share of real images called generated."""
    return float((scores[labels == 0] > 0.5).mean())


METRIC = Metric("false_alarms", false_alarms, "false alarms", needs=(0,))


def tables(run):
    counts = run.scores.groupby("label").size()
    return [TitledTable("Images by class", (TableColumn("scores", tuple(map(str, counts))),))]


def rows(run):
    return pd.DataFrame({"n": [len(run.scores)]})


SECTION = Section("classes", tables, "How many scores each class has.", rows)

RUNS = []


@contextmanager
def one_by_one(function, tasks, count):
    """An executor that starts nothing: every fit is made where the run is."""
    RUNS.append((sorted(tasks), count))
    yield {}
