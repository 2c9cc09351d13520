"""The report of a run: what is printed, and the derived files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.text import Text

from bench.evaluation.asked.rank_measures import NOTHING_ASKED, AskedMeasures
from bench.evaluation.cells import MeasuredCells, cells_table, evaluate, matrices, matrix, readable_table
from bench.evaluation.joined_runs import join_runs, join_where_possible
from bench.evaluation.leaderboard import Ranking, rankings_of
from bench.platform.errors import InputError
from bench.platform.files import plain_name
from bench.platform.outside.console import PlainConsole
from bench.platform.outside.json_text import json_document
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.records.run import Run
from bench.records.store import Store
from bench.report import terminal
from bench.report.base_degradations import base_degradation_tables
from bench.report.sections import Section
from bench.report.sections.content import SectionContent
from bench.report.sections.published import published_figures

if TYPE_CHECKING:
    from bench.platform.progress import Reporter  # which brings what draws bars

PICTURES = {"matrix.png": "matrix", "curves.png": "curves", "confusion.png": "confusion"}  # by file, the figure
TEXTS = (
    "Tables of Lineup. In CSV, a text that a spreadsheet would run as a formula has an apostrophe before it; "
    "throughput.csv, training.csv and validation.csv have texts as they are."
)


def report_run(run: Run, store: Store, reporter: Reporter, *, show: bool = True) -> None:
    """Write every derived file and print the leaderboard, unless it will be printed beside others."""
    from bench.report.sections.catalogue import sections_of

    measured = evaluate(run)
    ranked, sections = rankings_of(run, measured), sections_of(measured)
    write_files(run, measured, ranked, sections, store)
    if show:
        _print(ranked, PlainConsole(least_width=terminal.WIDTH))
        _print_sections(sections, PlainConsole(least_width=terminal.WIDTH))
    reporter.say(
        f"Written to {store.root}: leaderboard.md .csv .json .tex, cells.parquet, matrices, scores, throughput.csv"
    )


def write_files(
    run: Run,
    measured: MeasuredCells,
    ranked: Sequence[Ranking],
    sections: Sequence[tuple[Section, SectionContent]],
    store: Store,
) -> None:
    """Write the tables and pictures that follow from a run's scores.

    Args:
        run: The run.
        measured: Its cells, measured.
        ranked: Its rankings.
        sections: As `sections_of` gives them.
        store: Of its result folder.
    """
    protocol = run.manifest.protocol
    store.write_frame("cells.parquet", readable_table(measured.table, protocol))
    store.clear("matrix-*.csv")
    for detector, accuracies in matrices(measured.table, protocol).items():
        store.write(f"matrix-{plain_name(detector)}.csv", spreadsheet_csv(accuracies, index=True).encode())
    _write_leaderboard(ranked, store)
    from bench.report import formats
    from bench.report.sections.catalogue import all_sections

    for section in all_sections():
        store.clear(f"{section.name}.*")
    for section, content in sections:
        store.write(f"{section.name}.md", formats.section_as_markdown(content.tables, section.legend).encode())
        if content.rows is not None:
            store.write(f"{section.name}.csv", spreadsheet_csv(content.rows).encode())
    _write_pictures(run, measured, ranked, store)
    _describe(store)


def _describe(store: Store) -> None:
    """Write beside the tables of a folder what their columns mean."""
    from bench.exchange.data_package.package import tables_in, write_package

    write_package(store.root, tables_in(store.root), TEXTS)


def _write_pictures(run: Run, measured: MeasuredCells, ranked: Sequence[Ranking], store: Store) -> None:
    """Draw the figures that show a run at a glance; a figure that has nothing to show leaves no file."""
    from bench.charts.raster import to_png
    from bench.report.figures import find_figure
    from bench.report.figures.findings import Findings

    findings = Findings(run, measured, ranked)
    for file, name in PICTURES.items():
        charts = find_figure(name).content(findings).charts
        store.clear(file)
        if charts:
            store.write(file, to_png(charts[0]))


def _write_leaderboard(ranked: Sequence[Ranking], store: Store) -> None:
    from bench.report.export.contents import leaderboard_content
    from bench.report.export.forms import ENDINGS, SPREADSHEET, written

    content = leaderboard_content(ranked)
    for form in ("markdown", SPREADSHEET, "json", "latex"):
        store.write(content.name + ENDINGS[form], written(content, form))


def _print(ranked: Sequence[Ranking], console: PlainConsole) -> None:
    for found in ranked:
        console.print(terminal.leaderboard(found))
    for comparison in base_degradation_tables(ranked):
        console.print(Text(comparison.title, style="bold"), terminal.text_table(comparison.columns))
    for block in published_figures(ranked):
        console.print(terminal.published_table(block))


def _print_sections(sections: Sequence[tuple[Section, SectionContent]], console: PlainConsole) -> None:
    for section, content in sections:
        console.print(terminal.titled_tables(content.tables))
        console.print(Text(section.legend, style="dim"))


def report_leaderboard(
    runs: Sequence[Run], store: Store | None, asked: AskedMeasures = NOTHING_ASKED, *, show: bool = True
) -> list[Ranking]:
    """Rank some runs; print the leaderboard, and write it where a store is given, and cells with what was asked for.

    Args:
        runs: The runs.
        store: Of the folder to write to; None for none.
        asked: What is shown beside the usual, and what ranks.
        show: Whether it is printed.
    """
    ranked: list[Ranking] = []
    cells = []
    for run in join_runs(runs):
        measured = evaluate(run, asked.metrics, asked.rescoring)
        ranked += rankings_of(run, measured, asked)
        cells.append(_cells_with_data(measured))
    if show:
        _print(ranked, PlainConsole(least_width=terminal.WIDTH))
    if store is not None:
        _write_leaderboard(ranked, store)
        if asked != NOTHING_ASKED:
            store.write_frame("cells.parquet", pd.concat(cells, ignore_index=True))
        _describe(store)
    return ranked


def report_boards(runs: Mapping[str, Sequence[Run]], store: Store, *, show: bool = True) -> list[Ranking]:
    """Write one leaderboard of runs that have names, and print it: tables for each question and each version.

    Each of several tables says of which runs it is.

    Args:
        runs: By name; of several where images went through several base degradations.
        store: Of the folder for the board.
        show: Whether it is printed.
    """
    named = [(name, run) for name, several in runs.items() for run in several]
    joined = join_where_possible([run for _, run in named])
    ranked: list[Ranking] = []
    for run, places in joined:
        names = list(dict.fromkeys(named[place][0] for place in places))
        of_runs = f"Of the run{'s' if len(names) > 1 else ''} {', '.join(names)}"
        notices = (of_runs,) if len(joined) > 1 else ()
        found = rankings_of(run, evaluate(run))
        ranked += [replace(one, notices=(*notices, *one.notices)) for one in found]
    if show:
        _print(ranked, PlainConsole(least_width=terminal.WIDTH))
    _write_leaderboard(ranked, store)
    _describe(store)
    return ranked


def _cells_with_data(measured: MeasuredCells) -> pd.DataFrame:
    """The cells for a reader, with their protocol and data, and what became of their scores."""
    manifest = measured.run.manifest
    said = {"protocol": manifest.protocol.name, "data": manifest.data.title}
    if applied := " ".join(measured.rescoring.sentences()):
        said["applied"] = applied
    return readable_table(measured.table, manifest.protocol).assign(**said)


def show_run(run: Run, folder: Path) -> None:
    """Print all that a finished run says: its leaderboard, the sections beside it, and the matrix of every detector.

    Args:
        run: The run.
        folder: Where it lies, with its picture.
    """
    from bench.report.sections.catalogue import sections_of

    measured, console = evaluate(run), PlainConsole(least_width=terminal.WIDTH)
    _print(rankings_of(run, measured), console)
    _print_sections(sections_of(measured), console)
    for detector, accuracies in matrices(measured.table, run.manifest.protocol).items():
        console.print(Text(""), terminal.matrix(accuracies, detector, run.manifest, measured.table))
    for picture in PICTURES:
        if (folder / picture).is_file():
            console.print(Text(f"As a picture: {folder / picture}", style="dim"))


def show_image(run: Run, name: str) -> None:
    """Print all that a run says of one image; of several data sets with images of its name, of that before a colon.

    Raises:
        InputError: No image has this name, or images of several data sets do.
    """
    from bench.analyses.scores.image_view import image_view
    from bench.evaluation.ranking_rows import FIRST_DATA_SET
    from bench.report.image_report import image_report

    places = {FIRST_DATA_SET: "", **{data: data for data in run.manifest.further}}
    before, _, behind = name.partition(":")
    asked = (behind, places[before]) if behind and before in places else (name, None)
    console = PlainConsole(least_width=terminal.WIDTH)
    console.print(image_report(image_view(evaluate(run), *asked)))


def print_matrix(run: Run, detector: str) -> None:
    """Print one detector's matrix. Raises `InputError` for a detector that is not in the run."""
    cells, shown = _cells_and_matrix(run, detector)
    PlainConsole(least_width=terminal.WIDTH).print(terminal.matrix(shown, detector, run.manifest, cells))


def matrix_as_json(run: Run, detector: str) -> str:
    """One detector's matrix as JSON. Raises `InputError` for a detector that is not in the run."""
    return json_document(_matrix_values(_cells_and_matrix(run, detector)[1], detector, run))


def _cells_and_matrix(run: Run, detector: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells of a run, measured, and the matrix of one detector. Raises `InputError`."""
    known = run.manifest.detectors
    if detector not in known:
        msg = f"the run has no detector {detector!r}; it has {', '.join(known)}"
        raise InputError(msg)
    cells = cells_table(run)
    return cells, matrix(cells, detector, run.manifest.protocol)


def _matrix_values(accuracies: pd.DataFrame, detector: str, run: Run) -> dict[str, Any]:
    """A matrix as values of JSON: accuracies in [0, 1] by row, null where a cell is missing."""
    protocol = run.manifest.protocol
    return {
        "detector": detector,
        "protocol": protocol.name,
        "data": run.manifest.data.title,
        "rows": protocol.rows.name,
        "columns": protocol.columns.name,
        "row_values": list(accuracies.index),
        "column_values": list(accuracies.columns),
        "accuracies": accuracies.to_numpy().tolist(),
    }


def run_as_json(run: Run) -> str:
    """All that a finished run says, as JSON: its rankings, the rows of the sections beside them, and every matrix."""
    from bench.report.sections.catalogue import sections_of

    measured = evaluate(run)
    sections = {section.name: content.rows for section, content in sections_of(measured) if content.rows is not None}
    return json_document(
        {
            "leaderboard": [asdict(one) for one in rankings_of(run, measured)],
            "sections": {name: rows.to_dict(orient="records") for name, rows in sections.items()},
            "matrices": [
                _matrix_values(accuracies, detector, run)
                for detector, accuracies in matrices(measured.table, run.manifest.protocol).items()
            ],
        }
    )
