"""The golden record: a run of several training seeds, small enough to be committed, that later runs are compared with.

Scores are kept in 16 bits each. The rounding keeps every decision: a score is above 0.5 exactly where it was.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.cells import IDENTITY, SCORED, combine
from bench.errors import InputError
from bench.metrics import called_generated
from bench.records import CELL_COLUMNS, SCORE_COLUMNS, THROUGHPUT_COLUMNS, Run
from detectors.api import Scores

_STEPS = 2**16
MANIFEST, CELLS, IMAGES, SCORES = "manifest.json", "cells.parquet", "images.parquet", "scores.parquet"


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
    joined = combine(runs)
    if len(joined) != 1:
        msg = f"a golden record holds one question, these {len(runs)} runs ask {len(joined)}: give runs of one protocol"
        raise InputError(f"{msg} on the same data, in the same setting")
    run = joined[0]
    missing = run.cells[run.cells["status"] != SCORED]
    if len(missing):
        first = missing.iloc[0]
        msg = f"a golden record needs every cell, {len(missing)} of {len(run.cells)} were not scored"
        raise InputError(f"{msg}; {first['detector']} was {first['status']}: {first['reason']}")
    return Run(run.manifest, run.cells, run.scores, run.throughput.iloc[:0])


def _parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, file, compression="zstd", compression_level=19)
    return file.getvalue()


def _frame(data: bytes) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(io.BytesIO(data)).to_pandas()
    return frame


def pack(golden: Run) -> dict[str, bytes]:
    """A golden record as files by name. Names, sources and labels are kept once per image, keys once per cell."""
    scores = golden.scores
    images = scores[["name", "source", "label"]].drop_duplicates().sort_values("name").astype({"label": "int8"})
    order = pd.Series(np.arange(len(golden.cells), dtype=np.int32), index=golden.cells["key"].to_numpy())
    places = pd.Series(np.arange(len(images), dtype=np.int32), index=images["name"].to_numpy())
    steps = pd.DataFrame(
        {
            "cell": scores["key"].map(order).to_numpy(np.int32),
            "image": scores["name"].map(places).to_numpy(np.int32),
            "score": quantise(scores["score"].to_numpy(np.float32)),
        }
    ).sort_values(["cell", "image"], kind="stable")
    manifest = json.dumps(golden.manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    cells = _parquet(golden.cells[list(CELL_COLUMNS)])
    return {MANIFEST: manifest.encode(), CELLS: cells, IMAGES: _parquet(images), SCORES: _parquet(steps)}


def unpack(files: Mapping[str, bytes]) -> Run:
    """The golden record in these files, as `pack` made them."""
    manifest: dict[str, Any] = json.loads(files[MANIFEST])
    cells, images, steps = (_frame(files[name]) for name in (CELLS, IMAGES, SCORES))
    scores = images.iloc[steps["image"]].reset_index(drop=True)
    scores["key"] = cells["key"].to_numpy()[steps["cell"]]
    scores["score"] = restore(steps["score"].to_numpy())
    return Run(manifest, cells, scores[list(SCORE_COLUMNS)], pd.DataFrame(columns=list(THROUGHPUT_COLUMNS)))


def write_golden(golden: Run, folder: Path) -> None:
    """Write a golden record into a folder, which is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pack(golden).items():
        (folder / name).write_bytes(data)


def read_golden(folder: Path) -> Run:
    """Read a golden record. Raises `InputError` where there is none, or where it is damaged."""
    try:
        return unpack({name: (folder / name).read_bytes() for name in (MANIFEST, CELLS, IMAGES, SCORES)})
    except FileNotFoundError as error:
        msg = f"{folder} holds no golden record ({Path(error.filename).name} is missing); make one with --update"
        raise InputError(msg) from error
    except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
        msg = f"the golden record in {folder} is damaged ({error}); restore it, or make a new one with --update"
        raise InputError(msg) from error


def _decisions(run: Run) -> pd.DataFrame:
    """Every decision of a run: the identity of its cell, the `name` of the image, and whether it is `right`."""
    images = run.cells[[*IDENTITY, "key"]].merge(run.scores, on="key")
    right = called_generated(images["score"].to_numpy()) == images["label"].to_numpy()
    return images[[*IDENTITY, "name"]].assign(right=right)


def _changed_terms(old: Run, new: Run) -> list[str]:
    """What of the question, the data and the detectors is another now."""
    pairs = {name: (old.manifest[name], new.manifest[name]) for name in ("protocol", "setting", "seeds", "commit")}
    pairs |= {
        f"data {name}": (old.manifest["data"][name], new.manifest["data"][name])
        for name in ("title", "version", "digest")
    }
    before, now = ({name: entry["key"] for name, entry in run.manifest["detectors"].items()} for run in (old, new))
    pairs |= {name: (before.get(name, "absent"), now.get(name, "absent")) for name in before | now}
    return [f"{what}: {was} -> {is_now}" for what, (was, is_now) in pairs.items() if was != is_now]


def _changed_detector(detector: str, both: pd.DataFrame) -> str:
    """How one detector's decisions changed, from the decisions that both records hold."""
    flipped = int((both["right_old"] != both["right_new"]).sum())
    if not flipped:
        return f"{detector}: all {len(both)} decisions as before"
    cells = both.groupby(IDENTITY, sort=False)[["right_old", "right_new"]].mean()
    was, now = cells.mean()
    moved = int((cells["right_old"] != cells["right_new"]).sum())
    change = f"mean accuracy {100 * was:.1f} -> {100 * now:.1f}, {moved} of {len(cells)} cells"
    return f"{detector}: {change}, {flipped} of {len(both)} decisions"


def describe_update(old: Run | None, new: Run) -> str:
    """What replacing a golden record changes, in lines for a reader who has to approve it.

    Args:
        old: The record so far, None where there is none.
        new: The record that replaces it.
    """
    size = f"{len(new.cells)} cells, {len(new.manifest['detectors'])} detectors, seeds {new.manifest['seeds']}"
    if old is None:
        return f"new record: {size}"
    decisions = _decisions(old).merge(_decisions(new), on=[*IDENTITY, "name"], how="outer", suffixes=("_old", "_new"))
    both = decisions.dropna()
    lines = [f"record: {size}", *_changed_terms(old, new)]
    for side, what in (("old", "are added"), ("new", "are gone")):
        if count := int(decisions[f"right_{side}"].isna().sum()):
            lines.append(f"{count} decisions {what}")
    lines += [_changed_detector(str(detector), rows) for detector, rows in both.groupby("detector", sort=False)]
    return "\n".join(lines)
