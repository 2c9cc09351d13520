"""Makes a golden record of a question: runs it afresh, or takes a finished run, and says what the record can show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine.cache import Cache
from bench.engine.plan import detector_names
from bench.golden.fitted_record import SUFFIX
from bench.golden.golden_record import describe_update, golden_from
from bench.golden.question_record import (
    QuestionRecord,
    foreign_files,
    holds_record,
    read_record,
    write_record,
)
from bench.golden.recorded_images import record_images
from bench.golden.regression import FallLimits, seeds_differ
from bench.images.data_names import EMBEDDED
from bench.images.data_sets import embedded_corpus
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run
from bench.records.settings import SettingsFile
from bench.records.store import Store
from bench.request.execution import execute
from bench.request.planned_run import PlannedRun, plan_run
from bench.request.run_request import RunRequest
from bench.request.settings_file import to_toml, with_absolute_paths, with_relative_paths
from bench.statistics.hypothesis_tests import least_p

MOST_SEEDS = 30  # that are looked at for the fewest that show a fall


@dataclass(frozen=True)
class RecordWish:
    """The record that is to be made.

    Attributes:
        folder: Where.
        name: What reports call it; empty for that of the record that it replaces, or of the folder.
        request: What is asked.
        question: The options that say so.
        finished: Folder of a run that answered it; None where it is to be run now.
        update: Whether it may take the place of another record.
    """

    folder: Path
    name: str
    request: RunRequest
    question: SettingsFile
    finished: Path | None
    update: bool


def check_place(folder: Path, *, update: bool) -> None:
    """Raise `InputError` where a record would take the place of anything else, or of one that is to stay."""
    if not folder.exists():
        return
    if not folder.is_dir():
        msg = f"RECORD {folder} is no folder; name one that is there only for the record"
        raise InputError(msg)
    if holds_record(folder) and not update:
        msg = f"RECORD {folder} holds a golden record; add --update to replace it, or name another folder"
        raise InputError(msg)
    foreign = foreign_files(folder) if holds_record(folder) else sorted(path.name for path in folder.iterdir())
    if foreign:
        msg = f"RECORD {folder} holds {foreign[0]}, which is no part of a golden record and would be lost"
        raise InputError(f"{msg}; name another folder, or take it away")


def make_record(wish: RecordWish, cache: Path, reporter: Reporter) -> None:
    """Make a golden record, and say what it changes and what it can show.

    Args:
        wish: What is wanted.
        cache: The user's cache, of the embedded corpus, and of the images of a finished run.
        reporter: Shows progress.

    Raises:
        InputError: It cannot be made.
    """
    old = _old_record(wish.folder, reporter)
    if len(wish.request.data_sets) + len(wish.request.protocol.data_sets()) > 1:
        msg = f"{wish.request.protocol.name} is asked of several data sets, and a golden record is of one"
        raise InputError(f"{msg}; make a record of each data set")
    with TemporaryDirectory(prefix="lineup-golden-") as scratch:
        planned, run = _answers(wish, Path(scratch), cache, reporter)
        fits = _kept_fits(planned, run, wish.finished or Path(scratch) / "run")
        used = planned.selections.all_images().images
        inspected = Cache.at(planned.request.cache).inspect(used, planned.request.workers, lambda _: None)
        name = wish.name or (old.name if old else wish.folder.absolute().name)
        record = QuestionRecord(
            name, _question(wish, planned), golden_from([run]), record_images(planned.images, inspected), {}
        )
        size = write_record(record, fits, wish.folder)
    reporter.say(describe_update(old.run if old else None, record.run))
    for line in support_lines(record, len(fits)):
        reporter.say(line)
    reporter.say(f"Written: {wish.folder}, {size / 1000:,.0f} kB. Compare with it: lineup golden check {wish.folder}")


def _old_record(folder: Path, reporter: Reporter) -> QuestionRecord | None:
    """The record that is replaced; None, with a line that says why, where there is none that can be read."""
    if not holds_record(folder):
        return None
    try:
        return read_record(folder)
    except InputError as error:
        reporter.say(f"Starting anew: {error}")
        return None


def _answers(wish: RecordWish, scratch: Path, cache: Path, reporter: Reporter) -> tuple[PlannedRun, Run]:
    """The plan of what is asked, and the answers: of the finished run, or afresh, with no cache that could be old."""
    if wish.finished is not None:
        planned = plan_run(replace(wish.request, cache=cache, out=scratch / "run"), reporter)
        _require_one_kind(planned)
        return planned, _finished(wish.finished, planned)
    request = replace(wish.request, cache=scratch / "cache", out=scratch / "run", timed=False)
    if request.data == EMBEDDED:
        request = replace(request, data=str(embedded_corpus(cache, os.cpu_count() or 1, reporter)))
    planned = plan_run(request, reporter)
    _require_one_kind(planned)
    return planned, execute(planned, Store.at(request.out), reporter)


def _require_one_kind(planned: PlannedRun) -> None:
    """Raise `InputError` for what cannot be one record, before anything is computed."""
    kinds = {
        kind: sorted({item.cell.detector for item in planned.planned if (item.cell.train is not None) is trained})
        for kind, trained in (("are trained", True), ("are loaded from checkpoints", False))
    }
    if all(kinds.values()):
        told = " and ".join(f"{', '.join(names)} {kind}" for kind, names in kinds.items())
        msg = f"{told}: a golden record holds one kind; make one of each"
        raise InputError(msg)
    if any(item.cell.task != "binary" for item in planned.planned):
        msg = f"a golden record holds scores alone, and {planned.protocol.name} asks which generator made an image"
        raise InputError(f"{msg}; give a protocol that asks for real or generated")


def _finished(folder: Path, planned: PlannedRun) -> Run:
    """The finished run in a folder. Raises `InputError` where it is none of what was planned."""
    run = Store(folder).read()
    asked = {item.key for item in planned.planned} - {
        item.key for item in planned.planned if item.cell in set(planned.validation.values())
    }
    found = set(run.cells[columns.KEY]) - {""}
    if asked != found:
        msg = (
            f"{folder} holds the answers of {len(asked & found)} of the {len(asked)} cells that its settings ask for"
            " now: images, detectors or the code are others"
        )
        raise InputError(f"{msg}; run it again, or make the record without --from")
    return run


def _kept_fits(planned: PlannedRun, run: Run, folder: Path) -> dict[str, bytes]:
    """The fitted detectors that a run kept, as files by name; none where it was not to keep them.

    Raises:
        InputError: One is missing.
    """
    if not planned.request.keep_fitted or not planned.protocol.trains:
        return {}
    scored = set(run.cells.loc[run.cells[columns.STATUS].eq(Scored.status), columns.KEY])
    fits = {item.fit_key: item.cell for item in planned.planned if item.key in scored}
    files = {name: folder / "fitted" / f"{name}{SUFFIX}" for name in detector_names(fits).values()}
    if missing := [path for path in files.values() if not path.is_file()]:
        msg = f"{missing[0]} is missing: the run was to keep its fitted detectors"
        raise InputError(f"{msg}; run it again with --keep-fitted, or give --no-keep-fitted")
    return {path.name: path.read_bytes() for path in files.values()}


def _question(wish: RecordWish, planned: PlannedRun) -> str:
    """What was asked as TOML: rows and setting spelled out, and paths as they are named from the record."""
    rows = wish.request.detectors if wish.request.detectors != ("all",) else tuple(planned.recipes)
    chosen = {"detectors": list(rows), "baselines": False, "setting": planned.setting}
    whole = SettingsFile({**wish.question.values, **chosen}, wish.question.recipe_options)
    whole = with_absolute_paths(whole, Path())  # those of rows, that are as they were typed
    near = with_relative_paths(whole, wish.folder, Path())
    return to_toml(near.values, near.recipe_options)


def support_lines(record: QuestionRecord, fits: int) -> Iterator[str]:
    """Which halves of the gate a record can support, and what it does not know, a line each.

    Args:
        record: The record.
        fits: Number of fitted detectors that are kept in it.
    """
    if not record.trained:
        yield "Scored again: checkpoints; a changed decision of the same file fails, another file is tested for falls"
        return
    kept = f"{fits} fitted detectors are kept; any changed decision fails" if fits else "no, add --keep-fitted for that"
    yield f"Scored again: {kept}"
    yield f"Fitted again: {_noise_text(record)}"


def _noise_text(record: QuestionRecord) -> str:
    """What a record knows of the spread between trainings."""
    limits, seeds, varying = FallLimits(), len(record.run.manifest.seeds), seeds_differ(record.run)
    fixed = f"more than {100 * limits.cell:g} points in a cell or {100 * limits.mean:g} on an average"
    if seeds == 1:
        return (
            f"of one training seed no spread between trainings is known: any fall of {fixed} fails, chance or not;"
            f" give --seeds {_fewest_seeds(len(record.run.manifest.detectors))} where detectors depend on their seed"
        )
    if not varying:
        return f"{seeds} training seeds agree in every cell: a fall of {fixed} fails"
    if seeds < (fewest := _fewest_seeds(len(varying))):
        return (
            f"{seeds} training seeds are too few for any fall of {', '.join(varying)} to be seen, and a check ends"
            f" with 2; give --seeds {fewest}"
        )
    return f"{seeds} training seeds, whose spread is the noise that a fall is tested against"


def _fewest_seeds(detectors: int) -> int:
    """The fewest training seeds, as many in the record as in a check, with which a fall of one cell can be seen."""
    level = FallLimits().cell_alpha
    return next((count for count in range(2, MOST_SEEDS) if detectors * least_p(count, count) < level), MOST_SEEDS)
