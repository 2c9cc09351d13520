"""`lineup data`: what a data set holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bench.command import options
from bench.command.menu.documents import Json
from bench.images.data_names import check_data
from bench.images.decoding.structure import MAX_PIXELS
from bench.interface.data import DataSet, inspected_images
from bench.platform.errors import InputError

if TYPE_CHECKING:
    from bench.images.quality.matching import MatchBy


def data_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    data: Annotated[str, typer.Argument(help="'embedded', a path or URL, or layout:path.")],
    real: options.Real = "",
    classes: options.Classes = "",
    columns: options.Columns = "",
    levels: options.Levels = "",
    group: options.GroupBy = "",
    follow: options.Follow = True,  # noqa: FBT002
    limit: options.Limit = None,
    audit: Annotated[bool, typer.Option(help="Name what of the files tells the classes apart.")] = False,  # noqa: FBT002
    all_: Annotated[bool, typer.Option("--all", help="Print every row of long tables.")] = False,  # noqa: FBT002
    match: Annotated[Path | None, typer.Option(help="New folder for a manifest in which nothing of it does.")] = None,
    match_by: Annotated[str, typer.Option(help="How --match makes sizes equal: crop, or scale.")] = "crop",
    as_json: Json = False,  # noqa: FBT002
    workers: options.Workers = options.CORES,
    max_pixels: options.MaxPixels = str(MAX_PIXELS),
) -> None:
    """Say what a data set holds, and what is wrong with it, before anything is run on it."""
    pixels = options.pixel_count(max_pixels)
    check_data(data, real)
    reading = options.reading(classes, columns, levels, group, follow=follow)
    if match_by not in {"crop", "scale"}:
        msg = f"--match-by {match_by!r} is not known: write crop or scale"
        raise InputError(msg)
    if as_json and (match is not None or all_):
        msg = "--json has every row and writes no manifest; leave --all and --match out"
        raise InputError(msg)
    from bench.command.data_survey import SurveyRequest, print_json, survey

    named = DataSet(data, real, reading=reading, limit=limit, max_pixels=pixels)
    wanted = SurveyRequest(audit, all_, match, cast("MatchBy", match_by))
    with inspected_images(named, options.reporter(), workers) as inspected:
        if as_json:
            print_json(named, inspected, audit=audit)
        else:
            survey(named, inspected, wanted, options.reporter())
