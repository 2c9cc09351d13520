"""What the regression gate says beside the comparison of fits: changed decisions, speeds, how to accept a change."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from bench.golden.changed_decisions import NEAR, NOW_RIGHT, NOW_WRONG, DecisionResult
from bench.golden.speeds import SLOWER, SpeedResult
from bench.records import columns
from bench.report.comparison_report import MAX_ROWS
from bench.report.ranking_columns import TableColumn
from bench.report.terminal import text_table


def decision_report(result: DecisionResult) -> Group:
    """The cells with changed decisions, obstacles, and a line that sums them up."""
    parts: list[RenderableType] = []
    if result.changed:
        names = (columns.DETECTOR, *result.axes, columns.SEED)
        worst = result.cells.assign(all=result.cells[NOW_WRONG] + result.cells[NOW_RIGHT]).sort_values(
            "all", ascending=False, kind="stable"
        )
        shown = [
            TableColumn(name.replace("_", " "), tuple(map(str, worst[name][:MAX_ROWS])), left=True) for name in names
        ]
        counts = (columns.IMAGES, NOW_WRONG, NOW_RIGHT)
        shown += [TableColumn(name, tuple(map(str, worst[name][:MAX_ROWS]))) for name in counts]
        parts += [Text(f"Cells with changed decisions: {len(worst)}", style="bold red"), text_table(shown, len(names))]
        parts += [Text(f"... and {len(worst) - MAX_ROWS} more")] if len(worst) > MAX_ROWS else []
    if result.obstacles:
        parts += [Text("Not comparable", style="bold yellow"), *(Text(f"- {line}") for line in result.obstacles)]
    if result.near:
        text = f"Note: {result.near} further decisions within {NEAR:g} of the threshold changed, by rounding"
        parts.append(Text(text, style="dim"))
    changed = int(result.cells[[NOW_WRONG, NOW_RIGHT]].to_numpy().sum())
    ends = f"{changed} changed" if changed else "none changed"
    moved = f"scores moved by {result.largest_move:.1g} at most"
    parts.append(Text(f"{result.compared} decisions compared, {ends}; {moved}.", style="bold"))
    return Group(*parts)


def speed_report(result: SpeedResult) -> Group:
    """The speeds beside those of the record, and a line that sums them up."""
    table = result.table
    shown = [TableColumn(columns.DETECTOR, tuple(table[columns.DETECTOR]), left=True)]
    for name, header in (("record", "record images/s"), ("now", "images/s now")):
        shown.append(TableColumn(header, tuple(f"{value:.0f}" for value in table[name])))
    shown.append(TableColumn("now / record", tuple(f"{value:.2f}" for value in table["share"])))
    shown.append(TableColumn("verdict", tuple(table["verdict"]), left=True))
    processors = ", ".join(sorted(set(table[columns.PROCESSOR])))
    slower = int(table["verdict"].eq(SLOWER).sum())
    lines = [f"Not timed on both sides: {', '.join(result.missing)}"] if result.missing else []
    lines.append(f"Record of {processors or 'nothing'}; {slower or 'none'} slower.")
    return Group(text_table(shown), *(Text(line, style="bold") for line in lines))


def accepting(detectors: Iterable[str]) -> str:
    """The command that takes what these detectors answer now into the record that ships."""
    return f"lineup regress --update --only {','.join(detectors)}"


def acceptance(detectors: Iterable[str]) -> Text:
    """What to type where a change is meant."""
    return Text(
        f"If these changes are meant: raise the version on the card of each, and run\n"
        f"  {accepting(detectors)}\n"
        "and put the table of changed cells that it prints into the commit.",
        style="bold",
    )


def record_acceptance(command: str) -> str:
    """What to type where a change is meant, of a record of anybody's.

    Args:
        command: As it is typed.
    """
    return f"If this is meant, run\n  {command}\nand commit the record with what that prints."
