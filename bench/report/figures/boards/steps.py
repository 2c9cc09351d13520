"""How accuracy changes along steps: severities of a degradation, numbers of images, dates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.plot_area import PlotAxis, names_axis, percent_axis
from bench.evaluation.cells import accuracy_name, folded_text, place_means
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TableColumn, TitledTable, interval_text, percent
from protocols.api import NONE

_MOST_LINES = 12  # of a panel; the matrices have all
_ENDS = columns.interval_of(columns.RANKED)
_Points = Mapping[tuple[str, str], tuple[float, float, float]]  # accuracy and its interval, by detector and step


def steps_content(findings: Findings) -> FigureContent:
    """A panel for each quantity: of a degradation with several severities, or of the steps of the protocol."""
    protocol = findings.manifest.protocol
    if protocol.columns.name == columns.DEGRADATION:
        quantities = _severities([str(name) for name in _values(findings, columns.DEGRADATION)])
    elif protocol.columns.steps:
        quantities = {"": [str(name) for name in _values(findings, protocol.columns.name)]}
    else:
        quantities = {}
    if not quantities:
        return FigureContent()
    rows = _points(findings)
    best = findings.best(_MOST_LINES)
    found = {(row[0], row[1]): row[2:] for row in rows.itertuples(index=False, name=None)}
    axis = _axis(rows[rows[columns.DETECTOR].isin(best)])
    panels = [
        _panel(title, names, [_series(findings, found, detector, names) for detector in best], axis)
        for title, names in quantities.items()
    ]
    chart = line_chart(_title(findings), _description(rows, best, quantities), panels, note=_note(findings, len(best)))
    tables = [_table(kind, names, found, findings.best()) for kind, names in quantities.items()]
    return FigureContent([chart], tables, rows)


def _values(findings: Findings, axis: str) -> list[object]:
    return list(findings.measured.table[axis].unique())


def _severities(names: Sequence[str]) -> dict[str, list[str]]:
    """The severities of each degradation that has several, behind the clean images; chains are one of a kind."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        if ":" in name and "+" not in name:
            kinds.setdefault(name.partition(":")[0], []).append(name)
    clean = [NONE] if NONE in names else []
    return {kind: [*clean, *found] for kind, found in kinds.items() if len(found) > 1}


def _points(findings: Findings) -> pd.DataFrame:
    """The accuracy of each detector at each step, with its interval where it is of one cell."""
    axis = findings.manifest.protocol.columns.name
    found = place_means(findings.measured.table, [columns.DETECTOR, axis])[[columns.RANKED, *_ENDS]]
    return found.reset_index().rename(columns={axis: "step"}).astype({"step": "str"})


def _panel(title: str, names: Sequence[str], series: Sequence[Series], axis: PlotAxis) -> LinePanel:
    labels = [name.partition(":")[2] or name for name in names] if title else list(names)
    return LinePanel(title, series, names_axis(labels), axis, level=0.5, slanting=max(map(len, labels)) > 7)


def _table(kind: str, names: Sequence[str], found: _Points, detectors: Sequence[str]) -> TitledTable:
    """The numbers of a panel, of all detectors."""
    missing = (math.nan,) * 3
    texts = {name: tuple(_text(*found.get((detector, name), missing)) for detector in detectors) for name in names}
    first = TableColumn(columns.DETECTOR, tuple(detectors), left=True)
    title = f"Accuracy in % under {kind}" if kind else "Accuracy in % at each step"
    return TitledTable(title, (first, *(TableColumn(name, own) for name, own in texts.items())))


def _text(value: float, low: float, high: float) -> str:
    return percent(value) if math.isnan(low) else f"{percent(value)} {interval_text(low, high)}"


def _series(findings: Findings, found: _Points, detector: str, names: Sequence[str]) -> Series:
    """The line of a detector over some steps."""
    values = [found.get((detector, name), (math.nan,) * 3) for name in names]
    points = [(float(place), value) for place, (value, _, _) in enumerate(values)]
    bounds = [(low, high) for _, low, high in values]
    return Series(findings.title(detector), findings.hues[detector], points, bounds)


def _axis(rows: pd.DataFrame) -> PlotAxis:
    """From the tenth below the lowest end of an interval to 100 %, alike for all panels."""
    ends = [value for value in rows[[columns.RANKED, *_ENDS]].to_numpy(float).ravel() if not math.isnan(value)]
    return percent_axis(min(0.4, math.floor(10 * min(ends, default=0.5)) / 10), 1.0)


def _title(findings: Findings) -> str:
    title = findings.manifest.protocol.title.partition(": ")[0]
    trains = findings.measured.table[columns.TRAIN].unique()
    trained = [str(name) for name in trains if str(name)]
    if not findings.manifest.protocol.trains or not trained or any(one.released for one in findings.rankings):
        return title
    on = trained[0] if len(trained) == 1 else f"{len(trained)} train sets in turn"
    return f"{title}, trained on {on}"


def _note(findings: Findings, shown: int) -> str:
    table = findings.measured.table
    accuracy = accuracy_name(table).capitalize()
    left = f" The first {shown} of {len(findings.rows)} rows." if len(findings.rows) > shown else ""
    protocol = findings.manifest.protocol
    over = [folded_text(table, protocol)] if folded_text(table, protocol) else []
    rows = table[protocol.rows.name].nunique()
    over += [f"{protocol.rows.name} ({rows} values)"] if rows > 1 else []
    mean = f" Each point is a mean over {' and '.join(over)}." if over else ""
    return f"{accuracy} in %, upright lines: 95% interval over the images.{mean} {findings.about()}{left}"


def _description(rows: pd.DataFrame, detectors: Sequence[str], quantities: Mapping[str, Sequence[str]]) -> str:
    """How far the first detector falls along each quantity."""
    own = rows[rows[columns.DETECTOR].eq(detectors[0])].set_index("step")[columns.RANKED]
    falls = [
        f"{kind or 'steps'}: from {percent(float(own.get(names[0], math.nan)))} % at {names[0]} to "
        f"{percent(float(own.get(names[-1], math.nan)))} % at {names[-1]}"
        for kind, names in quantities.items()
    ]
    return f"{detectors[0]}, " + "; ".join(falls) + "."


FIGURE = Figure(
    "curves",
    "Steps",
    "What breaks it, and how fast?",
    steps_content,
    "One line per detector, from clean images to the strongest step, marks a little apart so that all are seen. The "
    "dashed line is guessing. `lineup show jpeg` says what the numbers of a degradation mean.",
)
