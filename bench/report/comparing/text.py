"""A comparison of two detectors for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from bench.evaluation.comparing.cell_differences import (
    CORRECTED,
    DIFFERENCE,
    FIRST,
    HIGH,
    LOW,
    SECOND,
    SEEDS,
    VERDICT,
)
from bench.evaluation.comparing.comparison import AverageDifference, DetectorComparison
from bench.evaluation.pairwise.pool_comparison import Evidence
from bench.records import columns
from bench.report.ranking_columns import DASH, TableColumn, p_text, percent, points
from bench.report.terminal import WIDTH, split_columns, text_table
from bench.statistics.generator_margins import FEWEST_GENERATORS
from bench.statistics.ranks import BETTER, SAME, UNRESOLVED, WORSE

MOST_CELLS = 20  # that are shown unless all are asked for
MEASURES = {columns.ROC_AUC: "ROC AUC of "}  # before the name of an average, of what is not the accuracy


def comparison_report(found: Sequence[DetectorComparison], *, power: bool = False, all_cells: bool = False) -> Group:
    """What differs, by how much, in which averages and cells, and whether it is more than chance.

    Args:
        found: The comparisons.
        power: Whether to say what would settle unresolved averages.
        all_cells: Whether every cell that differs beyond chance is shown.
    """
    parts = [_comparison(one, power=power, all_cells=all_cells) for one in found]
    return Group(*parts, *([_overview(found)] if len(found) > 1 else []), Text(_legend(found), style="dim"))


def _comparison(found: DetectorComparison, *, power: bool, all_cells: bool) -> Group:
    """One comparison."""
    parts: list[RenderableType] = [
        Text(f"{found.paired.first.title} against {found.paired.second.title}", style="bold"),
        Text(_heading(found)),
        *_made_otherwise(found),
        *(Text(f"Left out: {line}", style="yellow") for line in found.paired.left_out),
        *map(text_table, split_columns(_average_columns(found, found.averages), WIDTH, 1)),
        *(Text(line) for line in _said(found)),
        *_cells(found, all_cells=all_cells),
        *(_power(found) if power else ()),
    ]
    return Group(*parts)


def _heading(found: DetectorComparison) -> str:
    """On what the two are compared."""
    manifest, cells = found.paired.run.manifest, found.paired.run.cells
    largest = max(found.averages, key=lambda one: one.images)
    images = f"{largest.images:,} images of {_counted(largest.sources, 'source')}"
    seeds = _counted(cells[columns.SEED].nunique(), "training seed")
    where = f"{_counted(len(cells) // 2, 'cell')} that both have, {seeds}, {images}"
    return f"{manifest.protocol.title}. Data: {manifest.data.title}. Setting: {manifest.setting}. {where}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _made_otherwise(found: DetectorComparison) -> list[RenderableType]:
    """How the two were made otherwise, a row each."""
    told = found.paired.differences
    if not told:
        return [Text("Nothing that is recorded differs.")] if found.paired.first.of_two_runs else []
    first, second = _headers(found)
    shown = [
        TableColumn("what differs", tuple(one.what for one in told), left=True),
        TableColumn(first, tuple(one.first for one in told), left=True),
        TableColumn(second, tuple(one.second for one in told), left=True),
    ]
    return [text_table(shown)]


def _headers(found: DetectorComparison) -> tuple[str, str]:
    return found.paired.first.header, found.paired.second.header


def _average_columns(found: DetectorComparison, rows: Sequence[AverageDifference]) -> list[TableColumn]:
    """One row per average: both values, and what is said of their difference on these generators and across."""
    first, second = _headers(found)
    shown = [
        TableColumn("average", tuple(_name(one) for one in rows), left=True),
        TableColumn(first, tuple(percent(one.first) for one in rows)),
        TableColumn(second, tuple(percent(one.second) for one in rows)),
        TableColumn("on these generators", tuple(_difference(one, one.on_these) for one in rows)),
        TableColumn("p", tuple(p_text(one.on_these.p) for one in rows)),
        TableColumn("verdict", tuple(one.on_these.verdict for one in rows), left=True),
    ]
    if any(one.across for one in rows):
        shown += [
            TableColumn("across generators", tuple(_interval(one.across) for one in rows)),
            TableColumn("p", tuple(p_text(one.across.p) if one.across else DASH for one in rows)),
            TableColumn("verdict", tuple(one.across.verdict if one.across else UNRESOLVED for one in rows), left=True),
        ]
    return shown


def _name(average: AverageDifference) -> str:
    return MEASURES.get(average.measure, "") + average.average


def _difference(average: AverageDifference, evidence: Evidence) -> str:
    return f"{points(average.difference)} {_interval(evidence)}"


def _interval(evidence: Evidence | None) -> str:
    """The ends of an interval of differences in percentage points."""
    return DASH if evidence is None else f"[{points(evidence.low)}, {points(evidence.high)}]"


def _said(found: DetectorComparison) -> list[str]:
    """What is said across generators, of decisions, and of cells."""
    scopes = dict.fromkeys(one.scope for one in found.averages)
    several = len(scopes) > 1
    said = []
    for scope in scopes:
        names = [_name(one) for one in found.averages if one.scope == scope]
        of = f" of {', '.join(names)}" if several else ""
        said.append(f"Across generators{of}: {scope}.")
    return [*said, _decisions(found), _counted_cells(found)]


def _decisions(found: DetectorComparison) -> str:
    """On how many decisions the two differ."""
    changes, (first, second) = found.decisions, _headers(found)
    if not changes.won + changes.lost:
        return f"Decisions: the two differ on none of {changes.decisions:,} (p 1): they decide alike everywhere."
    of_these = ", for these trainings alone" if _several_trainings(found) else ""
    return (
        f"Decisions: the two differ on {changes.won + changes.lost:,} of {changes.decisions:,}, on {changes.images:,} "
        f"of {changes.of_images:,} images: {changes.won:,} right by {first} alone, {changes.lost:,} by {second} alone "
        f"(McNemar's test by whole sources{of_these}, p {p_text(changes.p)})."
    )


def _counted_cells(found: DetectorComparison) -> str:
    """In how many cells the two differ beyond chance."""
    own = int(found.cells[VERDICT].ne(SAME).sum())
    of_all = " of all detectors" if found.tested > own else ""
    corrected = f", corrected for the {found.tested:,}{of_all} in which any decision differs" if own else ""
    trainings = ", each a mean over trainings" if _several_trainings(found) else ""
    return f"Cells{trainings}{corrected}: {_cell_verdicts(found)}."


def _several_trainings(found: DetectorComparison) -> bool:
    return bool(found.cells[SEEDS].gt(1).any())


def _cell_verdicts(found: DetectorComparison) -> str:
    """The number of cells with each verdict."""
    verdicts = found.cells[VERDICT]
    kinds = (BETTER, WORSE, UNRESOLVED, SAME)
    return ", ".join(f"{verdicts.eq(one).sum():,} {one}" for one in kinds if verdicts.eq(one).any())


def _cells(found: DetectorComparison, *, all_cells: bool) -> list[RenderableType]:
    """The cells that differ beyond chance, the largest difference first."""
    cells = found.cells[found.cells[VERDICT].isin((BETTER, WORSE))]
    if cells.empty:
        return []
    largest = cells.sort_values(DIFFERENCE, key=abs, ascending=False, kind="stable")
    shown = largest if all_cells else largest[:MOST_CELLS]
    more = len(largest) - len(shown)
    left = [Text(f"... and {more} more, which --all shows")] if more else []
    blocks = split_columns(_cell_columns(found, shown), WIDTH, 2)
    return [Text("Cells that differ beyond chance"), *(text_table(block, 2) for block in blocks), *left]


def _cell_columns(found: DetectorComparison, cells: pd.DataFrame) -> list[TableColumn]:
    axes = columns.of_question(found.paired.run.manifest.protocol.axes)
    names = [name for name in axes if found.cells[name].nunique() > 1] or [columns.TEST]
    counts = [TableColumn("images", tuple(f"{count:,}" for count in cells[columns.N]))]
    ends = zip(cells[DIFFERENCE], cells[LOW], cells[HIGH], strict=True)
    first, second = _headers(found)
    return [
        *(TableColumn(name.replace("_", " "), tuple(map(str, cells[name])), left=True) for name in names),
        *(counts if found.cells[columns.N].nunique() > 1 else ()),
        TableColumn(first, tuple(map(percent, cells[FIRST]))),
        TableColumn(second, tuple(map(percent, cells[SECOND]))),
        TableColumn("difference", tuple(f"{points(one)} [{points(low)}, {points(high)}]" for one, low, high in ends)),
        TableColumn("p", tuple(map(p_text, cells[CORRECTED]))),
        TableColumn("verdict", tuple(cells[VERDICT]), left=True),
    ]


def _power(found: DetectorComparison) -> list[RenderableType]:
    """What would settle the averages that are unresolved, on these generators or across generators."""
    rows, several_trainings = [one for one in found.averages if _unresolved(one)], _several_trainings(found)
    if not rows:
        return [Text("Nothing is unresolved: no more images or generators are needed.")]
    shown = [
        TableColumn(
            "to settle, with a power of 80%",
            tuple(_name(one) for one in rows),
            left=True,
        ),
        TableColumn("images", tuple(_images_needed(one, several_trainings) for one in rows), left=True),
        TableColumn("generators", tuple(_generators_needed(one) for one in rows), left=True),
    ]
    return [text_table(shown)]


def _unresolved(average: AverageDifference) -> bool:
    if average.on_these.verdict == SAME:
        return False
    return UNRESOLVED in {average.on_these.verdict, average.across.verdict if average.across else UNRESOLVED}


def _images_needed(average: AverageDifference, several_trainings: bool) -> str:  # noqa: FBT001 - as found
    needed = average.needed
    if average.on_these.verdict != UNRESOLVED:
        return "settled"
    if needed.sources is None or needed.images is None:
        unsettled = "trainings vary too much" if several_trainings else "too few sources"
        return f"no number: {unsettled if average.difference else 'no difference'}"
    sources = "" if needed.sources == needed.images else f" of {_counted(needed.sources, 'source')}"
    return f"about {needed.images:,}{sources} (now {average.images:,})"


def _generators_needed(average: AverageDifference) -> str:
    if average.across is None:
        return f"{FEWEST_GENERATORS} or more"
    if average.across.verdict != UNRESOLVED:
        return "settled"
    generators = average.needed.generators
    return "no number: images vary too much" if generators is None else f"about {generators:,}"


def _legend(found: Sequence[DetectorComparison]) -> str:
    """How to read the numbers."""
    on_these, across = found[0].tests
    counts = f"{on_these} averages on these generators" + (f" and {across} across generators" if across else "")
    corrected = f" by Holm's correction for the {counts} that are not the same, 5% for any false verdict"
    trainings = " and trainings" if any(_several_trainings(one) for one in found) else ""
    accuracy = " or ".join(dict.fromkeys(one.accuracy for one in found))
    return (
        f"{accuracy.capitalize()} in %, differences in percentage points: first minus second, [95% interval of each "
        f"alone, over images clustered by source{trainings}, or were other generators drawn]. Verdict: of the first "
        f"against the second; p two-sided{corrected * bool(on_these)}."
    )


def _overview(found: Sequence[DetectorComparison]) -> Group:
    """One row for each of several comparisons: the average that ranks, and the verdicts on cells."""
    rows = [one.ranking for one in found]
    shown = [
        TableColumn("detector", tuple(one.paired.first.detector for one in found), left=True),
        TableColumn("average", tuple(map(_name, rows)), left=True),
        *_average_columns(found[0], rows)[1:4],
        TableColumn("verdict", tuple(one.on_these.verdict for one in rows), left=True),
        TableColumn(
            "across generators", tuple(one.across.verdict if one.across else UNRESOLVED for one in rows), left=True
        ),
    ]
    cells = TableColumn("cells", tuple(map(_cell_verdicts, found)), left=True)
    return Group(Text("In short", style="bold"), *map(text_table, split_columns([*shown, cells], WIDTH, 1)))
