"""`lineup report`: one page of finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bench.command import options
from bench.command.runs.places import run_folder
from bench.platform.outside.terminal import say

if TYPE_CHECKING:
    from bench.analyses.images.thumbnails import ThumbnailForm


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Result folders, or names of runs.", parser=run_folder)],
    out: Annotated[Path, typer.Option(help="The page, a file of HTML.")] = Path("report.html"),
    data: options.PlaceOfData = "",
    thumbnails: Annotated[str, typer.Option(help="Small copies of images in the page: webp, jpeg or none.")] = "webp",
) -> None:
    """Write one page of HTML about finished runs: conclusions, boards, figures, data; it needs no network."""
    from bench.analyses.images.thumbnails import ThumbnailRequest
    from bench.command.finished.images import opened_images, reasons_without_images
    from bench.platform.files import write_atomically
    from bench.report.figures.findings import Findings
    from bench.report.page.document import page

    request = ThumbnailRequest(cast("ThumbnailForm", thumbnails))
    found = Findings.read(runs, opened_images(data))
    for reason in reasons_without_images(found, data):
        say(f"Without images: {reason}", on_error_stream=True)
    whole = page(found, request).encode()
    write_atomically(out, lambda path: path.write_bytes(whole))
    say(f"Written: {out} ({len(whole) / 1e6:.1f} MB)")
