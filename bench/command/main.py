"""The command line: `lineup`, the same as `python -m bench`.

One module per command. Nothing heavy is imported until a command runs, and each checks what it was given before it
imports what computes.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import typer
from typer.main import get_command

from bench.command import new, weights
from bench.command.cards import list_command, show_command
from bench.command.corpus import corpus_command
from bench.command.data import data_command
from bench.command.exchange.degrade import degrade_command
from bench.command.exchange.import_scores import import_command
from bench.command.finished.check import check_command
from bench.command.finished.compare import compare_command
from bench.command.finished.figure import figure_command
from bench.command.finished.profile import profile_command
from bench.command.finished.report import report_command
from bench.command.finished.rescore import rescore_command
from bench.command.finished.serve import serve_command
from bench.command.leaderboard import leaderboard_command, matrix_command
from bench.command.options import command_resources, set_library_defaults
from bench.command.protocol_options import ProtocolCommand
from bench.command.reference.explain import explain_command
from bench.command.regress import regress_command
from bench.command.run import run_command
from bench.command.runs import runs as runs_commands
from bench.command.runs.sweep import sweep_command
from bench.command.score import score_command
from bench.command.storage import cache as cache_commands
from bench.platform.errors import InputError
from bench.platform.memory import is_want_of_memory, keep_freed_memory
from bench.platform.outside.interruption import Interrupted, signals_as_exceptions
from bench.platform.outside.terminal import complain, say
from detectors.catalogue import UnknownName
from detectors.isolation.calls import first_line
from protocols.toml_files import LONG_NUMBER

ABOUT = "Compare families of detectors of AI-generated images: accuracy, robustness, certainty and speed."
FIRST_STEPS = f"""{ABOUT}

Three things to do first:

  lineup run                 compare six detectors on a corpus that Lineup makes itself (minutes, no download)
  lineup data MY_IMAGES      say what a folder or archive of images holds, before anything is run on it
  lineup list                name the detectors, protocols and layouts that are installed

`lineup --help` names every command, `lineup run --help` its options."""

WRONG_USAGE: Any = typer.BadParameter.__base__  # the error of every option and command that cannot be understood
MOST_SHOWN = 60  # characters of an argument that a message repeats
WITHOUT_MEMORY = (
    "there was not enough memory; run the same command again with fewer --workers or a smaller --batch-size: what is "
    "recorded is kept"
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=ABOUT)
app.command("run", cls=ProtocolCommand)(run_command)
app.command("sweep")(sweep_command)
app.command("data")(data_command)
app.command("score")(score_command)
app.command("degrade")(degrade_command)
app.command("import")(import_command)
app.command("leaderboard")(leaderboard_command)
app.command("matrix")(matrix_command)
app.command("check")(check_command)
app.command("compare")(compare_command)
app.command("rescore")(rescore_command)
app.command("figure")(figure_command)
app.command("profile")(profile_command)
app.command("report")(report_command)
app.command("serve")(serve_command)
app.command("list")(list_command)
app.command("show")(show_command)
app.command("explain")(explain_command)
app.command("regress")(regress_command)
app.add_typer(runs_commands.app, name="runs")
app.add_typer(weights.app, name="weights")
app.add_typer(new.app, name="new")
app.command("corpus")(corpus_command)
app.add_typer(cache_commands.app, name="cache")


def print_version(requested: bool) -> None:  # noqa: FBT001 - as typer calls it
    """Print the version, and stop."""
    if requested:
        from importlib.metadata import version

        say(f"lineup {version('lineup-bench')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool | None, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = None,
) -> None:
    """Say what people do first where no command is given."""
    context.with_resource(command_resources())
    if context.invoked_subcommand is None:
        say(FIRST_STEPS)


@cache
def _command() -> Any:  # noqa: ANN401 - as typer has it
    """All commands with their parameters: made once, for whoever calls `main` many times in one process."""
    return get_command(app)


def main() -> None:
    """Run the command line: what cannot be used is one line and exit code 2, a fault of Lineup's own is exit code 3.

    A signal that ends it is one line too, and 128 and its number.
    """
    keep_freed_memory()
    set_library_defaults()
    try:
        with signals_as_exceptions():
            _require_short_numbers(sys.argv[1:])
            code = _command()(prog_name="lineup", standalone_mode=False)
    except WRONG_USAGE as error:
        complain(f"{error.format_message().rstrip('.')}; {_advice(error)}")
        code = 2
    except (InputError, UnknownName, OSError) as error:
        complain(error)
        code = 2
    except Interrupted as error:
        complain(f"{error}; what was finished is kept, and the same command goes on from there")
        code = error.exit_code
    except Exception as error:  # noqa: BLE001 - 1 means that accuracy fell: a crash must not look like it
        code = _fault(error)
    sys.exit(code)


def _fault(error: Exception) -> int:
    """Print what nobody foresaw, and give its exit code: want of memory is one line."""
    if is_want_of_memory(error):
        complain(f"{WITHOUT_MEMORY} ({first_line(error)})")
        return 2
    traceback.print_exception(error)
    return 3


def _require_short_numbers(arguments: Sequence[str]) -> None:
    """Raise `InputError` for a number of so many digits that Python does not convert it."""
    for argument in arguments:
        if found := LONG_NUMBER.search(argument):
            msg = f"{argument[:MOST_SHOWN]}... has a number of {len(found[0]):,} digits; give a smaller one"
            raise InputError(msg)


def _advice(error: Any) -> str:  # noqa: ANN401 - as typer has it
    """What to do about an option or a command that cannot be used as it stands."""
    return f"`{error.ctx.command_path if error.ctx else 'lineup'} --help` says what can be given"
