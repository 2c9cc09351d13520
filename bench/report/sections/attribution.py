"""Which generator an image was attributed to: the confusion matrix, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping

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


def attribution_content(measured: MeasuredCells) -> SectionContent:
    """A table of the measures of every detector, and a confusion matrix of each; none where nobody named generators."""
    images = _attributed_images(measured.run)
    if images.empty:
        return SectionContent([])
    further = _further_axes(measured.run)
    groups = list(images.groupby([columns.DETECTOR, *further], sort=False))
    order = [*(name for name in measured.run.manifest.data.generators if name in set(images[_TRUE])), REAL]
    families = measured.run.manifest.data.families
    measures = {_title(key, further): _mean_measures(part, families) for key, part in groups}
    tables = [_measure_table(measures)]
    tables += [_confusion_table(f"Confusion of {_title(key, further)}", part, order) for key, part in groups]
    counts = images.groupby([columns.DETECTOR, *further, columns.SEED, _TRUE, _NAMED], sort=False).size()
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


def _measure_table(measures: Mapping[str, list[float]]) -> TitledTable:
    texts = np.array([[percent(value) for value in row] for row in measures.values()], dtype=object)
    shown = [TableColumn("detector", tuple(measures), left=True)]
    shown += [TableColumn(name, tuple(texts[:, place])) for place, name in enumerate(_MEASURES)]
    return TitledTable("Attribution to generators, in %", tuple(shown))


def _confusion_table(title: str, images: pd.DataFrame, order: list[str]) -> TitledTable:
    """The confusion matrix of one detector, over all its seeds: a row per true class, a column per named one."""
    shares = pd.crosstab(images[_TRUE], images[_NAMED], normalize="index")
    named = [*order, *sorted(set(shares.columns) - set(order))]
    shares = shares.reindex(index=order, columns=named, fill_value=0.0)
    counts = images[_TRUE].value_counts()
    return TitledTable(
        title,
        (
            TableColumn("made by", tuple(order), left=True),
            TableColumn("images", tuple(str(counts[name]) for name in order)),
            *(TableColumn(name, tuple(map(percent, shares[name]))) for name in named),
        ),
    )
