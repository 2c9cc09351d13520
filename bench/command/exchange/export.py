"""`lineup export`: tables of finished runs for other tools, for papers and for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.command.runs.places import run_folder
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say

if TYPE_CHECKING:
    from bench.evaluation.asked.rank_measures import AskedMeasures
    from bench.exchange.export.image_rows import ImageFacts
    from bench.records.run import Run
    from bench.report.export.contents import ExportContent, ExportedRuns

SPREADSHEET = "spreadsheet"  # of the forms, the one that is CSV as well
ABOUT = "Tables that `lineup export` wrote, in CSV with texts exactly as they are: do not open those of strangers in a "
ABOUT += "spreadsheet, which runs texts that begin like a formula."
GUARDED = "Tables that `lineup export` wrote for spreadsheets: a text that one would run has an apostrophe before it."

What = Annotated[
    str,
    typer.Option(
        help="leaderboard, matrix, cells, throughput, scores (a row per score), wide-scores, wide-log-odds (a column "
        "per detector), fiftyone, or a section such as thresholds."
    ),
]
Form = Annotated[
    str,
    typer.Option(
        "--form",
        help="csv, parquet, markdown, latex, json, or spreadsheet: CSV that no spreadsheet runs.",
        show_default="by the ending of a file; of a folder all but spreadsheet",
    ),
]
Place = Annotated[
    Path, typer.Option("--out", help="Folder, or a file for one table: .csv, .parquet, .md, .tex, .json.")
]


def export_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    runs: Annotated[list[Path], typer.Argument(help="Result folders, or names of runs.", parser=run_folder)],
    out: Place,
    what: What = "leaderboard",
    form: Form = "",
    metrics: options.Metrics = "",
    rank_by: options.RankBy = "",
    data: options.PlaceOfData = "",
) -> None:
    """Write tables of finished runs for pandas, scikit-learn, R, FiftyOne, papers or spreadsheets.

    A folder gets datapackage.json beside its tables: what each column means, its type and unit. Exits with 1 where a
    cell failed.
    """
    names, forms = options.names(what), options.names(form)
    _check_place(runs, out, names, forms)
    from bench.evaluation.asked.rank_measures import asked_measures
    from bench.records.store import Store
    from bench.report.export.contents import content_names, contents_of, notes_on

    for name in names:
        options.require_one_of("--what", name, content_names())
    read = [Store(run).read() for run in runs]
    found = _exported(runs, read, asked_measures(options.names(metrics), rank_by), names, data)
    contents = [content for name in names for content in contents_of(name, found)]
    _write(contents, out, forms)
    for note in notes_on(names, found):
        say(note, on_error_stream=True)
    options.exit_where_cells_failed(read)


def _check_place(runs: Sequence[Path], out: Path, names: Sequence[str], forms: Sequence[str]) -> None:
    """Raise `InputError` for forms that are not known or exclude one another, and for a place that is a run's."""
    from bench.report.export.forms import ENDINGS

    if not names:
        raise InputError("--what names nothing; leave it out for the leaderboard")
    for one in forms:
        options.require_one_of("--form", one, tuple(ENDINGS))
    if {"csv", SPREADSHEET} <= set(forms):
        raise InputError("--form csv and spreadsheet would be one file; choose one, or export twice into two folders")
    if _is_file(out) and out.suffix.lower() not in ENDINGS.values():
        known = ", ".join(dict.fromkeys(ENDINGS.values()))
        msg = f"--out {out} has an ending of no form; choose {known}, or a folder that is there"
        raise InputError(msg)
    if any(out.resolve() == run.resolve() for run in runs) or (out / "manifest.json").exists():
        msg = f"--out {out} holds a run, whose own tables stay as they are; give another folder"
        raise InputError(msg)


def _is_file(out: Path) -> bool:
    """Whether a place is meant as a file: by its ending, unless it is a folder."""
    return bool(out.suffix) and not out.is_dir()


def _exported(
    folders: Sequence[Path], runs: Sequence[Run], asked: AskedMeasures, names: Sequence[str], data: str
) -> ExportedRuns:
    """The runs, those of one question joined, with what their images' files say where a content is about images."""
    from bench.evaluation.joined_runs import join_with_places
    from bench.exchange.export.image_rows import ImageFacts
    from bench.report.export.contents import OF_IMAGES, ExportedRun, ExportedRuns

    needed = bool(set(names) & set(OF_IMAGES))
    if data and not needed:
        msg = f"--data {data} says where images lie, and {', '.join(names)} is not about single images; leave it out"
        raise InputError(msg)
    facts = _image_facts(folders, data) if needed else {}
    found = []
    for run, places in join_with_places(runs):
        known = [facts[folders[place]] for place in places if folders[place] in facts]
        found.append(ExportedRun(run, asked, known[0] if known else ImageFacts.none()))
    return ExportedRuns(found)


def _image_facts(folders: Sequence[Path], data: str) -> dict[Path, ImageFacts]:
    """What the images of each run say, for those whose images are found again; a line on each other run.

    Raises:
        InputError: A place was named, and the images of no run lie there.
    """
    from bench.analyses.images.run_images import Workplace, images_of_run
    from bench.exchange.export.image_rows import ImageFacts

    workplace, found = Workplace(options.working_cache().path, options.CORES, options.reporter()), {}
    for folder in folders:
        try:
            found[folder] = ImageFacts.of_images(images_of_run(folder, workplace, data))
        except InputError as error:
            if data and len(folders) == 1:
                raise
            say(f"Without paths and content hashes: {error}", on_error_stream=True)
    if data and not found:
        msg = f"--data {data} holds the images of none of the runs; name their place, or leave it out"
        raise InputError(msg)
    return found


def _write(contents: Sequence[ExportContent], out: Path, forms: Sequence[str]) -> None:
    """Write each content in each form, then what a folder's tables mean; nothing is written where a form is missing."""
    from bench.platform.files import write_atomically
    from bench.report.export.forms import ENDINGS, form_of_ending, forms_of, written

    if _is_file(out):
        if len(contents) > 1 or len(forms) > 1:
            several = ", ".join(one.name for one in contents) if len(contents) > 1 else ", ".join(forms)
            msg = f"--out {out} is one file, and {several} are several; name a folder"
            raise InputError(msg)
        form = forms[0] if forms else form_of_ending(out.suffix.lower())
        if ENDINGS[form] != out.suffix.lower():
            raise InputError(f"--out {out} does not end in {ENDINGS[form]}, as --form {form} does; give one of the two")
        data = written(contents[0], form)
        write_atomically(out, lambda path: path.write_bytes(data))
        _say_formulas(contents, [form])
        say(f"Written: {out}")
        return
    chosen = [(one, forms or [form for form in forms_of(one) if form != SPREADSHEET]) for one in contents]
    _write_folder([(one, form) for one, own in chosen for form in own], out)


def _write_folder(asked: Sequence[tuple[ExportContent, str]], out: Path) -> None:
    """Write a folder of tables with their description; all of them are made before the first is written."""
    from bench.exchange.data_package.columns import arrow_table
    from bench.exchange.data_package.package import PACKAGE, DescribedTable, write_package
    from bench.platform.checksums import ChecksumList
    from bench.report.export.forms import ENDINGS, TABLES, written

    files = {one.name + ENDINGS[form]: written(one, form) for one, form in asked}
    tables = []
    for one, form in asked:
        if form in TABLES and one.rows is not None:
            schema = arrow_table(one.rows, one.table).schema
            tables.append(DescribedTable.of_rows(one.name + ENDINGS[form], one.table, one.rows, schema))
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        ChecksumList.of(out).write(name, lambda path, data=data: path.write_bytes(data))  # type: ignore[misc]
    write_package(out, tables, GUARDED if SPREADSHEET in {form for _, form in asked} else ABOUT)
    _say_formulas([one for one, _ in asked], [form for _, form in asked])
    say(f"Written to {out}: {', '.join((*files, PACKAGE) if tables else files)}")


def _say_formulas(contents: Sequence[ExportContent], forms: Sequence[str]) -> None:
    """Say how many texts of exact CSV a spreadsheet would run, so that nobody opens them unawares."""
    from bench.report.export.forms import formulas_in

    exact = [one.rows for one, form in zip(contents, forms, strict=True) if form == "csv" and one.rows is not None]
    count = sum(map(formulas_in, exact))
    if count:
        text = (
            f"{count:,} texts begin like formulas, which a spreadsheet would run: read this CSV by programs alone, or "
        )
        say(text + f"--form {SPREADSHEET}", on_error_stream=True)
