"""`lineup data`: what a data set holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.images.data_names import check_data
from bench.images.decoding.structure import MAX_PIXELS
from bench.request.defaults import MAX_UNREADABLE


def data_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    data: Annotated[str, typer.Argument(help="'embedded', a path or URL, or layout:path.")],
    real: options.Real = "",
    limit: options.Limit = None,
    audit: Annotated[bool, typer.Option(help="Name what of the files tells the classes apart.")] = False,  # noqa: FBT002
    match: Annotated[Path | None, typer.Option(help="New folder for a manifest in which nothing of it does.")] = None,
    workers: options.Workers = options.CORES,
    max_pixels: options.MaxPixels = str(MAX_PIXELS),
) -> None:
    """Say what a data set holds, and what is wrong with it, before anything is run on it."""
    pixels = options.pixel_count(max_pixels)
    check_data(data, real)
    from bench.command.data_survey import DataRequest, survey

    request = DataRequest(data, real, limit, options.cache_folder(), workers, MAX_UNREADABLE, pixels)
    survey(request, options.reporter(), audit=audit, match=match)
