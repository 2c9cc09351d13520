"""What the folder of a run says of it now, read again and again while it is written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from bench.live.cell_accuracies import CellAccuracies, FileState, file_state
from bench.live.state import MISSING, AccuracyMap, LeftOutCells, RunFacts, RunState, Stage, TrainingCurves
from bench.platform.errors import InputError
from bench.platform.processes.endings import is_gone
from bench.records import columns
from bench.records.live_record import (
    PLAN,
    TRAININGS,
    LivePlan,
    LiveProgress,
    read_live_plan,
    read_live_progress,
    read_live_training,
)
from bench.records.manifest import Manifest, read_manifest
from bench.records.outcomes import Failed, Scored, Skipped, Unasked
from bench.records.store import MANIFEST, Store
from bench.records.whole_files import require_whole
from bench.report.matrix_layout import labelled_groups

NOT_CURVES = {columns.FIT, columns.DETECTOR, columns.TRAIN, columns.SEED, columns.EPOCH}
MOST_CURVES = 6  # trainings that are drawn, the latest ones
KILLED = "its process is gone: it was killed, or the machine was restarted"


@dataclass(frozen=True, eq=False)  # equal is what is the same reading of a file
class _Question:
    """The cells of a run: its manifest, and one row each with `columns.STATUS` as far as it is known."""

    manifest: Manifest
    cells: pd.DataFrame
    command: str = ""


class RunReader:
    """Reads the state of the run in a folder, again and again; nothing is read twice that has not changed.

    It holds no file open and locks none. What is half written is read the next time.
    """

    def __init__(self, folder: Path) -> None:
        """Look at a folder; whether there is a run is said by `read`."""
        self._folder = folder
        self._accuracies = CellAccuracies(folder)
        self._question: tuple[Path, FileState, _Question | None] | None = None
        self._last: LiveProgress | None = None  # of a run that was seen going on
        self._filled: tuple[object, RunState] | None = None  # what the cells said last, and what that follows from

    def read(self) -> RunState:
        """The state now."""
        progress = read_live_progress(self._folder)
        going_on = self._read_question(self._folder / PLAN) if progress else None
        if progress and going_on:
            self._last = progress
            return self._of_progress(going_on, progress)
        finished = self._read_question(self._folder / MANIFEST)
        if finished:
            return self._of_manifest(finished)
        return RunState("waiting", str(self._folder))

    def _read_question(self, path: Path) -> _Question | None:
        state = file_state(path)
        if state is None:
            return None
        if self._question is None or self._question[:2] != (path, state):
            plan = read_live_plan(self._folder) if path.name != MANIFEST else None
            found = _of_plan(plan) if plan else _of_finished(path)
            self._question = (path, state, found)
        return self._question[2]

    def _of_progress(self, question: _Question, progress: LiveProgress) -> RunState:
        reasons = {key: (one.status, one.reason) for one in progress.left_out for key in one.keys}
        gone = progress.state == "running" and is_gone(progress.process)
        stage: Stage = "ended" if gone or progress.state == "ended" else "running"
        state = self._of_cells(question, reasons)
        curves, more = _live_curves(self._folder)
        return replace(
            state,
            stage=stage,
            step=progress.stage,
            started=progress.started,
            updated=progress.updated,
            step_left=_time_left(progress) if stage == "running" else None,
            error=KILLED if gone else progress.error,
            curves=curves,
            more_curves=more,
            notices=progress.notices,
        )

    def _of_manifest(self, question: _Question) -> RunState:
        trainings = tuple(_recorded_curves(self._folder))
        last = self._last
        return replace(
            self._of_cells(question, {}),
            started=last.started if last else None,
            updated=(self._folder / MANIFEST).stat().st_mtime,
            curves=trainings[-MOST_CURVES:],
            more_curves=max(0, len(trainings) - MOST_CURVES),
            notices=last.notices if last else (),
        )

    def _of_cells(self, question: _Question, reasons: Mapping[str, tuple[str, str]]) -> RunState:
        """What the cells say, of a run that is called finished; found anew where any of them has changed."""
        accuracies = self._accuracies.read()
        known = (question, reasons, self._accuracies.version)
        if self._filled is None or self._filled[0] != known:
            self._filled = known, self._fill(question, reasons, accuracies)
        return self._filled[1]

    def _fill(
        self, question: _Question, reasons: Mapping[str, tuple[str, str]], accuracies: Mapping[str, float]
    ) -> RunState:
        """What the cells say, with the reasons and the accuracies of some, by key."""
        manifest, cells = question.manifest, question.cells.copy()
        keys = cells[columns.KEY]
        scored, known = keys.isin(list(accuracies)), keys.map(reasons)
        missing = ~scored & cells[columns.STATUS].isin(["", Scored.status])
        cells[columns.RANKED] = keys.map(accuracies)
        cells.loc[scored, columns.STATUS] = Scored.status
        cells.loc[missing, columns.STATUS] = MISSING
        told = missing & known.notna()
        cells.loc[told, columns.STATUS] = [status for status, _ in known[told]]
        cells.loc[told, columns.REASON] = [reason for _, reason in known[told]]
        for row in cells.index[scored & (cells[columns.TASK] == "generator")]:
            cells.loc[row, columns.RANKED] = self._accuracies.of_named_generators(keys[row])
        statuses = Counter(cells[columns.STATUS])
        order = (Scored.status, Failed.status, Skipped.status, Unasked.status, MISSING)
        return RunState(
            "finished",
            str(self._folder),
            _facts(question),
            (manifest.protocol.rows.name, manifest.protocol.columns.name),
            {status: statuses.get(status, 0) for status in order},
            tuple(_left_out(cells)),
            maps=tuple(_maps(cells, manifest)),
        )


def require_run(folder: Path) -> None:
    """Check that a folder holds a run, or may get one.

    Raises:
        InputError: It is not there, or it holds something else.
    """
    if not folder.is_dir():
        msg = (
            f"{folder} is no folder; give the result folder of a run, or make it and start the run with --out {folder}"
        )
        raise InputError(msg)
    if RunReader(folder).read().stage != "waiting" or not any(folder.iterdir()):
        return
    if runs := sorted(
        {path.relative_to(folder).parts[0] for name in (MANIFEST, PLAN) for path in folder.glob(f"*/{name}")}
    ):
        msg = f"{folder} holds several runs; give one of them: {', '.join(runs)}"
        raise InputError(msg)
    if (folder / MANIFEST).is_file():
        read_manifest(require_whole(folder, folder / MANIFEST).read_bytes(), str(folder / MANIFEST))
    msg = f"{folder} holds no run ({MANIFEST} and {PLAN} are missing); give a folder that `lineup run` writes"
    raise InputError(msg)


def _of_plan(plan: LivePlan) -> _Question:
    return _Question(plan.manifest, pd.DataFrame(plan.cells, columns=list(plan.columns)), plan.command)


def _of_finished(path: Path) -> _Question | None:
    """The cells of a finished run; None where its manifest is damaged or another version wrote it."""
    try:
        manifest, further = read_manifest(require_whole(path.parent, path).read_bytes(), str(path))
        cells = pd.DataFrame(further["cells"])[list(columns.of_cells(manifest.protocol.axes))]
    except (InputError, OSError, KeyError, ValueError):
        return None
    return _Question(manifest, cells)


def _facts(question: _Question) -> RunFacts:
    manifest = question.manifest
    protocol, data, runtime = manifest.protocol, manifest.data, manifest.runtime
    options = [f"{name} {_text(value)}" for name, value in protocol.options.items() if value not in ("", [], None)]
    first = "" if data.base_degradation == "none" else f", everything first {data.base_degradation}"
    seeds = ", ".join(map(str, manifest.seeds))
    return RunFacts(
        protocol.title,
        "; ".join([protocol.name, *options]),
        f"{data.title}, {data.images:,} images{first}",
        f"{manifest.setting}, training {'seed' if len(manifest.seeds) == 1 else 'seeds'} {seeds}",
        f"{runtime.conditions}, {runtime.processor}",
        question.command,
    )


def _text(value: Any) -> str:  # noqa: ANN401 - whatever an option may be
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _left_out(cells: pd.DataFrame) -> Iterator[LeftOutCells]:
    without = cells[~cells[columns.STATUS].isin([Scored.status, MISSING])]
    for (status, reason), rows in without.groupby([columns.STATUS, columns.REASON], sort=False):
        yield LeftOutCells(str(status), str(reason), len(rows), tuple(rows[columns.DETECTOR].unique()))


def _maps(cells: pd.DataFrame, manifest: Manifest) -> Iterator[AccuracyMap]:
    axes, families = (manifest.protocol.rows, manifest.protocol.columns), manifest.families
    for detector, own in cells.groupby(columns.DETECTOR, sort=False):
        asked = own[own[columns.STATUS] != Unasked.status]
        labels = [asked[axis.name].map(str) for axis in axes]
        groups = asked.groupby(labels, sort=False)[columns.RANKED]
        means = groups.mean().where(groups.count() == groups.size()).to_dict()
        (rows, _), (across, named) = (labelled_groups(list(own[axis.name].unique()), axis, families) for axis in axes)
        table = [[_number(means.get((row, column))) for column in chain(*across)] for row in chain(*rows)]
        yield AccuracyMap(
            str(detector),
            tuple(map(tuple, rows)),
            tuple(map(tuple, across)),
            tuple(named),
            tuple(map(tuple, table)),
            int((own[columns.STATUS] == Scored.status).sum()),
            len(asked),
        )


def _number(value: Any) -> float | None:  # noqa: ANN401 - a number, NaN or None
    return None if value is None or pd.isna(value) else float(value)


def _live_curves(folder: Path) -> tuple[tuple[TrainingCurves, ...], int]:
    """The trainings of a run that goes on, the one that was written last at the end, and how many more there are."""
    files = [(state[1], path) for path in (folder / TRAININGS).glob("*.json") if (state := file_state(path))]
    found = [read_live_training(path) for _, path in sorted(files)[-MOST_CURVES:]]
    curves = []
    for training in found:
        if training is not None:
            names = dict.fromkeys(name for epoch in training.epochs for name in epoch)
            values = {name: tuple(_number(epoch.get(name)) for epoch in training.epochs) for name in names}
            curves.append(TrainingCurves(training.detector, training.train, training.first, values))
    return tuple(curves), len(files) - len(found)


def _recorded_curves(folder: Path) -> Iterator[TrainingCurves]:
    """The trainings of a finished run."""
    try:
        groups = Store(folder).training().groupby(columns.FIT, sort=False)
    except InputError:
        return
    for _, epochs in groups:
        first = epochs.iloc[0]
        values = {
            str(name): tuple(map(_number, epochs[name]))
            for name in epochs.columns
            if name not in NOT_CURVES and epochs[name].notna().any()
        }
        label = f"{first[columns.TRAIN]}-{int(first[columns.SEED])}"
        yield TrainingCurves(str(first[columns.DETECTOR]), label, int(first[columns.EPOCH]), values)


def _time_left(progress: LiveProgress) -> float | None:
    """Seconds until the step is done at its rate so far, counted from its last change; None where none is known."""
    step = progress.stage
    if step is None or not 0 < step.done < step.total:
        return None
    left = (progress.updated - step.started) / step.done * (step.total - step.done)
    return max(0.0, left - (time.time() - progress.updated))
