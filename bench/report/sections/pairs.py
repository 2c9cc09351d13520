"""Pairs of a real and a generated image: how often the generated one has the higher score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.evaluation.cells import MeasuredCells
from bench.metrics.metric import order_of
from bench.metrics.ranking import roc_auc
from bench.records import columns
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, percent
from bench.report.sections.content import SectionContent

TWINS, CONTENT = "twins", "content"
LEGEND = (
    "Share of the pairs in which the generated image has the higher score, in %; equal scores count half. Twins share "
    "a source; where no source has images of both classes, every generated image is paired with every real one of its "
    "cell."
)
_PAIRS, _HIGHER, _KIND, _CONTENTS = "pairs", "generated_higher", "kind", "test_contents"
_ALL = "all"
_ORDER = "order"  # what pairs are compared by: log odds where the detector has them


def pair_content(measured: MeasuredCells) -> SectionContent:
    """A table with a row for each detector and generator; none where the protocol does not ask for pairs."""
    if not measured.run.manifest.protocol.pairs or not measured.scored.any():
        return SectionContent([])
    rows = _pair_rows(measured)
    kind = "of one source" if rows[_KIND].eq(TWINS).all() else "of one generator and content"
    return SectionContent([_table(rows, f"Pairs {kind}: the generated image scores higher, in %")], rows)


def _pair_rows(measured: MeasuredCells) -> pd.DataFrame:
    """One row per scored cell: its detector, generator, content and seed, its pairs, and the share that is right."""
    images = measured.images_of(measured.scored)
    twins = images.groupby([columns.CELL, columns.SOURCE])[columns.LABEL].nunique().eq(2).any()
    found = []
    for cell, part in images.groupby(columns.CELL):
        order = order_of(part[columns.SCORE].to_numpy(), part[columns.LOG_ODDS].to_numpy())
        compared = part.assign(**{_ORDER: order})
        groups = compared.groupby(columns.SOURCE) if twins else [("", compared)]
        wins, pairs = np.sum([_wins(one) for _, one in groups], axis=0)
        found.append({columns.CELL: cell, _KIND: TWINS if twins else CONTENT, _PAIRS: int(pairs), _HIGHER: wins})
    counted = pd.DataFrame(found).set_index(columns.CELL)
    counted[_HIGHER] /= counted[_PAIRS].where(counted[_PAIRS] > 0)
    names = [columns.DETECTOR, columns.TEST, _CONTENTS, columns.DEGRADATION, columns.SEED]
    return measured.table.loc[counted.index, names].join(counted).reset_index(drop=True)


def _wins(images: pd.DataFrame) -> tuple[float, int]:
    """The pairs in which the generated image scores higher, ties counting half, and all pairs of some images."""
    labels, order = images[columns.LABEL].to_numpy(int), images[_ORDER].to_numpy(float)
    pairs = int((labels == 0).sum() * (labels == 1).sum())
    return (roc_auc(labels, order) * pairs if pairs else 0.0), pairs


def _table(rows: pd.DataFrame, title: str) -> TitledTable:
    """Shares by detector and generator, a column for each kind of content; every pair counts alike."""
    contents = list(rows[_CONTENTS].unique())
    groups = list(rows.groupby([columns.DETECTOR, columns.TEST], sort=False))
    shown = [
        TableColumn("detector", tuple(str(detector) for (detector, _), _ in groups), left=True),
        TableColumn("generator", tuple(str(test) for (_, test), _ in groups), left=True),
        TableColumn(_PAIRS, tuple(f"{part[_PAIRS].sum():,}" for _, part in groups)),
        TableColumn(_ALL, tuple(_share(part) for _, part in groups)),
    ]
    for content in contents if len(contents) > 1 else ():
        shown.append(TableColumn(content, tuple(_share(part[part[_CONTENTS] == content]) for _, part in groups)))
    return TitledTable(title, tuple(shown))


def _share(rows: pd.DataFrame) -> str:
    pairs = rows[_PAIRS].sum()
    return percent(float((rows[_HIGHER].fillna(0) * rows[_PAIRS]).sum() / pairs)) if pairs else DASH
