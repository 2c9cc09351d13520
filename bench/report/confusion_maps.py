"""What the picture of an attribution shows, before it is drawn: a panel per detector, who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence

from bench.evaluation.leaderboard import Ranking
from bench.records.run import Run
from bench.report.heat_maps import HeatMaps, Panel, positions
from bench.report.matrix_style import group_by_family
from bench.report.ranking_columns import percent
from bench.report.sections.attribution import REAL, Confusion, confusions

SHOWN_MEASURES = ("accuracy", "macro F1")


def confusion_maps(run: Run, ranked: Sequence[Ranking]) -> HeatMaps | None:
    """The confusion matrices of a run as heat maps, in the order of its rankings; None where nobody named generators.

    Families stand apart, and so do real images, which come last.

    Args:
        run: The run.
        ranked: Its rankings.
    """
    found = confusions(run)
    if not found:
        return None
    places = {row.detector: place for place, row in enumerate(row for ranking in ranked for row in ranking.rows)}
    found.sort(key=lambda one: places.get(one.detector, len(places)))  # those of one detector stay in their order
    manifest = run.manifest
    description = (
        "Of the images that a generator made (rows, with their number), the share in % that is named as each column. "
        f"Data: {manifest.data.title}. Setting: {manifest.setting}. "
        f"Training seeds: {len(manifest.seeds)}."
    )
    panels = tuple(_panel(one, dict(manifest.data.families)) for one in found)
    return HeatMaps("Attribution", "which generator is taken for which?", description, panels, shares=True)


def _panel(found: Confusion, families: dict[str, str]) -> Panel:
    summary = "   ".join(f"{name} {percent(found.measures[name])}" for name in SHOWN_MEASURES)
    rows, across = (
        positions([*group_by_family([name for name in names if name != REAL], families), [REAL]])
        for names in (found.shares.index, found.shares.columns)
    )
    shares = found.shares.to_dict()
    values = {(row, column): float(shares[column][row]) for row in rows for column in across}
    return Panel(found.title, summary, values, rows, across, {name: found.counts.get(str(name), 0) for name in rows})
