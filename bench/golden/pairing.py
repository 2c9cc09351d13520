"""The cells and images of a run beside those of the golden record, and what cannot be paired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, decisions
from bench.metrics.metric import check_scores
from bench.records import columns
from bench.records.manifest import DetectorRecord, Manifest, ProtocolRecord
from bench.records.run import Run

_NOW = "_now"


@dataclass(frozen=True, slots=True)
class RecordPairing:
    """The cells and images of a run beside those of the record.

    Attributes:
        before: The record's cells that are compared.
        after: The run's.
        pairs: One row per pair of cells, as `pair_cells` has them.
        images: One row per image of a pair, as `pair_images` has them.
        obstacles: What could not be compared, and why.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    pairs: pd.DataFrame
    images: pd.DataFrame
    obstacles: tuple[str, ...]


def pair_with_record(golden: Run, now: Run, *, in_full: bool) -> RecordPairing:
    """Pair a run with the record, whose question it asks.

    Args:
        golden: The record.
        now: The run.
        in_full: Whether detectors and cells are missed that this run does not have; else it is asked for a part.

    Raises:
        UnusableScores: A score is not a probability.
    """
    question = question_columns(golden.manifest.protocol)
    lost = lost_detectors(golden.manifest, now.manifest)
    before, after = (comparable_cells(run, lost) for run in (golden, now))
    if not in_full:
        lost = {name: reason for name, reason in lost.items() if name in now.manifest.detectors}
        before = before.merge(after[[*question, columns.SEED]], on=[*question, columns.SEED])
    pairs = pair_cells(before, after, question)
    images, faults = pair_images(pairs, golden, now)
    obstacles = (*lost.values(), *unscored_cells(before, after, question), *faults)
    return RecordPairing(before, after, pairs, images, obstacles)


def question_differences(golden: Manifest, now: Manifest) -> list[str]:
    """Why two manifests cannot be compared at all, in lines for a reader."""
    pairs = {
        "another protocol": (golden.protocol.name, now.protocol.name),
        "other axes of the protocol": tuple(", ".join(manifest.protocol.axes) or "none" for manifest in (golden, now)),
        "another setting": (golden.setting, now.setting),
        "another data": (golden.data.title, now.data.title),
        "another data version": (golden.data.version, now.data.version),
    }
    return [f"{what}: {old} in the golden record, {new} now" for what, (old, new) in pairs.items() if old != new]


def _version(entry: DetectorRecord) -> str:
    return f"{entry.key} (version {entry.version})"


def lost_detectors(golden: Manifest, now: Manifest) -> dict[str, str]:
    """Detectors of the golden record that cannot be compared as a whole, with the reason."""
    lost = {}
    for name, entry in golden.detectors.items():
        found = now.detectors.get(name)
        if found is None:
            lost[name] = f"{name}: not in this run"
        elif _version(found) != _version(entry):
            lost[name] = f"{name}: the golden record holds {_version(entry)}, this run {_version(found)}"
    return lost


def question_columns(protocol: ProtocolRecord) -> list[str]:
    """The columns that identify a cell in both runs, whatever its seed."""
    return [columns.DETECTOR, *columns.of_question(protocol.axes)]


def comparable_cells(run: Run, lost: Iterable[str]) -> pd.DataFrame:
    """The cells of a run without those detectors, the columns of its question as objects: tables are joined on them."""
    cells = run.cells[~run.cells[columns.DETECTOR].isin(list(lost))]
    return cells.astype(dict.fromkeys(question_columns(run.manifest.protocol), "object"))


def unscored_cells(golden: pd.DataFrame, now: pd.DataFrame, question: list[str]) -> list[str]:
    """Cells of the golden record's questions that this run did not score, per detector and reason."""
    cells = golden[question].drop_duplicates().merge(now, on=question, how="left")
    cells = cells.fillna({columns.STATUS: "not asked", columns.REASON: ""})
    missing = cells[cells[columns.STATUS] != SCORED]
    counts = missing.groupby([columns.DETECTOR, columns.STATUS, columns.REASON], sort=False).size().reset_index()
    return [
        f"{detector}: {count} cells {status}" + (f": {reason}" if reason else "")
        for detector, status, reason, count in counts.itertuples(index=False, name=None)
    ]


def pair_cells(golden: pd.DataFrame, now: pd.DataFrame, question: list[str]) -> pd.DataFrame:
    """Each scored cell of this run beside the golden one of the same seed, or of the golden record's lowest."""
    scored = now[now[columns.STATUS] == SCORED]
    first = golden.groupby(columns.DETECTOR)[columns.SEED].transform("min")
    keys = golden[[*question, columns.SEED, columns.KEY]].rename(columns={columns.KEY: "key_golden"})
    same = scored.merge(keys, on=[*question, columns.SEED])
    lowest = keys[golden[columns.SEED] == first].rename(columns={columns.SEED: "golden_seed"})
    others = scored[~scored[columns.KEY].isin(same[columns.KEY])].merge(lowest, on=question)
    return pd.concat([same.assign(golden_seed=same[columns.SEED]), others], ignore_index=True)


def pair_images(pairs: pd.DataFrame, golden: Run, now: Run) -> tuple[pd.DataFrame, list[str]]:
    """The images of each pair, and obstacles.

    Returns:
        One row per image that both runs scored, columns `pair`, `before` and `now` (whether it was called right), and
        `score_before` and `score_now`.
    """
    sides = []
    for run, key in ((golden, "key_golden"), (now, columns.KEY)):
        keys = pd.DataFrame({columns.KEY: pairs[key], "pair": pairs.index})
        sides.append(keys.merge(decisions(run), on=columns.KEY).drop(columns=[columns.KEY, columns.CELL]))
    on = ["pair", columns.NAME]
    both = sides[0].merge(sides[1], on=on, how="outer", suffixes=("", _NOW), indicator="side")
    label, label_now = both[columns.LABEL], both[columns.LABEL + _NOW]
    faults = {
        "images of the golden record were not scored": both["side"].eq("left_only"),
        "images are not in the golden record": both["side"].eq("right_only"),
        "images have another label now": both["side"].eq("both") & label.ne(label_now),
    }
    detectors = both["pair"].map(pairs[columns.DETECTOR])
    obstacles = []
    for what, wrong in faults.items():
        for detector, rows in both[wrong].groupby(detectors[wrong]):
            count = f"{len(rows)} {what}, in {rows['pair'].nunique()} cells, such as {rows[columns.NAME].iloc[0]}"
            obstacles.append(f"{detector}: {count}")
    common = both[both["side"].eq("both")]
    for side in ("", _NOW):
        _check_scores(common[columns.LABEL + side], common[columns.SCORE + side])
    return pd.DataFrame(
        {
            "pair": common["pair"].to_numpy(),
            "before": common[columns.CORRECT].to_numpy(bool),
            "now": common[columns.CORRECT + _NOW].to_numpy(bool),
            "score_before": common[columns.SCORE].to_numpy(np.float64),
            "score_now": common[columns.SCORE + _NOW].to_numpy(np.float64),
        }
    ), obstacles


def _check_scores(labels: pd.Series[Any], scores: pd.Series[Any]) -> None:
    """Raise `UnusableScores` for scores that are no probabilities; none at all are fine."""
    if len(labels):
        check_scores(labels.to_numpy(np.int64), scores.to_numpy())
