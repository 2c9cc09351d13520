"""From a question to its answer in a result folder: checked, planned, executed and written; or only planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.interface.questions import RunQuestion, settings_of
from bench.interface.surroundings import held_cache
from bench.platform.errors import InputError
from bench.records.settings import SETTINGS
from bench.request.run_request import RunRequest, usual_folder

if TYPE_CHECKING:
    from bench.platform.progress import Reporter
    from bench.records.run import Run
    from bench.rehearsal.rehearsal import Rehearsal
    from bench.request.planned_run import PlannedRun


@dataclass(frozen=True)
class CheckedQuestion:
    """A question whose names are known and whose options have values that there are.

    Attributes:
        question: The question.
        out: Its result folder.
        requests: A request for each base degradation; those of several have folders of their own below `out`.
    """

    question: RunQuestion
    out: Path
    requests: Sequence[RunRequest]

    @property
    def chains(self) -> list[str]:
        """The names of its base degradations."""
        return [request.base_degradation for request in self.requests]


def check_question(question: RunQuestion) -> CheckedQuestion:
    """Look every name up before anything heavy is imported. Raises `InputError` and `UnknownName`."""
    from bench.request.early_checks import base_chains, check_request

    request = question.request()
    check_request(request)
    chains = base_chains(question.base_degradations)
    root = question.out or usual_folder(request, chains)
    return CheckedQuestion(question, root, request.in_folder(root).under(chains))


def answer(checked: CheckedQuestion, reporter: Reporter, call: str, *, show: bool = False) -> list[Run]:
    """Answer a question: what its result folder lacks is computed, and everything that follows is written.

    Args:
        checked: The question.
        reporter: Shows progress.
        call: How it was asked, for who looks at the run while it goes on.
        show: Whether tables are printed.

    Returns:
        A run for each base degradation.

    Raises:
        InputError: Something cannot be used, or the folder holds the answer to another question.
    """
    from bench.records.store import Store
    from bench.report.run_report import report_leaderboard
    from bench.request.early_checks import require_ray
    from bench.request.run_record import cache_use

    if checked.question.cluster:
        require_ray()
    with held_cache(reporter) as cache, _held_folders(checked), _published(checked.out, reporter):
        planned = plan_question(checked, cache.path, reporter, dry=False)
        cache.declare([cache_use(run) for run in planned])
        runs = [_execute(run, reporter, call, show=show and len(planned) == 1) for run in planned]
        write_settings(checked)
        if len(runs) > 1:
            report_leaderboard(runs, Store.at(checked.out), show=show)
    return runs


def write_settings(checked: CheckedQuestion) -> None:
    """Write the settings that ask the question again into its result folder."""
    from bench.records.store import Store
    from bench.request.settings_file import to_toml

    settings = settings_of(checked.question, checked.out, checked.chains)
    Store.at(checked.out).write(SETTINGS, to_toml(settings.values, settings.recipe_options).encode())


def rehearsals(
    checked: CheckedQuestion, reporter: Reporter, *, measure: bool = False
) -> Iterator[tuple[PlannedRun, Rehearsal]]:
    """What would be done for a question and what it would cost, of each base degradation; nothing of it is done.

    Args:
        checked: The question.
        reporter: Shows progress.
        measure: Whether the rates that it needs are measured now, and kept in the cache folder.

    Raises:
        InputError: As `answer`.
    """
    from bench.rehearsal.rehearsal import rehearse
    from bench.request.announcement import announce_run

    with held_cache(reporter, reading=not measure) as cache:
        _fetch_for_planning(checked.out)
        for run in plan_question(checked, cache.path, reporter, dry=True):
            announce_run(run, reporter)
            yield run, rehearse(run, reporter, measuring=measure)


@contextmanager
def _held_folders(checked: CheckedQuestion) -> Iterator[None]:
    """Hold the result folders of a question for this run alone."""
    from bench.request.result_folder import held_for_one_run

    with ExitStack() as held:
        for folder in dict.fromkeys([checked.out, *(request.out for request in checked.requests)]):
            held.enter_context(held_for_one_run(folder))
        yield


def _published(out: Path, reporter: Reporter) -> AbstractContextManager[None]:
    """Where a result folder is the working copy of a place on a store, publish it there while the context lasts."""
    from bench.storage.publishing import published
    from bench.storage.working_copy import store_of

    url = store_of(out)
    return published(out, url, reporter.say) if url else nullcontext()


def _fetch_for_planning(out: Path) -> None:
    """Let the working copy of a place on a store have what is there; that of a run that goes on here is the newer one.

    Raises:
        InputError: The store does not answer well.
    """
    from bench.request.result_folder import held_for_one_run
    from bench.storage.object_store import ObjectStore
    from bench.storage.result_copy import ResultCopy
    from bench.storage.working_copy import store_of

    if not (url := store_of(out)):
        return
    with ExitStack() as held:
        try:
            held.enter_context(held_for_one_run(out))
        except InputError:
            return
        ResultCopy(out, ObjectStore(url)).fetch()


def plan_question(checked: CheckedQuestion, cache: Path, reporter: Reporter, *, dry: bool) -> list[PlannedRun]:
    """The runs that answer a question, one for each base degradation, each in a folder that it may write.

    Args:
        checked: The question.
        cache: The cache folder.
        reporter: Shows progress.
        dry: Whether nothing is made or decoded.

    Raises:
        InputError: Something cannot be used, or the folder holds the answer to another question.
    """
    from bench.platform.standard_output import output_aside
    from bench.request.planned_run import plan_run
    from bench.request.result_folder import require_own_question

    with output_aside():
        planned = [plan_run(request.with_cache(cache), reporter, dry=dry) for request in checked.requests]
    if not checked.question.replace:
        require_own_question(checked.out, planned)
    return planned


def _execute(planned: PlannedRun, reporter: Reporter, call: str, *, show: bool) -> Run:
    """Answer a planned run and report it."""
    from bench.records.store import Store
    from bench.report.run_report import report_run
    from bench.request.announcement import announce_run
    from bench.request.execution import execute, followed

    store = Store.at(planned.request.out)
    with followed(planned, store, reporter, call) as (tracker, telling):
        announce_run(planned, telling)
        run = execute(planned, store, telling, tracker)
        report_run(run, store, telling, show=show)
    return run
