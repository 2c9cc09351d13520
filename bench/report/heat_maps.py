"""What the picture of a run shows, before it is drawn: a panel per detector, its accuracies, where each stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib import metadata
from itertools import accumulate, chain
from pathlib import Path

import pandas as pd

from bench.evaluation.cells import accuracy_name, average_masks, folded_text
from bench.records import columns
from bench.records.manifest import ALL_CELLS, Manifest, ProtocolRecord
from bench.report.matrix_style import grouped_values, matrix_panels
from bench.report.ranking_columns import percent
from protocols.api import AxisValue, Role

_ROLES: tuple[Role, ...] = ("home", "away")
_FAMILY_GAP = 0.18  # between groups of one family, in widths of a cell


@dataclass(frozen=True)
class Panel:
    """One heat map.

    Attributes:
        title: The detector; "" for a panel of all detectors.
        summary: The averages of the detector, as one line.
        values: By row and column, in [0, 1]; NaN where a cell was not scored.
        rows: Where the cells of each row begin, in heights of a cell.
        columns: Where the cells of each column begin, in widths of a cell.
        counts: The number of images of each row, where it is shown.
    """

    title: str
    summary: str
    values: dict[tuple[AxisValue, AxisValue], float]
    rows: dict[AxisValue, float]
    columns: dict[AxisValue, float]
    counts: Mapping[AxisValue, int] = field(default_factory=dict)


@dataclass(frozen=True)
class HeatMaps:
    """All panels of a run, and the lines above them; values are accuracies, or the shares of each row."""

    title: str
    question: str
    description: str
    panels: tuple[Panel, ...]
    shares: bool = False

    @cached_property
    def digest(self) -> str:
        """A hash of all this, of the code that draws it and of Matplotlib's version: what is equal looks alike."""
        folder = Path(__file__).parent
        code = [(folder / name).read_text() for name in ("picture.py", "curves.py", "matrix_style.py")]
        return sha256(repr((self, code, metadata.version("matplotlib"))).encode()).hexdigest()


def heat_maps(matrices: Mapping[str, pd.DataFrame], table: pd.DataFrame, manifest: Manifest) -> HeatMaps:
    """The heat maps of all detectors of a run.

    A detector whose matrix has several rows gets a panel; where all have a single row, they share one. Families stand
    apart.

    Args:
        matrices: The accuracies of each detector, as `bench.evaluation.cells.matrices` returns them.
        table: As `bench.evaluation.cells.cells_table` returns it.
        manifest: The run's.
    """
    seeds = len(manifest.seeds)
    accuracy = accuracy_name(table).capitalize()
    description = f"{accuracy} in %. Data: {manifest.data.title}. Setting: {manifest.setting}. Training seeds: {seeds}."
    if folded := folded_text(table, manifest.protocol):
        description += f" Each cell is a mean over {folded}."
    title, _, question = manifest.protocol.title.partition(": ")
    return HeatMaps(title, question, description, tuple(_panels(matrices, table, manifest)))


def _panels(matrices: Mapping[str, pd.DataFrame], table: pd.DataFrame, manifest: Manifest) -> list[Panel]:
    families, protocol = manifest.data.families, manifest.protocol
    panels = []
    for title, frame in matrix_panels(matrices).items():
        summary = _summary(table[table[columns.DETECTOR] == title], protocol) if title else ""
        names = list(frame.index)
        rows = positions(grouped_values(names, protocol.rows, families) if title else [names])
        across = positions(grouped_values(list(frame.columns), protocol.columns, families))
        accuracies = frame.to_dict()
        values = {(row, column): float(accuracies[column][row]) for row in rows for column in across}
        panels.append(Panel(title, summary, values, rows, across))
    return panels


def positions(grouped: Sequence[Sequence[AxisValue]]) -> dict[AxisValue, float]:
    """Where the cell of each value begins, in widths of a cell, with a gap between groups."""
    ordered = chain.from_iterable(grouped)
    steps = [1.0 + (_FAMILY_GAP if name == group[-1] else 0.0) for group in grouped for name in group]
    return dict(zip(ordered, accumulate([0.0, *steps[:-1]]), strict=True))


def _summary(cells: pd.DataFrame, protocol: ProtocolRecord) -> str:
    """The averages of the roles home and away, or over all cells without either, where no cell is missing."""
    masks = average_masks(cells, protocol)
    leading = [name for role in _ROLES if (name := protocol.group(role)) is not None] or [ALL_CELLS]
    means = {name: cells.loc[masks[name], columns.RANKED].mean(skipna=False) for name in leading}
    return "   ".join(f"{name} {percent(float(mean))}" for name, mean in means.items())
