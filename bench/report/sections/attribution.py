"""Which generator an image was attributed to: the confusion matrix, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.evaluation.cells import MeasuredCells, axes_shown
from bench.records import columns
from bench.records.run import Run
from bench.report.ranking_columns import TableColumn, TitledTable, percent
from bench.report.sections.content import SectionContent

REAL = "real"
LEGEND = (
    "Accuracy: images whose generator, or real, is named, each image once. Macro F1: the mean over generators and real "
    "of 2 TP / (2 TP + FP + FN). Families: an image counts as right where a generator of its family is named. Real or "
    "generated: balanced accuracy of the decision that follows from the name. Confusion: of the images of each row, "
    "the share that is attributed to each column, in %."
)
_MEASURES = ("accuracy", "macro F1", "families", "real or generated")
_TRUE, _NAMED = "true", "named"


def macro_f1(true: pd.Series[str], named: pd.Series[str]) -> float:
    """The mean of F1 over every class that is true or named, in [0, 1]; both (N,), N at least 1."""
    scores = []
    for one in sorted({*true, *named}):
        hits = int((true.eq(one) & named.eq(one)).sum())
        scores.append(2 * hits / int(true.eq(one).sum() + named.eq(one).sum()))
    return float(np.mean(scores))


@dataclass(frozen=True)
class Confusion:
    """Who is taken for whom by one detector, over all its training seeds.

    Attributes:
        title: The detector, and what tells its matrices apart.
        detector: The detector.
        measures: By name, in [0, 1], the mean over its training seeds.
        shares: Of the images of each row, the true class, the share that is named as each column, in [0, 1].
        counts: The images of each row; those of several seeds count as often.
    """

    title: str
    detector: str
    measures: Mapping[str, float]
    shares: pd.DataFrame
    counts: Mapping[str, int]


def confusions(run: Run) -> list[Confusion]:
    """The confusion of every detector that named generators, classes as the data has them, then `REAL`."""
    images = _attributed_images(run)
    if images.empty:
        return []
    further, families = _further_axes(run), run.manifest.data.families
    order = [*(name for name in run.manifest.data.generators if name in set(images[_TRUE])), REAL]
    found = []
    for key, part in images.groupby([columns.DETECTOR, *further], sort=False):
        shares = pd.crosstab(part[_TRUE], part[_NAMED], normalize="index")
        named = [*order, *sorted(set(shares.columns) - set(order))]
        shares = shares.reindex(index=order, columns=named, fill_value=0.0)
        measures = dict(zip(_MEASURES, _mean_measures(part, families), strict=True))
        detector = str(part[columns.DETECTOR].iloc[0])
        counts = {str(name): int(count) for name, count in part[_TRUE].value_counts().items()}
        found.append(Confusion(_title(key, further), detector, measures, shares, counts))
    return found


def attribution_content(measured: MeasuredCells) -> SectionContent:
    """A table of the measures of every detector, and a confusion matrix of each; none where nobody named generators."""
    found = confusions(measured.run)
    if not found:
        return SectionContent([])
    images, further = _attributed_images(measured.run), _further_axes(measured.run)
    counts = images.groupby([columns.DETECTOR, *further, columns.SEED, _TRUE, _NAMED], sort=False).size()
    tables = [_measure_table(found), *map(_confusion_table, found)]
    return SectionContent(tables, counts.rename(columns.IMAGES).reset_index())


def _further_axes(run: Run) -> list[str]:
    """The axes, beside the test set, over which a detector has several matrices."""
    cells = run.cells[run.cells[columns.TASK].eq("generator")]
    shown = axes_shown(cells, run.manifest.protocol)
    return [axis for axis in shown if axis != columns.TEST and cells[axis].nunique() > 1]


def _attributed_images(run: Run) -> pd.DataFrame:
    """One row per detector, seed and image whose generator was to be named, with the true and the named one.

    Real images that stand against several generators are there once.
    """
    cells = run.cells[run.cells[columns.TASK].eq("generator")]
    if cells.empty or columns.PREDICTED not in run.diagnostics:
        return pd.DataFrame()
    names = run.diagnostics[[columns.KEY, columns.NAME, columns.GENERATOR, columns.PREDICTED]]
    images = cells.merge(names, on=columns.KEY)
    images = images.rename(columns={columns.GENERATOR: _TRUE, columns.PREDICTED: _NAMED})
    images = images.assign(**{name: images[name].replace("", REAL) for name in (_TRUE, _NAMED)})
    identity = [columns.DETECTOR, *_further_axes(run), columns.SEED, columns.NAME]
    return images.drop_duplicates(identity, ignore_index=True)


def _title(key: object, further: list[str]) -> str:
    """A detector, and what tells its matrices apart."""
    detector, *values = key if isinstance(key, tuple) else (key,)
    shown = [f"{axis} {value}" for axis, value in zip(further, values, strict=True) if value not in {"", "none"}]
    return ", ".join([str(detector), *shown])


def _mean_measures(images: pd.DataFrame, families: Mapping[str, str]) -> list[float]:
    """The measures of one detector in [0, 1], the mean over its training seeds."""
    found = [_measures(part[_TRUE], part[_NAMED], families) for _, part in images.groupby(columns.SEED)]
    return [float(value) for value in np.mean(found, axis=0)]


def _measures(true: pd.Series[str], named: pd.Series[str], families: Mapping[str, str]) -> list[float]:
    family = [names.map(lambda name: families.get(name, name)) for names in (true, named)]
    called = named.eq(REAL) == true.eq(REAL)
    return [
        float(true.eq(named).mean()),
        macro_f1(true, named),
        float(family[0].eq(family[1]).mean()),
        float(called.groupby(true.eq(REAL)).mean().mean()),
    ]


def _measure_table(found: Sequence[Confusion]) -> TitledTable:
    shown = [TableColumn("detector", tuple(one.title for one in found), left=True)]
    shown += [TableColumn(name, tuple(percent(one.measures[name]) for one in found)) for name in _MEASURES]
    return TitledTable("Attribution to generators, in %", tuple(shown))


def _confusion_table(found: Confusion) -> TitledTable:
    """The confusion matrix of one detector: a row per true class, a column per named one."""
    classes = list(found.shares.index)
    return TitledTable(
        f"Confusion of {found.title}",
        (
            TableColumn("made by", tuple(classes), left=True),
            TableColumn("images", tuple(str(found.counts.get(name, 0)) for name in classes)),
            *(TableColumn(name, tuple(map(percent, found.shares[name]))) for name in found.shares.columns),
        ),
    )
