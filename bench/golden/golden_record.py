"""The golden record: a run of several training seeds, small enough to be committed, that later runs are compared with.

Scores are kept in 16 bits each. The rounding keeps every decision: a score is above 0.5 exactly where it was.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.evaluation.cells import SCORED, decisions
from bench.evaluation.joined_runs import join_runs
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.records import columns
from bench.records.manifest import read_manifest
from bench.records.run import Run
from bench.records.score_table import ScoreTable
from bench.records.store import Store
from detectors.api import Scores

_STEPS = 2**16
MANIFEST, CELLS, IMAGES, SCORES = "manifest.json", "cells.parquet", "images.parquet", "scores.parquet"
_REMEDY = "make a new one with --update"
FILES = "files"  # beside the manifest's own entries: sha256 of each table
_MIXED = b"lineup.mixed"  # columns of the table of cells that hold JSON, in its metadata
_IMAGE_COLUMNS = [columns.NAME, columns.SOURCE, columns.LABEL]
_IMAGE = "image"  # position of the image in the table of images
_BEFORE, _NOW = "_old", "_new"
_CORRECT_BEFORE, _CORRECT_NOW = columns.CORRECT + _BEFORE, columns.CORRECT + _NOW


def quantise(scores: Scores) -> NDArray[np.uint16]:
    """Scores in [0, 1] as 16-bit steps. Step 2**15 is the first above 0.5, as 0.5 itself is called real."""
    steps = np.ceil(scores.astype(np.float64) * _STEPS) - 1
    quantised: NDArray[np.uint16] = np.maximum(steps, 0).astype(np.uint16)
    return quantised


def restore(steps: NDArray[np.uint16]) -> Scores:
    """The middle of each step, within 2**-17 of the score it was made of, on the same side of 0.5."""
    return ((steps.astype(np.float64) + 0.5) / _STEPS).astype(np.float32)


def golden_from(runs: Sequence[Run]) -> Run:
    """Join runs of one question, usually of several training seeds, into a golden record.

    Raises:
        InputError: The runs asked different questions, or a cell was not scored.
    """
    by_question = join_runs(runs)
    if len(by_question) != 1:
        msg = f"a golden record holds one question, these {len(runs)} runs ask {len(by_question)}"
        raise InputError(f"{msg}: give runs of one protocol on the same data, in the same setting")
    run = by_question[0]
    missing = run.cells[run.cells[columns.STATUS] != SCORED]
    if len(missing):
        first = missing.iloc[0]
        msg = f"a golden record needs every cell, {len(missing)} of {len(run.cells)} were not scored"
        raise InputError(f"{msg}; {first[columns.DETECTOR]} was {first[columns.STATUS]}: {first[columns.REASON]}")
    if (named := run.cells[columns.TASK].eq("generator")).any():
        msg = f"a golden record holds scores alone, and {int(named.sum())} cells are decided by the generator named"
        raise InputError(f"{msg}; give runs whose task is binary")
    return Run(run.manifest, run.cells, run.score_table, run.throughput.iloc[:0])


def with_detectors_of(old: Run, new: Run, detectors: Collection[str]) -> Run:
    """A golden record in which some detectors are those of another; all others stay to the last bit.

    Raises:
        InputError: The two differ in protocol, setting, version of the data, cells of these detectors, or in names,
            sources and labels of the images.
    """
    identity = list(columns.of_identity(old.manifest.protocol.axes))
    theirs = new.cells[new.cells[columns.DETECTOR].isin(detectors)]
    ours = old.cells[columns.DETECTOR].isin(detectors)
    places = old.cells.loc[ours, identity].reset_index().merge(theirs.reset_index(), on=identity, how="outer")
    images = [
        set(run.scores[[columns.NAME, columns.SOURCE, columns.LABEL]].itertuples(index=False, name=None))
        for run in (old, new)
    ]
    terms = [(run.manifest.protocol, run.manifest.setting, run.manifest.data.version) for run in (old, new)]
    if places.isna().any(axis=None) or images[0] != images[1] or terms[0] != terms[1]:
        msg = f"the golden record holds other cells or images of {', '.join(detectors)}: make all of it anew"
        raise InputError(f"{msg}, with --update alone")
    cells = old.cells.copy()
    cells.loc[places["index_x"]] = new.cells.loc[places["index_y"], cells.columns].to_numpy()
    kept = old.score_table.only(old.cells.loc[~ours, columns.KEY])
    scores = ScoreTable.joined([kept, new.score_table.only(theirs[columns.KEY])])
    records = {name: new.manifest.detectors[name] for name in detectors}
    commit = f"{old.manifest.commit}; {', '.join(detectors)}: {new.manifest.commit}"
    manifest = replace(old.manifest, detectors={**old.manifest.detectors, **records}, commit=commit)
    return Run(manifest, cells, scores, old.throughput)


def _parquet(frame: pd.DataFrame, metadata: Mapping[bytes, str] | None = None) -> bytes:
    file = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(metadata)
    pq.write_table(table, file, compression="zstd", compression_level=19)
    return file.getvalue()


def _frame(data: bytes) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(io.BytesIO(data)).to_pandas()
    return frame


def _pack_cells(cells: pd.DataFrame) -> bytes:
    """The table of cells. A column of several types, such as 10 and "all", is kept as texts in JSON."""
    mixed = [name for name in cells.columns if cells[name].map(type).nunique() > 1]
    packed = cells.assign(**{name: cells[name].map(json.dumps) for name in mixed})
    return _parquet(packed, {_MIXED: json.dumps(mixed)} if mixed else None)


def _unpack_cells(data: bytes) -> pd.DataFrame:
    cells = _frame(data)
    mixed = parse_json((pq.read_schema(io.BytesIO(data)).metadata or {}).get(_MIXED, b"[]"))
    for name in mixed:
        cells[name] = cells[name].map(parse_json)
    cells[columns.GROUPS] = list(map(tuple, cells[columns.GROUPS]))
    return cells


def pack(golden: Run) -> dict[str, bytes]:
    """A golden record as files by name. Names, sources and labels are kept once per image, keys once per cell."""
    scores = golden.scores
    images = scores[_IMAGE_COLUMNS].drop_duplicates().sort_values(columns.NAME).astype({columns.LABEL: "int8"})
    order = pd.Series(np.arange(len(golden.cells), dtype=np.int32), index=golden.cells[columns.KEY].to_numpy())
    positions = pd.Series(np.arange(len(images), dtype=np.int32), index=images[columns.NAME].to_numpy())
    steps = pd.DataFrame(
        {
            columns.CELL: scores[columns.KEY].map(order).to_numpy(np.int32),
            _IMAGE: scores[columns.NAME].map(positions).to_numpy(np.int32),
            columns.SCORE: quantise(scores[columns.SCORE].to_numpy(np.float32)),
        }
    ).sort_values([columns.CELL, _IMAGE], kind="stable")
    cells = _pack_cells(golden.cells[list(columns.of_cells(golden.manifest.protocol.axes))])
    tables = {CELLS: cells, IMAGES: _parquet(images), SCORES: _parquet(steps)}
    return {MANIFEST: golden.manifest.to_json(**{FILES: _digests(tables)}), **tables}


def _digests(tables: Mapping[str, bytes]) -> dict[str, str]:
    """sha256 of each table, by name of its file."""
    return {name: hashlib.sha256(tables[name]).hexdigest() for name in (CELLS, IMAGES, SCORES)}


def unpack(files: Mapping[str, bytes], where: str = "the golden record") -> Run:
    """The golden record in these files, as `pack` made them.

    Raises:
        InputError: The manifest is of another schema.
        ValueError: The files are damaged, or were not written together.
    """
    manifest, beside = read_manifest(files[MANIFEST], where, _REMEDY)
    if beside.get(FILES) != _digests(files):
        msg = f"{MANIFEST} was not written with these tables"
        raise ValueError(msg)
    cells = _unpack_cells(files[CELLS])[list(columns.of_cells(manifest.protocol.axes))]
    images, steps = (_frame(files[name]) for name in (IMAGES, SCORES))
    scores = images.iloc[steps[_IMAGE]].reset_index(drop=True)
    scores[columns.KEY] = cells[columns.KEY].to_numpy()[steps[columns.CELL]]
    scores[columns.SCORE] = restore(steps[columns.SCORE].to_numpy())
    scores[columns.LOG_ODDS] = np.float32(np.nan)  # a golden record holds what was decided, and no more
    return Run(manifest, cells, ScoreTable.from_frame(scores), pd.DataFrame(columns=list(columns.THROUGHPUT)))


def write_golden(golden: Run, folder: Path) -> None:
    """Write a golden record as everything that a folder holds.

    A kill leaves the old record, perhaps as a hidden folder beside it that ends in ".old", or the new one.
    """
    Store(folder).replace(pack(golden))


def read_golden(folder: Path) -> Run:
    """Read a golden record. Raises `InputError` where there is none, or where it is damaged or of another schema."""
    try:
        files = {name: (folder / name).read_bytes() for name in (MANIFEST, CELLS, IMAGES, SCORES)}
        return unpack(files, str(folder / MANIFEST))
    except FileNotFoundError as error:
        msg = f"{folder} holds no golden record ({Path(error.filename).name} is missing); make one with --update"
        raise InputError(msg) from error
    except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
        msg = f"the golden record in {folder} is damaged ({error}); restore it, or make a new one with --update"
        raise InputError(msg) from error


def _decisions(run: Run, identity: list[str]) -> pd.DataFrame:
    """Every decision of a run: the identity of its cell, the name of the image, and whether it is right."""
    cells = run.cells.reindex(columns=[*identity, columns.KEY], fill_value="")
    cells = cells.astype(dict.fromkeys(identity, "object"))
    return cells.merge(decisions(run), on=columns.KEY)[[*identity, columns.NAME, columns.CORRECT]]


def _changed_terms(old: Run, new: Run) -> list[str]:
    """The differences in question, data and detectors, as lines "what: before -> now"."""
    before, now = old.manifest, new.manifest
    pairs = {
        "protocol": (before.protocol.name, now.protocol.name),
        "setting": (before.setting, now.setting),
        "seeds": (list(before.seeds), list(now.seeds)),
        "commit": (before.commit, now.commit),
        "data title": (before.data.title, now.data.title),
        "data version": (before.data.version, now.data.version),
        "data digest": (before.data.digest, now.data.digest),
    }
    keys_before, keys_now = (
        {name: entry.key for name, entry in manifest.detectors.items()} for manifest in (before, now)
    )
    names = keys_before | keys_now
    pairs |= {name: (keys_before.get(name, "absent"), keys_now.get(name, "absent")) for name in names}
    return [f"{what}: {first} -> {second}" for what, (first, second) in pairs.items() if first != second]


def _changed_detector(detector: str, both: pd.DataFrame, identity: list[str]) -> str:
    """How one detector's decisions changed, from the decisions that both records hold."""
    flipped = int((both[_CORRECT_BEFORE] != both[_CORRECT_NOW]).sum())
    if not flipped:
        return f"{detector}: all {len(both)} decisions as before"
    cells = both.groupby(identity, sort=False)[[_CORRECT_BEFORE, _CORRECT_NOW]].mean()
    accuracy_before, accuracy_now = cells.mean()
    changed = int((cells[_CORRECT_BEFORE] != cells[_CORRECT_NOW]).sum())
    change = f"mean accuracy {100 * accuracy_before:.1f} -> {100 * accuracy_now:.1f}, {changed} of {len(cells)} cells"
    return f"{detector}: {change}, {flipped} of {len(both)} decisions"


def describe_update(old: Run | None, new: Run) -> str:
    """What replacing a golden record changes, in lines for a reader who has to approve it.

    Args:
        old: The record so far, None where there is none.
        new: The record that replaces it.
    """
    size = f"{len(new.cells)} cells, {len(new.manifest.detectors)} detectors, seeds {list(new.manifest.seeds)}"
    if old is None:
        return f"new record: {size}"
    axes = dict.fromkeys((*old.manifest.protocol.axes, *new.manifest.protocol.axes))
    identity = list(columns.of_identity(axes))
    sides = [_decisions(run, identity) for run in (old, new)]
    decisions = sides[0].merge(sides[1], on=[*identity, columns.NAME], how="outer", suffixes=(_BEFORE, _NOW))
    both = decisions.dropna()
    lines = [f"record: {size}", *_changed_terms(old, new)]
    for side, what in ((_CORRECT_BEFORE, "are added"), (_CORRECT_NOW, "are gone")):
        if count := int(decisions[side].isna().sum()):
            lines.append(f"{count} decisions {what}")
    by_detector = both.groupby(columns.DETECTOR, sort=False)
    lines += [_changed_detector(str(detector), rows, identity) for detector, rows in by_detector]
    return "\n".join(lines)
