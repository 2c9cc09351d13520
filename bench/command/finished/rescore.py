"""`lineup rescore`: a finished run at another threshold, for another class or after calibration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document
from bench.command.runs.places import run_folder
from bench.platform.errors import InputError

if TYPE_CHECKING:
    from bench.evaluation.asked.rescoring import ChosenThreshold
    from bench.metrics.calibration import CalibrationMethod

METHODS = ("temperature", "platt")
VALIDATION, ORACLE = "validation", "oracle"

RescoredRun = Annotated[Path, typer.Argument(help="Result folder, or name of a run.", parser=run_folder)]
ThresholdText = Annotated[
    str,
    typer.Option(
        "--threshold",
        help="Probability above which an image is called generated; 'validation': chosen for each cell on its "
        "validation scores; 'oracle': with the labels of its test images, which no user has.",
        show_default="0.5",
    ),
]
LookedFor = Annotated[str, typer.Option(help="Class that is looked for, of which AP, precision and rates are.")]
Prevalence = Annotated[
    float | None, typer.Option(help="Share of generated images for which precision is stated, as .01.")
]
Calibrate = Annotated[str, typer.Option(help="Scaling of log odds, fitted on validation scores: temperature or platt.")]
CalibrateOn = Annotated[
    int | None,
    typer.Option(help="Labelled images of each test set to choose its threshold on; they are then left out."),
]
SeenSeed = Annotated[int, typer.Option("--seed", help="Of the draw of those images.")]
RescoredOut = Annotated[
    Path | None, typer.Option("--out", help="Folder for leaderboard.md, .csv, .json and cells.parquet.")
]


def rescore_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    run: RescoredRun,
    threshold: ThresholdText = "",
    positive: LookedFor = "generated",
    metrics: options.Metrics = "",
    rank_by: options.RankBy = "",
    prevalence: Prevalence = None,
    calibrate: Calibrate = "",
    calibrate_on: CalibrateOn = None,
    seed: SeenSeed = 0,
    out: RescoredOut = None,
    as_json: Json = False,  # noqa: FBT002 - a switch
) -> None:
    """Measure a finished run at another threshold, for another class or after calibration; no image is read.

    The scores of the run and its own tables stay as they are; every table says what was applied. Exits with 1 where a
    cell failed.
    """
    _check(calibrate, calibrate_on, threshold, prevalence)
    value = _threshold(threshold)
    if out is not None:
        _check_folder(run, out)
    from bench.evaluation.asked.rank_measures import asked_measures
    from bench.evaluation.asked.rescoring import Rescoring, positive_class
    from bench.records.store import Store
    from bench.report.run_report import report_leaderboard

    method = cast("CalibrationMethod", calibrate) if calibrate else None
    rescoring = Rescoring(value, positive_class(positive), method, calibrate_on or 0, seed)
    names = list(options.names(metrics))
    if prevalence is not None:
        names.append(f"precision_at_prevalence_{100 * prevalence:.12g}pct")
    asked = asked_measures(names, rank_by, rescoring)
    read = [Store(run).read()]
    ranked = report_leaderboard(read, Store.at(out) if out else None, asked, show=not as_json)
    if as_json:
        print_document(ranked)
    options.exit_where_cells_failed(read)


def _threshold(text: str) -> float | ChosenThreshold | None:
    """The threshold that was asked for. Raises `InputError` for anything else than a probability or a way to choose."""
    if text in {"", VALIDATION, ORACLE}:
        return cast("ChosenThreshold", text) if text else None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        msg = f"--threshold {text!r} is neither a probability from 0 to below 1 nor {VALIDATION} or {ORACLE}"
        raise InputError(msg)
    return value


def _check(calibrate: str, calibrate_on: int | None, threshold: str, prevalence: float | None) -> None:
    """Raise `InputError` for options that are not understood, or not together."""
    if calibrate:
        options.require_one_of("--calibrate", calibrate, METHODS)
    if calibrate_on is not None and threshold:
        msg = f"--calibrate-on {calibrate_on} chooses a threshold, and so does --threshold {threshold}: give one"
        raise InputError(msg)
    if calibrate_on is not None and (calibrate_on < 2 or calibrate_on % 2):
        msg = f"--calibrate-on {calibrate_on}: give an even number of images from 2 on, half real, half generated"
        raise InputError(msg)
    if prevalence is not None and not 0 < prevalence < 1:
        msg = f"--prevalence {prevalence:g} is no share of generated images between 0 and 1, such as 0.01"
        raise InputError(msg)


def _check_folder(run: Path, out: Path) -> None:
    """Raise `InputError` for the folder of a run, whose own tables stay."""
    if out.resolve() == run.resolve() or (out / "manifest.json").exists():
        msg = f"--out {out} holds a run, whose own tables stay as they are; give another folder"
        raise InputError(msg)
