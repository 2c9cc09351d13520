"""`lineup sweep`: several runs that one file asks for, and one board of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document, print_table
from bench.command.options import CORES
from bench.command.run import question_from, run_parser
from bench.interface.answers import CheckedQuestion, check_question, plan_question
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say
from bench.request.run_request import RUNS
from bench.request.sweeps.sweep_file import SweepRun, read_sweep
from detectors.catalogue import UnknownName

if TYPE_CHECKING:
    from bench.evaluation.leaderboard import Ranking
    from bench.platform.processes.commands import CommandEnd, CommandLine
    from bench.platform.progress import Reporter
    from bench.records.store import Store
    from bench.rehearsal.rehearsal import Rehearsal

FOLDERS, SETTINGS, LOGS = "runs", "settings", "logs"  # in the folder of a sweep
COLUMNS = ("run", "state", "exit code", "seconds")
ANSWERED = {0: "finished", 1: "cells failed"}  # by exit code: what stands on the board
WRONG_USAGE: Any = typer.BadParameter.__base__  # the error of every option that cannot be understood

SweepFile = Annotated[Path, typer.Argument(help="TOML file of runs.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Runs at a time; their --workers are divided.")]
SweepFolder = Annotated[
    Path | None, typer.Option("--out", help="Folder of the sweep.", show_default="results/runs/ and the file's name")
]
SweepDryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done and what it costs, and stop.")]
SweepMeasure = Annotated[bool, typer.Option("--measure", help="With --dry-run: time a few images of each work first.")]
SweepReplace = Annotated[bool, typer.Option("--replace", help="Write over runs of other questions in the folder.")]


@dataclass(frozen=True)
class CheckedSweepRun:
    """A run of a sweep, checked as far as that needs no data.

    Attributes:
        asked: As the file has it.
        question: What it asks.
        arguments: Of `lineup`, when its settings are written.
    """

    asked: SweepRun
    question: CheckedQuestion
    arguments: Sequence[str]

    @property
    def name(self) -> str:
        """Its name in the sweep."""
        return self.asked.name


def sweep_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    file: SweepFile,
    jobs: Jobs = 1,
    out: SweepFolder = None,
    replace: SweepReplace = False,  # noqa: FBT002
    dry_run: SweepDryRun = False,  # noqa: FBT002
    measure: SweepMeasure = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Run what a file asks for, each as a `lineup run` of its own, and rank all in one board.

    All are checked before any starts. A run that fails leaves the others; the exit code is then 1. Repeating the
    command does what is missing.
    """
    if jobs > CORES:
        msg = f"--jobs {jobs} is more than the {CORES} cores of this machine; give {CORES} or fewer"
        raise InputError(msg)
    if measure and not dry_run:
        msg = "--measure measures how long runs would take, and starts none; add --dry-run, or leave it out"
        raise InputError(msg)
    if as_json and dry_run:
        msg = "--json prints the board of a sweep, and --dry-run starts none; leave one of the two out"
        raise InputError(msg)
    from bench.platform.files import plain_name

    root = out or RUNS / plain_name(file.stem)
    runs = read_sweep(file)
    _require_no_run(root)
    checked = [_checked(run, root, min(jobs, len(runs)), replace=replace) for run in runs]
    reporter = options.reporter()
    rehearsed = _plan_all(checked, reporter, dry_run=dry_run, measure=measure)
    if not dry_run:
        _run_all(checked, root, jobs, reporter, as_json=as_json)
        return
    from bench.rehearsal.rehearsal import sum_line

    shared = " One after the other; what runs share in the cache is counted in each." if len(checked) > 1 else ""
    reporter.say(f"\nAll {len(checked)} runs. {sum_line(rehearsed)}.{shared}")


def _require_no_run(root: Path) -> None:
    """Raise `InputError` for the folder of a run, whose own tables stay."""
    if (root / "manifest.json").is_file():
        msg = f"OUT {root} holds a run, whose own tables stay as they are; give the sweep another --out"
        raise InputError(msg)


def _checked(run: SweepRun, root: Path, jobs: int, *, replace: bool) -> CheckedSweepRun:
    """A run as `lineup run` would check it before it opens any data. Raises `InputError`."""
    given = ["--out", str(root / FOLDERS / run.name)]
    if "workers" not in run.settings.values:  # the number changes no score
        given += ["--workers", str(max(1, CORES // jobs))]
    given += ["--replace"] if replace else []
    try:
        context = run_parser().context_with(run.settings, run.where, "run", list(given))  # typer empties it
        question = check_question(question_from(context.obj, context.params))
    except WRONG_USAGE as error:
        raise InputError(f"{run.where}: {error.format_message().rstrip('.')}") from error
    except (InputError, UnknownName) as error:
        text = str(error)
        raise InputError(text if text.startswith(run.where) else f"{run.where}: {text}") from error
    settings = root / SETTINGS / f"{run.name}.toml"
    return CheckedSweepRun(run, question, ["run", "--settings", str(settings), *given])


def _plan_all(
    checked: Sequence[CheckedSweepRun], reporter: Reporter, *, dry_run: bool, measure: bool
) -> list[Rehearsal]:
    """Plan every run without making or decoding anything; of a dry run, say what each would cost.

    Raises:
        InputError: One cannot be run, or its folder holds another question.
    """
    from bench.rehearsal.rehearsal import rehearse
    from bench.request.announcement import announce_run

    cache, found = options.working_cache(reading=not measure), []
    for run in checked:
        try:
            planned = plan_question(run.question, cache.path, reporter, dry=True)
        except (InputError, OSError) as error:
            msg = f"{run.asked.where}: {error}"
            raise InputError(msg) from error
        for one in planned if dry_run else ():
            reporter.say(f"\nRun {run.name}")
            announce_run(one, reporter)
            found.append(rehearse(one, reporter, measuring=measure))
            reporter.say("\n".join(found[-1].lines))
    return found


def _run_all(checked: Sequence[CheckedSweepRun], root: Path, jobs: int, reporter: Reporter, *, as_json: bool) -> None:
    """Run all, rank those that came to their end, and say how each ended. Exits with 1 where one failed."""
    from bench.records.store import Store
    from bench.request.result_folder import held_for_one_run

    options.until_the_command_ends(held_for_one_run(root))
    store = Store.at(root)
    ends = _ends(checked, store, jobs, reporter)
    read = {
        run.name: [Store(request.out).read() for request in run.question.requests]
        for run, end in zip(checked, ends, strict=True)
        if end.code in ANSWERED
    }
    ranked: list[Ranking] = []
    if read:
        from bench.report.run_report import report_boards

        ranked = report_boards(read, store, show=not as_json)
    if as_json:
        print_document({"runs": [_end_document(end, store.root) for end in ends], "leaderboard": ranked})
    else:
        _say_ends(checked, ends, store.root)
    if any(end.code for end in ends):
        raise typer.Exit(1)


def _ends(checked: Sequence[CheckedSweepRun], store: Store, jobs: int, reporter: Reporter) -> list[CommandEnd]:
    """Run all, `jobs` at a time; how each ended, in their order."""
    from bench.platform.checksums import ChecksumList, sha256_of
    from bench.platform.processes.commands import run_commands

    commands = list(_command_lines(checked, store))
    try:
        with reporter.stage("runs", len(commands)) as advance:

            def ended(end: CommandEnd) -> None:
                state = ANSWERED.get(end.code, f"ended with exit code {end.code}")
                reporter.say(f"{end.name}: {state} after {end.seconds:.0f} s")
                advance(1)

            return run_commands(commands, jobs, lambda name: reporter.say(f"{name}: started"), ended)
    finally:
        logs = [command.log for command in commands if command.log.is_file()]
        ChecksumList.of(store.root).add({log.relative_to(store.root).as_posix(): sha256_of(log) for log in logs})


def _command_lines(checked: Sequence[CheckedSweepRun], store: Store) -> Iterator[CommandLine]:
    """The command of each run, whose settings are written."""
    from bench.platform.processes.commands import CommandLine
    from bench.request.settings_file import to_toml

    (store.root / LOGS).mkdir(exist_ok=True)
    for run in checked:
        settings = run.asked.settings
        store.write(f"{SETTINGS}/{run.name}.toml", to_toml(settings.values, settings.recipe_options).encode())
        # -P: a folder of the user's that is called as a package of Lineup's is not taken for it
        program = [sys.executable, "-P", "-u", "-m", "lineup_bench"]
        yield CommandLine(run.name, [*program, *run.arguments], store.root / LOGS / f"{run.name}.log")


def _end_document(end: CommandEnd, root: Path) -> dict[str, object]:
    """How a run ended: its state as in the table, and what one that failed said."""
    said = None if end.code in ANSWERED else _last_line(root, end)
    return {**asdict(end), "state": _state(end), "folder": root / FOLDERS / end.name, "said": said}


def _state(end: CommandEnd) -> str:
    return ANSWERED.get(end.code, "failed")


def _say_ends(checked: Sequence[CheckedSweepRun], ends: Sequence[CommandEnd], root: Path) -> None:
    """Print how each run ended, what those said that failed, and where all is."""
    print_table(COLUMNS, [(end.name, _state(end), end.code, f"{end.seconds:.0f}") for end in ends])
    for end in ends:
        if end.code not in ANSWERED:
            say(f"{end.name} failed: {_last_line(root, end)}")
    say(f"Written to {root}: leaderboard.md .csv .json .tex; the runs in {FOLDERS}/, what they printed in {LOGS}/")
    again = [run for run, end in zip(checked, ends, strict=True) if end.code not in ANSWERED]
    if again:
        say(f"{len(again)} of {len(ends)} runs failed; the same command runs them again, and does what is missing")


def _last_line(root: Path, end: CommandEnd) -> str:
    """The last line that a failed run printed of what it met."""
    lines = (root / LOGS / f"{end.name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in lines if line.startswith("lineup: ")] or [line for line in lines if line.strip()]
    return told[-1].removeprefix("lineup: ") if told else "it said nothing"
