"""`lineup import`: scores that another tool gave to the images of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.images.data_names import check_data
from bench.platform.errors import InputError

if TYPE_CHECKING:
    from protocols.profiles import Profile


def import_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    scores: Annotated[Path, typer.Argument(help="A JSON list of image_path and pred.")],
    data: Annotated[str, typer.Option(help="Their images: a folder of `lineup degrade`, or data with labels.")],
    detector: Annotated[str | None, typer.Option(help="What gave the scores.", show_default="name of the file")] = None,
    profile: Annotated[
        str, typer.Option(help="Makes one number of it all; a shipped one of these degradations is found by itself.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
    real: options.Real = "",
    classes: options.Classes = "",
    columns: options.Columns = "",
    levels: options.Levels = "",
    group: options.GroupBy = "",
    follow: options.Follow = True,  # noqa: FBT002
) -> None:
    """Measure scores of another tool: every image of the data has one, and a score above 0.5 calls it generated."""
    check_data(data, real)
    if not scores.is_file():
        msg = f"{scores} is no file; give a JSON list of image_path and pred"
        raise InputError(msg)
    reading = options.reading(classes, columns, levels, group, follow=follow)
    from bench.evaluation.imported_scores import imported_outcomes
    from bench.images.data_sets import open_data
    from bench.records.predictions import read_predictions
    from bench.report.imported_report import imported_json, imported_report
    from bench.report.terminal import WIDTH

    reporter = options.reporter()
    images = open_data(data, options.cache_folder(), options.CORES, reporter, real, reading)
    given = read_predictions(scores, images.names, images.files.where)
    scoring = _scoring_profile(profile, images.copies)
    found = imported_outcomes(detector or scores.stem, images, given)
    if as_json:
        typer.echo(imported_json(found, scoring))
        return
    from rich.console import Console

    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(imported_report(found, scoring))


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
