"""What is written down of a planned run beside its scores: the manifest and the table of cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version

import pandas as pd

from bench.engine.versions import commit, versions
from bench.records import columns
from bench.records.manifest import (
    AxisRecord,
    DataRecord,
    DetectorRecord,
    GroupRecord,
    Manifest,
    ProtocolRecord,
    RuntimeRecord,
)
from bench.records.outcomes import Outcome
from bench.request.devices import describe
from bench.request.planned_run import PlannedRun
from bench.request.protocol_catalogue import as_settings
from detectors.api import Recipe
from protocols.api import AXES, Cell


def manifest(run: PlannedRun) -> Manifest:
    """Everything that says what a run was."""
    request, census = run.request, run.census
    data = replace(
        _data(run, ""),
        limit=request.limit,
        arm=request.base_degradation,
        files=run.files,
        warnings=tuple(census.warnings),
        census=census.to_json(),
    )
    return Manifest(
        protocol=_protocol(run),
        data=data,
        setting=run.setting,
        seeds=request.seeds,
        detectors={name: _detector(recipe) for name, recipe in run.recipes.items()},
        runtime=RuntimeRecord(
            run.runtime.device,
            run.runtime.precision,
            describe(run.runtime),
            request.batch_size,
            request.workers,
        ),
        versions={"lineup": version("lineup-bench"), **versions()},
        commit=commit(),
        recipe_options={name: dict(options) for name, options in request.recipe_options.items()},
        further={name: _data(run, name) for name in run.data if name},
    )


def _protocol(run: PlannedRun) -> ProtocolRecord:
    protocol = run.protocol
    axes = {**AXES, **protocol.axes}
    return ProtocolRecord(
        name=protocol.name,
        title=protocol.title,
        rows=AxisRecord(protocol.view.rows, axes[protocol.view.rows].generators),
        columns=AxisRecord(protocol.view.columns, axes[protocol.view.columns].generators),
        groups=tuple(GroupRecord(group.name, group.role) for group in run.groups),
        options=as_settings(protocol),
        axes=tuple(protocol.axes),
        published=protocol.published,
    )


def data_digest(run: PlannedRun) -> str:
    """Name, content and label of every image of the run's data that the protocol uses."""
    return run.selections.whole().digest


def _data(run: PlannedRun, name: str) -> DataRecord:
    """What a data set of the run is, and which of its images are used."""
    images, used = run.data[name], run.selections.whole(name)
    return DataRecord(
        title=images.title,
        kind=images.kind,
        version=images.version,
        digest=used.digest,
        images=len(used.images),
        generators=images.generators,
        families={generator: images.families[generator] for generator in images.generators},
    )


def _detector(recipe: Recipe) -> DetectorRecord:
    card = recipe.card
    return DetectorRecord(recipe.key, card.version, card.shortcut, {**asdict(card), **recipe.variant.to_dict()})


def cell_table(run: PlannedRun, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row per planned cell with what became of it, columns `columns.CELLS` and the protocol's own axes."""
    averages: dict[Cell, list[str]] = defaultdict(list)
    for group in run.groups:
        for cell in group.cells:
            averages[cell].append(group.name)
    axes = {**AXES, **run.protocol.axes}
    rows = []
    for item in run.planned:
        cell, outcome = item.cell, outcomes[item.key]
        rows.append(
            {
                columns.KEY: item.key,
                columns.DETECTOR: cell.detector,
                **{name: axis.value(cell) for name, axis in axes.items()},
                columns.SEED: cell.seed,
                columns.STATUS: outcome.status,
                columns.REASON: outcome.reason,
                columns.GROUPS: tuple(averages[cell]),
            }
        )
    return pd.DataFrame(rows, columns=[*columns.CELLS, *run.protocol.axes])
