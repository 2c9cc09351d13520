"""The command line: `lineup`, the same as `python -m bench`.

Nothing heavy is imported until a command runs, so that help and lists come at once.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command.options import (
    CORES,
    Detectors,
    Limit,
    Real,
    Seeds,
    Workers,
    cache_folder,
    known_setting,
    names,
    numbers,
    one_of,
    reporter,
)
from bench.command.protocol_options import NOT_IN_A_FILE, ChosenProtocol, ProtocolCommand
from bench.platform.errors import InputError
from bench.request.defaults import BASELINES, BATCH_SIZE, DETECTORS, MAX_UNREADABLE
from detectors.catalogue import UnknownName

if TYPE_CHECKING:
    from bench.records.run import Run
    from bench.request.run_request import RunRequest
    from detectors.api import Setting

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compare families of detectors of AI-generated images: accuracy, robustness, certainty and speed.",
)


@app.command("run", cls=ProtocolCommand)
def run_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    settings: Annotated[Path | None, typer.Option(help="TOML file of options.")] = None,
    protocol: Annotated[str, typer.Option(help="As `lineup list` names it; brings options.")] = "cross_generator",
    data: Annotated[str, typer.Option(help="'embedded', a path or URL, or layout:path.")] = "embedded",
    real: Real = "",
    detectors: Detectors = DETECTORS,
    baselines: Annotated[bool, typer.Option(help=f"Add {BASELINES}: what shortcuts alone reach.")] = True,  # noqa: FBT002
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Result folder; default results/runs/<protocol>.")] = None,
    limit: Limit = None,
    seed: Seeds = "0",
    seeds: Annotated[int | None, typer.Option(min=1, help="So many training seeds, instead of --seed.")] = None,
    setting: Annotated[str, typer.Option(help="paper, small, or auto: paper for real data on a GPU.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    base_degradation: Annotated[
        str, typer.Option(help="All images go through it first: none,canonical:jpeg96.")
    ] = "none",
    max_unreadable: Annotated[float, typer.Option(min=0, max=1, help="Share of bad files allowed.")] = MAX_UNREADABLE,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per batch on the device.")] = BATCH_SIZE,
    workers: Workers = CORES,
    tensorboard: Annotated[bool, typer.Option(help="Write curves of trainings for TensorBoard, live.")] = False,  # noqa: FBT002
    keep_fitted: Annotated[bool, typer.Option(help="Keep fitted detectors as files, for `lineup score`.")] = False,  # noqa: FBT002
    dry_run: Annotated[bool, typer.Option(help="Print what would be done, and stop.")] = False,  # noqa: FBT002
) -> None:
    """Answer a protocol: every detector, train set, test set and degradation. Repeating it does what is missing."""
    from bench.request.base_degradations import with_base_degradations
    from bench.request.run_request import RunRequest

    chosen: ChosenProtocol = context.obj
    del settings  # read before the other options were, which now hold what it says
    known_setting(setting, ("auto", "paper", "small"))
    one_of("precision", precision, ("float32", "bfloat16"))
    named = names(detectors)
    if baselines and named and named != ("all",):
        named = tuple(dict.fromkeys((*named, *names(BASELINES))))
    request = RunRequest(
        protocol=chosen.protocol,
        data=data,
        detectors=named,
        setting=setting,
        device=device,
        precision=precision,
        out=out or Path("results/runs") / protocol,
        limit=limit,
        seeds=numbers(seed) if seeds is None else tuple(range(seeds)),
        batch_size=batch_size,
        workers=workers,
        cache=cache_folder(),
        real=real,
        max_unreadable=max_unreadable,
        recipe_options=chosen.recipe_options,
        tensorboard=tensorboard,
        keep_fitted=keep_fitted,
    )
    requests = with_base_degradations(request, names(base_degradation))
    runs = [run for one in requests if (run := _run(one, dry_run=dry_run, show=len(requests) == 1))]
    if runs:
        _close(runs, request, context.params)


def _run(request: RunRequest, *, dry_run: bool, show: bool) -> Run | None:
    """Answer one request, or say what that would cost."""
    from bench.records.store import Store
    from bench.report.run_report import finish
    from bench.request.announcement import announce, estimate
    from bench.request.execution import answer
    from bench.request.planned_run import prepare

    told = reporter()
    planned = prepare(request, told)
    announce(planned, told)
    if dry_run:
        estimate(planned, told)
        return None
    store = Store.at(request.out)
    run = answer(planned, store, told)
    finish(run, store, told, show=show)
    return run


def _close(runs: list[Run], request: RunRequest, params: Mapping[str, object]) -> None:
    """Write the settings that give the same again, and rank several runs together.

    Exits with 1 where a cell failed.
    """
    from bench.records.columns import STATUS
    from bench.records.outcomes import Failed
    from bench.records.store import Store
    from bench.request.protocol_catalogue import as_settings
    from bench.request.settings_file import written

    store = Store.at(request.out)
    own = {name: value for name, value in params.items() if name not in NOT_IN_A_FILE}
    whole = dict(sorted((own | as_settings(request.protocol)).items()))
    store.write("settings.toml", written(whole, request.recipe_options).encode())
    if len(runs) > 1:
        from bench.report.run_report import leaderboard

        leaderboard(runs, store)
    if any((run.cells[STATUS] == Failed.status).any() for run in runs):
        raise typer.Exit(1)


@app.command("data")
def data_command(
    data: Annotated[str, typer.Argument(help="'embedded', a path or URL, or layout:path.")],
    real: Real = "",
    limit: Limit = None,
    audit: Annotated[bool, typer.Option(help="Name what of the files tells the classes apart.")] = False,  # noqa: FBT002
    match: Annotated[Path | None, typer.Option(help="New folder for a manifest in which nothing of it does.")] = None,
    workers: Workers = CORES,
) -> None:
    """Say what a data set holds, and what is wrong with it, before anything is run on it."""
    from bench.command.data import DataRequest, survey

    survey(DataRequest(data, real, limit, cache_folder(), workers), reporter(), audit=audit, match=match)


@app.command("score")
def score_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    images: Annotated[list[Path], typer.Argument(help="Image files, folders or archives.")],
    detector: Annotated[str | None, typer.Option(help="A detector, as `lineup list` names it.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Its published checkpoint.")] = None,
    fitted: Annotated[Path | None, typer.Option(help="Instead: a file that `lineup run --keep-fitted` wrote.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for name, score, verdict and reason.")] = None,
    setting: Annotated[str, typer.Option(help="paper or small: which network the checkpoint is of.")] = "paper",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    batch_size: Annotated[int, typer.Option(min=1, help="Images per batch on the device.")] = BATCH_SIZE,
    workers: Workers = CORES,
) -> None:
    """Score images with a checkpoint or a fitted detector. Exits with 1 where one could not be decoded."""
    from bench.command.score import ScoreRequest, score
    from bench.platform.files import write_atomically

    known_setting(setting, ("paper", "small"))
    one_of("precision", precision, ("float32", "bfloat16"))
    chosen: Setting = "small" if setting == "small" else "paper"
    asked = ScoreRequest(images, detector, weights, fitted, chosen, device, precision, batch_size, workers)
    table = score(asked, reporter())
    if out is not None:
        write_atomically(out, lambda path: table.to_csv(path, index=False))
    for name, value, verdict, reason in table.itertuples(index=False, name=None):
        typer.echo(f"{name}  {reason or f'{value:.4f}  {verdict}'}")
    if (table["reason"] != "").any():
        raise typer.Exit(1)


@app.command("leaderboard")
def leaderboard_command(
    runs: Annotated[list[Path], typer.Argument(help="Result folders.")],
    out: Annotated[Path | None, typer.Option(help="Folder for leaderboard.md, .csv and .json.")] = None,
) -> None:
    """Rank the detectors of one or several runs; runs on different data get tables of their own."""
    from bench.records.store import Store
    from bench.report.run_report import leaderboard

    leaderboard([Store(run).read() for run in runs], Store.at(out) if out else None)


@app.command("matrix")
def matrix_command(
    run: Annotated[Path, typer.Argument(help="Result folder.")],
    detector: Annotated[str, typer.Argument(help="One detector of that run.")],
) -> None:
    """Show one detector's matrix: train sets in rows; test sets or degradations in columns."""
    from bench.records.store import Store
    from bench.report.run_report import show_matrix

    show_matrix(Store(run).read(), detector)


@app.command("list")
def list_command() -> None:
    """List the installed detectors with what they cost and need, the protocols and the data layouts."""
    from bench.command.detector_list import overview, protocol_titles
    from detectors.catalogue import installed

    for line in (*overview(), *protocol_titles(), "", f"layouts: {', '.join(installed('lineup.layouts'))}"):
        typer.echo(line)


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="A detector or a protocol, as `lineup list` names it.")],
) -> None:
    """Show the whole card of a detector, or what a protocol asks with which options.

    Where both have one name, the detector is shown.
    """
    from bench.command.detector_list import in_full

    for line in in_full(name):
        typer.echo(line)


@app.command("regress")
def regress_command(
    golden: Annotated[Path, typer.Option(help="Folder of the golden record.")] = Path("results/golden"),
    update: Annotated[bool, typer.Option(help="Replace the golden record, and print what changes.")] = False,  # noqa: FBT002
) -> None:
    """Run the matrices on the embedded corpus and compare with the golden record.

    Exits with 1 where accuracy fell, with 2 where it could not be compared.
    """
    from bench.command.regress import compare_now, update_golden

    code = (
        update_golden(golden, cache_folder(), reporter()) if update else compare_now(golden, cache_folder(), reporter())
    )
    raise typer.Exit(code)


@app.command("weights")
def weights_command(
    folder: Annotated[Path, typer.Argument(help="Folder that receives the weights and their cards.")],
    only: Annotated[str, typer.Option(help="Names, comma separated; empty for everything that ships.")] = "",
) -> None:
    """Train again everything that ships: the generators of the embedded corpus, the small CLIP, the small ResNet."""
    from bench.embedded.pretraining import all_weights

    for name in names(only):
        one_of("weights", name, all_weights.names())
    with reporter().stages() as report:
        all_weights.train_all(folder, names(only) or None, report)


@app.command("corpus")
def corpus_command(workers: Workers = CORES) -> None:
    """Make the embedded corpus if it is not there, and print its folder."""
    from bench.images.data_sets import embedded_corpus

    typer.echo(embedded_corpus(cache_folder(), workers, reporter()))


def main() -> None:
    """Run the command line: what cannot be used is one line and exit code 2, a fault of Lineup's own is exit code 3."""
    try:
        app()
    except (InputError, UnknownName, OSError) as error:
        typer.echo(f"lineup: {error}", err=True)
        sys.exit(2)
    except Exception:  # noqa: BLE001 - 1 means that accuracy fell: a crash must not look like it
        traceback.print_exc()
        sys.exit(3)
