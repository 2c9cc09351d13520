"""`lineup golden`: a gate for anybody's detectors on anybody's images."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.core import TyperCommand

from bench.command import options
from bench.command.menu.documents import Json, print_document
from bench.command.protocol_options import LENIENT, ProtocolCommand, is_typed
from bench.command.run import question_from, run_command, run_parser
from bench.command.runs.places import run_folder
from bench.images.data_names import check_data
from bench.interface.answers import check_question
from bench.interface.questions import settings_of
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say
from bench.records.settings import SETTINGS, SettingsFile
from bench.request.run_request import RunRequest
from detectors.catalogue import UnknownName

if TYPE_CHECKING:
    from bench.golden.gate_findings import GateFindings

RECORDED = "The record"
# options of `lineup run` that a settings file may have and a record has no use for
OF_A_RUN = {"out": None, "track": "", "tensorboard": False}
NOT_OF_A_RECORD = {"replace", "dry_run", "measure", "as_json"}
NOT_ASKED = {*OF_A_RUN, "workers", "executor", "timeout"}

app = typer.Typer(
    help="Record what your detectors say of your images, and see later whether any of it fell.", no_args_is_help=True
)

RecordFolder = Annotated[Path, typer.Argument(metavar="RECORD", help="Folder of the record.")]
RecordName = Annotated[
    str, typer.Option(help="What reports call the record.", rich_help_panel=RECORDED, show_default="the folder's name")
]
RunToRecord = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="A finished run, its folder or its name: its question and its scores.",
        rich_help_panel=RECORDED,
        parser=run_folder,
    ),
]
Update = Annotated[
    bool,
    typer.Option("--update", help="Replace the record; what is not given is as it asks now.", rich_help_panel=RECORDED),
]
PlaceNow = Annotated[str, typer.Option("--data", help="Where the images lie now.", show_default="as recorded")]
RealNow = Annotated[str, typer.Option("--real", help="Where added real images lie now.", show_default="as recorded")]
FitAgain = Annotated[bool, typer.Option(help="Train again what was trained, and compare that too.")]
DeviceNow = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", show_default="as recorded")]


@app.callback()
def golden() -> None:
    """Record what your detectors say of your images, and see later whether any of it fell."""


class RecordCommand(ProtocolCommand):
    """A command that asks what `lineup run` asks, by default what a finished run or a record to be replaced asked."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - as typer has it
        """Parse the arguments. Raises what `ProtocolCommand.make_context` raises."""
        typed = TyperCommand.make_context(self, info_name, list(args), parent, **LENIENT).params
        if file := _settings_of(typed):
            args = ["--settings", str(file), *args]
        return super().make_context(info_name, args, parent, **extra)


def _settings_of(typed: dict[str, Any]) -> Path | None:
    """The settings that stand behind what was typed. Raises `InputError` where two say what is asked."""
    from bench.golden.question_record import QUESTION

    finished, settings = typed["finished"], typed["settings"]
    if finished is not None and settings is not None:
        msg = f"--from {finished} and --settings {settings} both say what is asked; give one of them"
        raise InputError(msg)
    if finished is not None:
        if not (finished / SETTINGS).is_file():
            msg = f"{finished} holds no finished run ({SETTINGS} is missing); give a folder that `lineup run` wrote"
            raise InputError(msg)
        return Path(finished / SETTINGS)
    if typed["update"] and settings is None and (question := typed["record"] / QUESTION).is_file():
        return Path(question)
    return None


def _with_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of `lineup run` behind its own."""
    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.kind != one.VAR_KEYWORD]
    further = inspect.signature(run_command, eval_str=True).parameters.values()
    names = {one.name for one in own} | NOT_OF_A_RECORD
    parameters = [*own, *(_hidden(one) if one.name in OF_A_RUN else one for one in further if one.name not in names)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _hidden(option: inspect.Parameter) -> inspect.Parameter:
    """An option that help does not show."""
    kind, about = get_args(option.annotation)
    about = copy(about)
    about.hidden = True
    return option.replace(annotation=Annotated[kind, about])


@app.command("make", cls=RecordCommand)
@_with_run_options
def make_command(
    context: typer.Context,
    record: RecordFolder,
    name: RecordName = "",
    finished: RunToRecord = None,
    update: Update = False,  # noqa: FBT002
    **_: object,
) -> None:
    """Record what detectors answer now: a folder of some hundred kB to be committed, without any image.

    It is run afresh, with no cached embedding or fit, or taken from a finished run with --from. Says which halves of
    the gate the record can support.
    """
    from bench.command.gate.make_record import RecordWish, check_place, make_record
    from bench.platform.standard_output import output_aside

    check_place(record, update=update)
    params = context.params | OF_A_RUN
    request, question = _asked(context, params)
    wish = RecordWish(record, name, request, question, finished, update)
    with output_aside():
        make_record(wish, options.working_cache().path, options.reporter())


def _asked(context: typer.Context, params: dict[str, Any]) -> tuple[RunRequest, SettingsFile]:
    """What is asked, and the options that say so. Raises `InputError` for what cannot be used."""
    for option in OF_A_RUN:
        if is_typed(context, option):
            msg = f"--{option} is of a run, and a golden record is no result folder; leave it out"
            raise InputError(msg)
    checked = check_question(question_from(context.obj, params))
    if len(checked.requests) > 1:
        msg = f"a golden record holds one question, and {len(checked.requests)} base degradations are given"
        raise InputError(f"{msg}; make one of each")
    whole = settings_of(checked.question, checked.out, checked.chains)
    asked = {name: value for name, value in whole.values.items() if name not in NOT_ASKED}
    return checked.requests[0], replace(whole, values=asked)


@app.command("check")
def check_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    record: RecordFolder,
    data: PlaceNow = "",
    real: RealNow = "",
    fit_again: FitAgain = True,  # noqa: FBT002
    device: DeviceNow = "",
    workers: options.Workers = options.CORES,
    weights_dir: options.WeightsDir = None,
    junit: options.JunitFile = None,
    summary: options.SummaryFile = None,
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Ask a record's question again, and say what moved, in which cells, and by how much.

    Images are found by their contents, wherever they lie. Exits with 1 where an accuracy fell, or a decision of the
    same fitted detector or checkpoint changed; with 2 where something could not be compared.
    """
    from bench.command.gate.gate_output import GateOutput, show_findings
    from bench.golden.gate_findings import GateFindings
    from bench.report.gate_report import record_acceptance

    output = GateOutput(junit, summary, options.job_summary())
    output.check()
    typed = {"--data": data, "--real": real, "--device": device, "--workers": str(workers)}
    typed |= {"--weights-dir": str(weights_dir or "")}
    given = [text for option, value in typed.items() if value for text in (option, value)]
    try:
        found = _checked(record, given, fit_again=fit_again)
    except (InputError, UnknownName) as error:
        output.write(GateFindings(record.name, (), (str(error),)))
        raise
    accept = ["lineup", "golden", "make", str(record), "--update", *_places(data, real)]
    acceptance = shlex.join(accept) if found.exit_code else ""
    output.write(found, acceptance)
    show_findings(found, options.reporter().say, as_json=as_json, acceptance=acceptance)
    if acceptance and not as_json:
        say(record_acceptance(acceptance))
    raise typer.Exit(found.exit_code)


def _places(data: str, real: str) -> list[str]:
    """Where the images lie, as options, as far as it was typed."""
    return [text for option, place in (("--data", data), ("--real", real)) if place for text in (option, place)]


def _checked(folder: Path, given: Sequence[str], *, fit_again: bool) -> GateFindings:
    """What the gate finds. Raises `InputError` where nothing can be compared."""
    from bench.command.gate.check_record import check_record
    from bench.golden.question_record import QUESTION, read_record
    from bench.platform.standard_output import output_aside

    record = read_record(folder)
    context = run_parser().make_context("lineup golden check", ["--settings", str(folder / QUESTION), *given])
    question = question_from(context.obj, context.params)
    try:
        check_data(question.data.place, question.data.real)
    except InputError as error:
        where = "" if "--data" in given else "; --data says where the images lie now"
        raise InputError(f"{error}{where}") from error
    (request,) = check_question(question).requests
    with output_aside():
        return check_record(record, request, options.working_cache().path, options.reporter(), fit_again=fit_again)


@app.command("show")
def show_command(record: RecordFolder, as_json: Json = False) -> None:  # noqa: FBT002
    """Say what a record holds: question, detectors, images, versions, and which halves of the gate it supports."""
    from bench.command.gate.make_record import support_lines
    from bench.golden.question_record import read_record
    from bench.report.gate.record_facts import record_facts

    found = read_record(record)
    supports = list(support_lines(found, len(found.fits)))
    facts = record_facts(found, supports)
    if as_json:
        print_document(facts)
        return
    del facts["supports"]  # sentences, which have lines of their own
    for name, value in facts.items():
        say(f"{name.replace('_', ' ')}: {value if isinstance(value, str | int) else ', '.join(map(str, value))}")
    say("\n".join(supports))
