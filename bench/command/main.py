"""The command line: `lineup`, the same as `python -m bench`.

One module per command, which the menu names. It is imported when it runs, and checks what it was given before it
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

from bench.command.menu.completion import answer_shell, is_asked_by_a_shell
from bench.command.menu.lazy_group import MenuGroup
from bench.command.options import command_resources, set_library_defaults
from bench.platform.errors import InputError
from bench.platform.memory import is_want_of_memory, keep_freed_memory
from bench.platform.outside.interruption import Interrupted, signals_as_exceptions
from bench.platform.outside.terminal import complain, say
from bench.platform.standard_output import OutputReaders, drop_output
from detectors.isolation.calls import first_line
from protocols.toml_files import LONG_NUMBER

ABOUT = "Compare families of detectors of AI-generated images: accuracy, robustness, certainty and speed."
STEPS = {
    "lineup run": "compare six detectors on a corpus that Lineup makes itself (minutes, no download)",
    "lineup data MY_IMAGES": "say what a folder or archive of images holds, before anything is run on it",
    "lineup list": "name the detectors, protocols and layouts that are installed",
}
_LINES = "\n".join(f"  {step:26} {about}" for step, about in STEPS.items())
FIRST_STEPS = f"""{ABOUT}

Three things to do first:

{_LINES}

`lineup --help` names every command, `lineup run --help` its options."""
EPILOG = "\n\n".join(["Three things to do first:", *(f"{step}: {about}" for step, about in STEPS.items())])

WRONG_USAGE: Any = typer.BadParameter.__base__  # the error of every option and command that cannot be understood
MOST_SHOWN = 60  # characters of an argument that a message repeats
WITHOUT_MEMORY = (
    "there was not enough memory; run the same command again with fewer --workers or a smaller --batch-size: what is "
    "recorded is kept"
)
NOBODY_READS = 128 + 13  # as a shell has it of what SIGPIPE ended

app = typer.Typer(cls=MenuGroup, add_completion=False, pretty_exceptions_enable=False, help=ABOUT, epilog=EPILOG)


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
    set_library_defaults()
    if is_asked_by_a_shell():
        answer_shell(_command)
        return
    keep_freed_memory()
    try:
        code = _run(OutputReaders())
        if sys.stdout:  # a shell may have closed it
            sys.stdout.flush()
    except BrokenPipeError:
        code = _unread()
    sys.exit(code)


def _run(readers: OutputReaders) -> int | None:
    """Run a command, and say what ended it. Returns the exit code."""
    try:
        with signals_as_exceptions():
            _require_short_numbers(sys.argv[1:])
            code: int | None = _command()(prog_name="lineup", standalone_mode=False)
    except WRONG_USAGE as error:
        complain(f"{error.format_message().rstrip('.')}; {_advice(error)}")
        code = 2
    except Interrupted as error:
        complain(f"{error}; what was finished is kept, and the same command goes on from there")
        code = error.exit_code
    except SystemExit as end:  # of typer and rich, which could not write
        code = _unwritten(end, readers)
    except Exception as error:  # noqa: BLE001 - 1 means that accuracy fell: a crash must not look like it
        code = _fault(error)
    return code


def _unwritten(end: SystemExit, readers: OutputReaders) -> int:
    """The exit code where something could not be written: what was printed, or into another pipe or connection."""
    if readers.have_gone():
        return _unread()
    if not isinstance(end.__context__, OSError):
        raise end
    complain(end.__context__)
    return 2


def _unread() -> int:
    """The exit code where nobody reads any more, as under `head`; what is left to print is dropped."""
    drop_output()
    return NOBODY_READS


def _fault(error: Exception) -> int:
    """Print what ended a command, and give its exit code: what the user can mend, and want of memory, are one line."""
    catalogue = sys.modules.get("detectors.catalogue")  # not imported for this: numpy may be what is broken
    if isinstance(error, (InputError, OSError, *([catalogue.UnknownName] if catalogue else []))):
        complain(error)
        return 2
    if is_want_of_memory(error):
        complain(f"{WITHOUT_MEMORY} ({first_line(error)})")
        return 2
    traceback.print_exception(error)
    if isinstance(error, ImportError):
        complain("a library cannot be imported; `lineup doctor` says which, and what to do")
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
