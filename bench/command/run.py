"""`lineup run`: answer a protocol."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bench.command import options
from bench.command.options import CORES, names
from bench.command.protocol_options import NOT_IN_A_FILE, ChosenProtocol
from bench.images.decoding.structure import MAX_PIXELS
from bench.platform.errors import InputError
from bench.request.defaults import ALL, BASELINES, BATCH_SIZE, DETECTORS, MAX_UNREADABLE
from bench.request.run_request import RunRequest, usual_folder

AS_GIVEN = (
    *("data", "setting", "device", "precision", "backend", "limit", "batch_size", "workers", "real", "max_unreadable"),
    *("tensorboard", "keep_fitted", "executor", "timeout", "data_name", "validation"),
)
READING = ("classes", "columns", "levels", "group")

if TYPE_CHECKING:
    from bench.platform.progress import Reporter
    from bench.records.run import Run
    from bench.request.planned_run import PlannedRun


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
    batch_size: options.BatchSize = BATCH_SIZE,
    workers: options.Workers = CORES,
    executor: options.ExecutorName = "processes",
    timeout: options.Timeout = None,
    weights_dir: options.WeightsDir = None,
    out: options.Out = None,
    replace: options.Replace = False,  # noqa: FBT002
    keep_fitted: options.KeepFitted = False,  # noqa: FBT002
    tensorboard: options.Tensorboard = False,  # noqa: FBT002
    track: options.Track = "",
    dry_run: options.DryRun = False,  # noqa: FBT002
    measure: options.Measure = False,  # noqa: FBT002
) -> None:
    """Answer a protocol: every detector, train set, test set and degradation. Repeating it does what is missing."""
    params = context.params  # all that is above, with what a settings file says
    root, requests = checked_requests(context.obj, params)
    if runs := _answer(root, requests, replace=params["replace"], dry_run=params["dry_run"], measure=params["measure"]):
        _write_settings_and_rank(runs, requests[0], root, params)


def checked_requests(chosen: ChosenProtocol, params: dict[str, Any]) -> tuple[Path, list[RunRequest]]:
    """The result folder, and a request for each base degradation; `params` are then as a settings file has them.

    Raises:
        InputError: Something cannot be used, as far as that is known before anything is opened.
        UnknownName: Something is not installed.
    """
    if params["detectors"] is None:  # as a settings file is to have them
        usual = DETECTORS if chosen.protocol.trains else ALL
        params["detectors"] = ",".join(chosen.protocol.usual_detectors) or usual
    root, requests = _checked(_request(chosen, params), names(params["base_degradation"]), params["out"])
    params["out"] = root
    params["base_degradation"] = ",".join(one.base_degradation for one in requests)  # a profile may change later
    return root, requests


def _request(chosen: ChosenProtocol, params: Mapping[str, Any]) -> RunRequest:
    """What the options ask for; the folder is still to be found. Raises `InputError` for texts that are no values."""
    seeds = params["seeds"]
    baselines = params["baselines"] and chosen.protocol.trains and not chosen.protocol.usual_detectors
    return RunRequest(
        protocol=chosen.protocol,
        detectors=_with_baselines(names(params["detectors"]), baselines=baselines),
        out=params["out"] or Path(),
        seeds=options.seed_numbers(params["seed"]) if seeds is None else tuple(range(seeds)),
        cache=options.cache_folder(),
        max_pixels=options.pixel_count(params["max_pixels"]),
        recipe_options=chosen.recipe_options,
        weights_folder=options.weights_folder(params["weights_dir"]),
        track=options.tracking_server(params["track"]),
        reading=options.reading(*(params[name] for name in READING), follow=params["follow"]),
        **{name: params[name] for name in AS_GIVEN},
    )


def _checked(request: RunRequest, base_degradations: Sequence[str], out: Path | None) -> tuple[Path, list[RunRequest]]:
    """The result folder, and a request for each base degradation. Raises `InputError` for what cannot be used."""
    from bench.request.early_checks import base_chains, check_request

    check_request(request)
    chains = base_chains(base_degradations)
    root = out or usual_folder(request, chains)
    return root, request.in_folder(root).under(chains)


def _with_baselines(detectors: tuple[str, ...], *, baselines: bool) -> tuple[str, ...]:
    if not baselines or not detectors or detectors == (ALL,):
        return detectors
    return tuple(dict.fromkeys((*detectors, *names(BASELINES))))


def _answer(root: Path, requests: Sequence[RunRequest], *, replace: bool, dry_run: bool, measure: bool) -> list[Run]:
    """Answer the requests, or say what each would cost. Raises `InputError` before any of them is begun."""
    if measure and not dry_run:
        msg = "--measure measures how long a run would take, and starts none; add --dry-run, or leave it out"
        raise InputError(msg)
    from bench.platform.standard_output import output_aside
    from bench.request.planned_run import plan_run
    from bench.request.result_folder import held_for_one_run, require_own_question
    from bench.request.run_record import cache_use

    reporter = options.reporter()
    cache = options.working_cache(reading=dry_run and not measure)
    for folder in [] if dry_run else dict.fromkeys([root, *(request.out for request in requests)]):
        options.until_the_command_ends(held_for_one_run(folder))
    with output_aside():
        planned = [plan_run(request.with_cache(cache.path), reporter, dry=dry_run) for request in requests]
    if not replace:
        require_own_question(root, planned)
    if dry_run:
        _rehearse(planned, reporter, measure=measure)
        return []
    cache.declare([cache_use(run) for run in planned])
    return [_execute(run, reporter, show=len(planned) == 1) for run in planned]


def _rehearse(planned: Sequence[PlannedRun], reporter: Reporter, *, measure: bool) -> None:
    """Say what each run would cost."""
    from bench.rehearsal.rehearsal import rehearse
    from bench.request.announcement import announce_run

    for run in planned:
        announce_run(run, reporter)
        rehearse(run, reporter, measuring=measure)


def _execute(planned: PlannedRun, reporter: Reporter, *, show: bool) -> Run:
    """Answer a planned run and report it."""
    from bench.records.store import Store
    from bench.report.run_report import report_run
    from bench.request.announcement import announce_run
    from bench.request.execution import execute, followed

    store = Store.at(planned.request.out)
    with followed(planned, store, reporter, shlex.join(["lineup", *sys.argv[1:]])) as (tracker, telling):
        announce_run(planned, telling)
        run = execute(planned, store, telling, tracker)
        report_run(run, store, telling, show=show)
    return run


def _write_settings_and_rank(runs: list[Run], request: RunRequest, root: Path, params: Mapping[str, Any]) -> None:
    """Write the settings that give the same again, and rank several runs together.

    Exits with 1 where a cell failed.
    """
    from bench.records.settings import SETTINGS, SettingsFile
    from bench.records.store import Store
    from bench.report.run_report import report_leaderboard
    from bench.request.protocol_catalogue import option_values
    from bench.request.settings_file import to_toml, with_absolute_paths

    store = Store.at(root)
    own = {name: value for name, value in params.items() if name not in NOT_IN_A_FILE}
    whole = dict(sorted((own | option_values(request.protocol)).items()))
    settings = with_absolute_paths(SettingsFile(whole, request.recipe_options), Path())
    store.write(SETTINGS, to_toml(settings.values, settings.recipe_options).encode())
    if len(runs) > 1:
        report_leaderboard(runs, store)
    options.exit_where_cells_failed(runs)
