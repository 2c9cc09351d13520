"""Runs that asked the same question, as one run."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace

import pandas as pd

from bench.evaluation.cells import SCORED
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.manifest import DataRecord, DetectorRecord
from bench.records.run import Run, ValidationScores
from bench.records.score_table import ScoreTable


def _question_key(run: Run) -> Hashable:
    """Equal for runs that may stand in one table."""
    manifest, runtime, protocol = run.manifest, run.manifest.runtime, run.manifest.protocol
    further = tuple((name, _data_key(data)) for name, data in sorted(manifest.further.items()))
    runtime_key = (runtime.device.partition(":")[0], runtime.precision, runtime.degrade_on)
    names = list(columns.of_question(protocol.axes))
    cells = frozenset(run.cells[names].itertuples(index=False, name=None))
    data_key = _data_key(manifest.data), further
    # what is loaded from a checkpoint was not trained on less
    trained = any(record.checkpoint is None for record in manifest.detectors.values())
    setting = manifest.setting, manifest.validation if trained else 0.0
    return protocol.name, protocol.axes, protocol.groups, setting, data_key, runtime_key, cells


def _kinds(run: Run) -> list[Run]:
    """The trained rows of a run and its others as runs of their own: the cells of the two are not alike."""
    trained = {name for name, record in run.manifest.detectors.items() if record.trained}
    kinds = [kind for kind in (trained, run.manifest.detectors.keys() - trained) if kind]
    return [run] if len(kinds) == 1 else [only_rows(run, kind) for kind in kinds]


def only_rows(run: Run, names: Collection[str]) -> Run:
    """Some rows of a run."""
    detectors = {name: record for name, record in run.manifest.detectors.items() if name in names}
    cells = run.cells[run.cells[columns.DETECTOR].isin(names)].reset_index(drop=True)
    diagnostics = run.diagnostics[run.diagnostics[columns.KEY].isin(cells[columns.KEY])].reset_index(drop=True)
    scores = run.score_table.only(cells[columns.KEY])
    manifest = replace(run.manifest, detectors=detectors)
    return replace(run, manifest=manifest, cells=cells, score_table=scores, diagnostics=diagnostics)


def _data_key(data: DataRecord) -> Hashable:
    return data.title, data.kind, data.digest, data.images


def _joined_cells(runs: Sequence[Run]) -> pd.DataFrame:
    """The cells of all runs, each once; one that a run skipped and another scored is scored."""
    identity = list(columns.of_identity(runs[0].manifest.protocol.axes))
    cells = pd.concat([run.cells for run in runs], ignore_index=True)
    scored = cells[cells[columns.STATUS].eq(SCORED)].drop_duplicates([*identity, columns.KEY])
    if (repeated := scored[scored.duplicated(identity)]).size:
        cell = repeated.iloc[0]
        where = f"{cell[columns.DETECTOR]} trained on {cell[columns.TRAIN]}, tested on {cell[columns.TEST]}"
        raise InputError(f"{where} has scores in two versions: choose runs of one version")
    joined = pd.concat([scored, cells[~cells[columns.STATUS].eq(SCORED)]]).drop_duplicates(identity)
    return joined.sort_index(ignore_index=True)


def _join_same_question(runs: Sequence[Run]) -> Run:
    """One run out of several that asked the same question."""
    detectors: dict[str, DetectorRecord] = {}
    for name, entry in (item for run in runs for item in run.manifest.detectors.items()):
        known = detectors.setdefault(name, entry)
        if _is_absent(known):
            detectors[name] = entry
        elif known.key != entry.key and not _is_absent(entry):
            msg = f"{name} appears as {detectors[name].key} and as {entry.key}: choose runs of one version"
            raise InputError(msg)
    scores = ScoreTable.joined(run.score_table for run in runs)
    diagnostics = pd.concat([run.diagnostics for run in runs], ignore_index=True)
    image = [columns.KEY, columns.NAME]
    diagnostics = diagnostics.drop_duplicates(image)
    throughput = pd.concat([run.throughput for run in runs], ignore_index=True)
    seeds = tuple(sorted({seed for run in runs for seed in run.manifest.seeds}))
    manifest = replace(runs[0].manifest, detectors=detectors, seeds=seeds)
    validation = ValidationScores(
        pd.concat([run.validation.cells for run in runs], ignore_index=True).drop_duplicates(columns.KEY),
        pd.concat([run.validation.scores for run in runs], ignore_index=True).drop_duplicates(image),
    )
    return Run(manifest, _joined_cells(runs), scores, throughput, diagnostics, validation)


def _is_absent(record: DetectorRecord) -> bool:
    """Whether a row's checkpoint was not there."""
    return record.checkpoint is not None and not record.checkpoint.sha256


def join_runs(runs: Sequence[Run]) -> list[Run]:
    """Join the runs that may stand in one table, and keep the others apart.

    Runs are joined when protocol, setting, share for validation, data (title, kind, digest, number of images), kind of
    device, precision, what degraded, averages and planned questions agree: they add detectors and seeds to one another.
    The released and imported rows of a run are joined apart from its trained ones.

    Returns:
        One run per question, in the order in which they were first asked.

    Raises:
        InputError: One detector appears in two versions.
    """
    return [run for run, _ in join_with_places(runs)]


def join_where_possible(runs: Sequence[Run]) -> list[tuple[Run, tuple[int, ...]]]:
    """As `join_with_places`; what has a detector in another version than an earlier run stands in a table of its own.

    Other options, another backend or another library make another version of a detector.
    """
    groups: list[list[int]] = []
    bare = [replace(run, score_table=ScoreTable.joined([])) for run in runs]  # what is joined to see whether it can be
    for place in range(len(runs)):
        for group in groups:
            try:
                join_runs([bare[one] for one in (*group, place)])
            except InputError:
                continue
            group.append(place)
            break
        else:
            groups.append([place])
    return [
        (run, tuple(group[place] for place in places))
        for group in groups
        for run, places in join_with_places([runs[place] for place in group])
    ]


def join_with_places(runs: Sequence[Run]) -> list[tuple[Run, tuple[int, ...]]]:
    """As `join_runs`, with the places of the runs that each was joined from, ascending."""
    if len(runs) == 1:
        return [(part, (0,)) for part in _kinds(runs[0])]
    by_question: dict[Hashable, dict[int, Run]] = {}
    for place, run in enumerate(runs):
        for part in _kinds(run):
            by_question.setdefault(_question_key(part), {})[place] = part
    return [
        (_join_same_question([*parts.values()]) if len(parts) > 1 else next(iter(parts.values())), tuple(parts))
        for parts in by_question.values()
    ]
