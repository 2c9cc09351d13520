"""Which generators are alike to detectors: what works on one works on the other."""

from __future__ import annotations

from bench.analyses.scores.transfer import GeneratorClusters, generator_transfer
from bench.charts.chart import Chart
from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TableColumn, TitledTable


def transfer_content(findings: Findings) -> FigureContent:
    """Two maps of correlations, of test sets and of train sets, generators in the order of their clusters."""
    detectors = [row.detector for ranking, row in findings.rows if not ranking.released and row.reasons == ()]
    detectors = [name for name in detectors if not findings.manifest.detectors[name].shortcut]
    if not detectors:
        return FigureContent(reason="No detector was trained, or cells of each are missing.")
    found = generator_transfer(findings.measured, detectors)
    parts = {
        "tested on: what works on one works on the other": found.tested,
        "trained on: they lead to alike detectors": found.trained,
    }
    shown = {title: clusters for title, clusters in parts.items() if not clusters.reason}
    if not shown:
        return FigureContent(reason=f"Nothing is clustered: {found.tested.reason}.")
    chart = _chart(findings, shown, len(detectors))
    if found.tested.reason:
        return FigureContent([chart], reason=found.tested.reason)
    rows = found.tested.similarity.reset_index(names="generator")
    return FigureContent([chart], [_table(found.tested)], rows)


def _chart(findings: Findings, shown: dict[str, GeneratorClusters], detectors: int) -> Chart:
    panels = []
    for title, clusters in shown.items():
        found = clusters.similarity.to_dict()
        values = {(str(row), str(column)): float(found[column][row]) for row in found for column in found}
        groups = [[str(name) for name in cluster] for cluster in clusters.clusters]
        panels.append(HeatMapPanel(title, values, groups, groups, kind="r", diagonal=False))
    tested = next(iter(shown.values()))
    alike = ["+".join(cluster) for cluster in tested.clusters if len(cluster) > 1]
    said = f"Clusters of generators: {'; '.join(alike)}." if alike else "No two generators are alike."
    note = f"Correlation of accuracies, {_averaged(detectors)}, cells of the two generators left out. "
    note += f"Gaps: clusters that are cut at a correlation of {1 - tested.cut:g}. {findings.about()}"
    return heat_map_chart("Generators that are alike to detectors", said, panels, note=note)


def _table(clusters: GeneratorClusters) -> TitledTable:
    joins = clusters.merges
    return TitledTable(
        "Generators as test sets, joined one after another",
        (
            TableColumn("one side", tuple(", ".join(join.first) for join in joins), left=True),
            TableColumn("other side", tuple(", ".join(join.second) for join in joins), left=True),
            TableColumn("mean correlation", tuple(f"{1 - join.distance:.2f}" for join in joins)),
        ),
    )


def _averaged(detectors: int) -> str:
    return "of one detector" if detectors == 1 else f"mean of {detectors} detectors"


FIGURE = Figure(
    "transfer",
    "Transfer",
    "Which generators are alike?",
    transfer_content,
    "Two generators correlate as test sets where detectors that were trained on others do well on both, or badly on "
    "both; as train sets where what was trained on them does well on the same others. Average linkage.",
)
