"""Whether detectors keep their order under other training seeds, degradations and data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from bench.evaluation.cells import MeasuredCells
from bench.evaluation.comparing.order_stability import OrderStability, order_stabilities
from bench.records import columns
from bench.report.ranking_columns import DASH, FIRST_DATA, TableColumn, TitledTable
from bench.report.sections.content import SectionContent

LEGEND = (
    "Kendall's tau-b of the orders of detectors under two values: 1 for the same order, 0 for orders that have nothing "
    "to do with each other, -1 for the reverse. Least and mean are over all pairs of values. Where detectors are not "
    "told apart, their orders differ by chance."
)
AXIS_NAMES = {
    columns.SEED: "training seeds",
    columns.DEGRADATION: "degradations",
    columns.TEST_DATA: "data sets",
}


def order_content(measured: MeasuredCells) -> SectionContent:
    """A row for training seeds, degradations and data sets, where there are several; none for under three detectors."""
    found = order_stabilities(measured)
    if not found:
        return SectionContent([])
    tables = [
        _table([one for one in found if one.trained is trained])
        for trained in (True, False)
        if any(one.trained is trained for one in found)
    ]
    return SectionContent(tables, pd.DataFrame([_row(one) for one in found]))


def _table(found: Sequence[OrderStability]) -> TitledTable:
    kind = "" if found[0].trained else ", of detectors that were not trained"
    shown = (
        TableColumn("over", tuple(AXIS_NAMES[one.axis] for one in found), left=True),
        TableColumn("values", tuple(str(len(one.values)) for one in found)),
        TableColumn("detectors", tuple(str(len(one.detectors)) for one in found)),
        TableColumn("least tau", tuple(f"{one.least:.2f}" for one in found)),
        TableColumn("between", tuple(map(_between_text, found)), left=True),
        TableColumn("mean tau", tuple(f"{one.mean:.2f}" for one in found)),
    )
    return TitledTable(f"Do detectors keep their order by {found[0].average}{kind}?", shown)


def _between_text(found: OrderStability) -> str:
    """The two values whose orders differ most; a dash where all orders are the same."""
    return " and ".join(map(_value_text, found.between)) if found.least < 1 else DASH


def _value_text(value: object) -> str:
    """A value of an axis; the first of several data sets has no name."""
    return str(value) if value != "" else FIRST_DATA


def _row(found: OrderStability) -> dict[str, object]:
    first, second = found.between
    row = {**asdict(found), "values": len(found.values), "detectors": len(found.detectors)}
    row.pop("between")
    return {**row, "least_first": first, "least_second": second}
