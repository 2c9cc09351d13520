"""`lineup score`: scores of images, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.platform.errors import InputError
from bench.request.defaults import BATCH_SIZE

if TYPE_CHECKING:
    from detectors.api import Setting


def score_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    images: Annotated[list[Path], typer.Argument(help="Image files, folders or archives.")],
    detector: Annotated[str | None, typer.Option(help="A detector, as `lineup list` names it.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Its published checkpoint.")] = None,
    fitted: Annotated[Path | None, typer.Option(help="Instead: a file that `lineup run --keep-fitted` wrote.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for name, score, verdict and reason.")] = None,
    setting: Annotated[
        str | None, typer.Option(help="paper or small: which network the checkpoint is of.", show_default="paper")
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    batch_size: options.BatchSize = BATCH_SIZE,
    workers: options.Workers = options.CORES,
) -> None:
    """Score images with a checkpoint or a fitted detector. Exits with 1 where one could not be decoded."""
    from bench.request.early_checks import check_detectors, check_device
    from bench.request.setting import require_setting
    from detectors.card import SETTINGS

    if fitted is not None and setting is not None:
        msg = f"--setting {setting} is given with --fitted, whose file says its setting; leave it out"
        raise InputError(msg)
    require_setting(setting or "paper", SETTINGS)
    check_device(device, precision)
    if detector is not None:
        check_detectors((detector,))
    from bench.platform.files import write_atomically
    from bench.request.image_scores import ScoreRequest, score_files

    chosen: Setting = "small" if setting == "small" else "paper"
    request = ScoreRequest(images, detector, weights, fitted, chosen, device, precision, batch_size, workers)
    table = score_files(request, options.reporter())
    if out is not None:
        write_atomically(out, lambda path: table.to_csv(path, index=False))
    for name, value, verdict, reason in table.itertuples(index=False, name=None):
        typer.echo(f"{name}  {reason or f'{value:.4f}  {verdict}'}")
    if (table["reason"] != "").any():
        raise typer.Exit(1)
