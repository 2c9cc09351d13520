"""`lineup import`: scores that another tool gave to images, brought onto a board or measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bench.command import options
from bench.command.menu.documents import Json
from bench.command.runs.places import run_folder
from bench.images.data_names import check_data
from bench.platform.errors import InputError
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.platform.outside.terminal import say_json

if TYPE_CHECKING:
    from bench.exchange.import_request import ImportRequest, OnMissing
    from bench.exchange.imported_run import ImportedScores
    from bench.exchange.score_checks import PositiveClass, ScoreKind
    from bench.images.image_set import ImageSet
    from bench.images.reading import Reading
    from protocols.api import Split
    from protocols.profiles import Profile

SPLITS = ("train", "val", "test", "all")
MISSING = "missing.csv"
IN_CELLS, READ, WANTED = "In which cells the scores stand", "How the table is read", "Images without a score"

ScoresFile = Annotated[
    Path, typer.Argument(help="Image, label, generator, score as .csv, .tsv, .json, .jsonl or .parquet.")
]
OfData = Annotated[
    str, typer.Option(help="Data with labels, such as a folder of `lineup degrade`.", rich_help_panel=IN_CELLS)
]
Like = Annotated[
    Path | None,
    typer.Option(help="A run of the images: its folder, or its name.", rich_help_panel=IN_CELLS, parser=run_folder),
]
OfSplit = Annotated[
    str,
    typer.Option(
        help="Images of --data: train, val, test or all.", show_default="those held out", rich_help_panel=IN_CELLS
    ),
]
BoardFolder = Annotated[Path | None, typer.Option(help="Result folder, for `lineup leaderboard`.")]
DetectorName = Annotated[
    str,
    typer.Option(
        help="What gave the scores; {} is what the table calls it.",
        show_default="as the table says, or name of the file",
    ),
]
Kind = Annotated[
    str,
    typer.Option(
        "--scores",
        help="probability or logit: what its numbers are.",
        show_default="probability, where all are in [0, 1]",
        rich_help_panel=READ,
    ),
]
Positive = Annotated[str, typer.Option(help="generated or real: what a high number means.", rich_help_panel=READ)]
ScoreRoles = Annotated[
    str,
    typer.Option(
        help="image=...,score=...,detector=...; - for none; score may come several times.", rich_help_panel=READ
    ),
]
MissingChoice = Annotated[
    str,
    typer.Option(help="exclude, real or fake: they are left out, or count as called so.", rich_help_panel=WANTED),
]
MinCoverage = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Least share of images with a score.",
        show_default="1 where others are left out",
        rich_help_panel=WANTED,
    ),
]
OfProfile = Annotated[
    str, typer.Option(help="For a list about copies: makes one number of it; a shipped one is found by itself.")
]
DataColumns = Annotated[str, typer.Option(help="Columns of tables of --data.", rich_help_panel=options.IMAGES)]


def import_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    scores: ScoresFile,
    data: OfData = "",
    like: Like = None,
    split: OfSplit = "",
    out: BoardFolder = None,
    replace: options.Replace = False,  # noqa: FBT002
    detector: DetectorName = "",
    kind: Kind = "",
    positive: Positive = "generated",
    columns: ScoreRoles = "",
    classes: options.Classes = "",
    on_missing: MissingChoice = "exclude",
    min_coverage: MinCoverage = None,
    profile: OfProfile = "",
    as_json: Json = False,  # noqa: FBT002
    real: options.Real = "",
    data_columns: DataColumns = "",
    levels: options.Levels = "",
    group: options.GroupBy = "",
    follow: options.Follow = True,  # noqa: FBT002
) -> None:
    """Bring scores of another tool onto a board, marked as imported.

    A list of image_path and pred with --data alone, as challenges exchange them, is measured over the copies in the
    data.
    """
    _check(scores, data, real, like, split)
    options.require_one_of("positive", positive, ("generated", "real"))
    options.require_one_of("on-missing", on_missing, ("exclude", "real", "fake"))
    if kind:
        options.require_one_of("scores", kind, ("probability", "logit"))
    usual = not (like or out or split or kind) and (positive, on_missing, min_coverage) == (
        "generated",
        "exclude",
        None,
    )
    from bench.records.predictions import is_prediction_list

    if data and usual and is_prediction_list(scores):
        reading = options.reading(classes, columns or data_columns, levels, group, follow=follow)
        _measure_list(scores, _images(data, real, reading), detector, profile, as_json=as_json)
        return
    if profile:
        msg = f"--profile {profile} is for a list of image_path and pred with --data alone; leave it out"
        raise InputError(msg)
    reading = options.reading(classes, data_columns, levels, group, follow=follow)
    request = _request(scores, detector, columns, reading, (kind, positive, on_missing, min_coverage))
    _write(_import(request, _images(data, real, reading) if data else None, like, split), out, replace, as_json=as_json)


def _check(scores: Path, data: str, real: str, like: Path | None, split: str) -> None:
    """Raise `InputError` for options that do not go together, before anything is read."""
    if not scores.is_file():
        msg = f"{scores} is no file; give a table of images and their scores, or a JSON list of image_path and pred"
        raise InputError(msg)
    if data and like:
        msg = f"--data {data} and --like {like} were given together, and each says what the images are; choose one"
        raise InputError(msg)
    if split:
        options.require_one_of("split", split, SPLITS)
    if (split or real) and not data:
        msg = f"{f'--split {split}' if split else f'--real {real}'} is of data; give --data too, or leave it out"
        raise InputError(msg)
    if data:
        check_data(data, real)


def _request(
    scores: Path, detector: str, columns: str, reading: Reading, stated: tuple[str, str, str, float | None]
) -> ImportRequest:
    """What is to be imported. Raises `InputError` for columns that are not understood."""
    from bench.exchange.import_request import ImportRequest
    from bench.exchange.score_columns import parse_score_columns

    kind, positive, on_missing, least = stated
    return ImportRequest(
        scores,
        detector,
        parse_score_columns(columns),
        reading.classes,
        kind=cast("ScoreKind", kind) if kind else None,
        positive=cast("PositiveClass", positive),
        on_missing=cast("OnMissing", on_missing),
        min_coverage=least,
    )


def _import(request: ImportRequest, images: ImageSet | None, like: Path | None, split: str) -> ImportedScores:
    """The rows of the table in the cells of its data, of the run that it stands beside, or of its own images."""
    from bench.exchange.score_import import import_for_data, import_like, import_table
    from bench.records.store import Store

    if images is not None:
        return import_for_data(request, images, cast("Split", split) if split else None)
    if like is not None:
        return import_like(request, Store(like).read(), str(like))
    return import_table(request)


def _write(found: ImportedScores, out: Path | None, replace: bool, *, as_json: bool) -> None:  # noqa: FBT001 - as typed
    """Write the result folder and print its leaderboard."""
    from bench.evaluation.leaderboard import rankings_of
    from bench.records.store import Store
    from bench.report.formats import as_json as ranking_json
    from bench.report.run_report import report_leaderboard, report_run
    from bench.request.result_folder import held_for_one_run, require_extension

    reporter, records = options.reporter(), found.run.manifest.detectors.values()
    if not all(record.imported and record.imported.said for record in records):
        reporter.say("All scores are in [0, 1] and were taken for probabilities; --scores probability says so.")
    if out is not None:
        options.until_the_command_ends(held_for_one_run(out))
        if not replace:
            require_extension(out, found.run.manifest)
        store = Store.at(out)
        store.record_scores(found.run.scores)
        store.finish(found.run.manifest, found.run.cells)
        store.clear(MISSING)
        if len(found.missing):
            store.write(MISSING, spreadsheet_csv(found.missing).encode())
        report_run(found.run, store, reporter, show=not as_json)
    elif not as_json:
        report_leaderboard([found.run], None)
        reporter.say("Nothing was written; --out FOLDER keeps it for `lineup leaderboard`.")
    if as_json:
        say_json(ranking_json(rankings_of(found.run)).rstrip())


def _images(data: str, real: str, reading: Reading) -> ImageSet:
    """The data set. Raises `InputError`."""
    from bench.images.data_sets import open_data

    return open_data(data, options.working_cache().path, options.CORES, options.reporter(), real, reading)


def _measure_list(scores: Path, images: ImageSet, detector: str, profile: str, *, as_json: bool) -> None:
    """Print what becomes of a list of predictions over the copies that data ship."""
    from bench.evaluation.imported_scores import imported_outcomes
    from bench.platform.outside.console import PlainConsole
    from bench.records.predictions import read_predictions
    from bench.report.imported_report import imported_json, imported_report
    from bench.report.terminal import WIDTH

    given = read_predictions(scores, images.names, images.files.where)
    scoring = _scoring_profile(profile, images.copies)
    found = imported_outcomes(detector or scores.stem, images, given)
    if as_json:
        say_json(imported_json(found, scoring))
        return

    PlainConsole(least_width=WIDTH).print(imported_report(found, scoring))


def _scoring_profile(text: str, copies: Sequence[str]) -> Profile | None:
    """The profile that makes one number of these copies. Raises `InputError` for one of others, or without a score."""
    from bench.report.sections.conditions import has_conditions, scoring_profile
    from protocols.profiles import WrongProfile, find_profile, profile_names

    conditions = [name for name in copies if name]
    if not text:
        return scoring_profile(conditions)
    try:
        found = find_profile(text)
    except WrongProfile as error:
        raise InputError(str(error)) from error
    if found is None or not found.score or not has_conditions(found, conditions):
        reason = "is no profile" if found is None else "is not of these degradations" if found.score else "has no score"
        msg = f"--profile {text} {reason}; give one with a score of what the images went through, or leave it out"
        raise InputError(f"{msg} ({', '.join(profile_names())} ship)")
    return found
