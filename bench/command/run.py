"""`lineup run`: answer a protocol."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import Any

import typer
from typer.main import get_command

from bench.command import options
from bench.command.options import CORES, names
from bench.command.protocol_options import ChosenProtocol, ProtocolCommand
from bench.images.decoding.structure import MAX_PIXELS
from bench.interface.answers import CheckedQuestion, answer, check_question, rehearsals
from bench.interface.data import DataSet
from bench.interface.questions import AS_ASKED, RunQuestion
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say_json
from bench.request.defaults import BATCH_SIZE, MAX_UNREADABLE

READING = ("classes", "columns", "levels", "group")


def run_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    protocol: options.Protocol = "cross_generator",
    detectors: options.Detectors = None,
    baselines: options.Baselines = True,  # noqa: FBT002
    setting: options.RunSetting = "auto",
    seed: options.Seed = "0",
    seeds: options.SeedCount = None,
    validation: options.Validation = 0.0,
    settings: options.Settings = None,
    data: options.Data = "embedded",
    real: options.Real = "",
    data_name: options.DataName = "",
    classes: options.Classes = "",
    columns: options.Columns = "",
    levels: options.Levels = "",
    group: options.GroupBy = "",
    follow: options.Follow = True,  # noqa: FBT002
    limit: options.Limit = None,
    base_degradation: options.BaseDegradation = "none",
    max_unreadable: options.MaxUnreadable = MAX_UNREADABLE,
    max_pixels: options.MaxPixels = str(MAX_PIXELS),
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    backend: options.Backend = "auto",
    degrade_on: options.DegradeOn = "cpu",
    batch_size: options.BatchSize = BATCH_SIZE,
    workers: options.Workers = CORES,
    executor: options.ExecutorName = "processes",
    cluster: options.Cluster = "",
    timeout: options.Timeout = None,
    weights_dir: options.WeightsDir = None,
    out: options.Out = None,
    replace: options.Replace = False,  # noqa: FBT002
    keep_fitted: options.KeepFitted = False,  # noqa: FBT002
    tensorboard: options.Tensorboard = False,  # noqa: FBT002
    track: options.Track = "",
    dry_run: options.DryRun = False,  # noqa: FBT002
    measure: options.Measure = False,  # noqa: FBT002
    as_json: options.JsonBoard = False,  # noqa: FBT002
) -> None:
    """Answer a protocol: every detector, train set, test set and degradation. Repeating it does what is missing."""
    params = context.params  # all that is above, with what a settings file says
    checked = check_question(question_from(context.obj, params))
    if params["measure"] and not params["dry_run"]:
        msg = "--measure measures how long a run would take, and starts none; add --dry-run, or leave it out"
        raise InputError(msg)
    if params["as_json"] and params["dry_run"]:
        msg = "--json prints the leaderboard of a run, and --dry-run starts none; leave one of the two out"
        raise InputError(msg)
    if params["dry_run"]:
        _rehearse(checked, measure=params["measure"])
    else:
        _answer(checked, as_json=params["as_json"])


def _answer(checked: CheckedQuestion, *, as_json: bool) -> None:
    """Answer the question and print its board. Exits with 1 where a cell failed."""
    runs = answer(checked, options.reporter(), shlex.join(["lineup", *sys.argv[1:]]), show=not as_json)
    if as_json:
        from bench.report.formats import as_json as board_as_json
        from bench.report.run_report import report_leaderboard

        say_json(board_as_json(report_leaderboard(runs, None, show=False)).rstrip())
    options.exit_where_cells_failed(runs)


def run_parser() -> Any:  # noqa: ANN401 - as typer has it
    """`lineup run` as a `ProtocolCommand` by itself, for those who read its options and run nothing."""
    alone = typer.Typer(add_completion=False)
    alone.command("run", cls=ProtocolCommand)(run_command)
    return get_command(alone)


def question_from(chosen: ChosenProtocol, params: Mapping[str, Any]) -> RunQuestion:
    """What the options ask for. Raises `InputError` for texts that are no values."""
    seeds = params["seeds"]
    return RunQuestion(
        chosen.protocol,
        params["protocol"],
        DataSet(
            params["data"],
            params["real"],
            params["data_name"],
            options.reading(*(params[name] for name in READING), follow=params["follow"]),
            params["limit"],
            params["max_unreadable"],
            options.pixel_count(params["max_pixels"]),
        ),
        None if params["detectors"] is None else names(params["detectors"]),
        chosen.recipe_options,
        seeds=options.seed_numbers(params["seed"]) if seeds is None else tuple(range(seeds)),
        base_degradations=names(params["base_degradation"]),
        weights_folder=params["weights_dir"],
        out=params["out"],
        replace=params.get("replace", False),  # a golden record has no such option
        track=options.tracking_server(params["track"]),
        **{name: params[name] for name in AS_ASKED},
    )


def _rehearse(checked: CheckedQuestion, *, measure: bool) -> None:
    """Say what the run of each base degradation would do and cost."""
    reporter = options.reporter()
    for _, found in rehearsals(checked, reporter, measure=measure):
        reporter.say("\n".join(found.lines))
