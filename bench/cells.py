"""From runs to cells with their measures: joining runs, measuring every cell, laying cells out as a matrix."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.errors import InputError
from bench.metrics import Metrics, called_generated, measure
from bench.records import Run
from bench.stats import DRAWS, Floats, accuracy_draws, interval
from protocols.degradations import NONE

Mask = NDArray[np.bool_]

SCORED = "scored"
_MEASURES = list(Metrics.__slots__)
QUESTION = ["train", "test", "degradation"]
IDENTITY = ["detector", *QUESTION, "seed", "task"]
TABLE_COLUMNS = (
    *("detector", *QUESTION, "seed", "n", "accuracy", "accuracy_low", "accuracy_high"),
    *("real_accuracy", "generated_accuracy", "balanced_accuracy", "ap", "roc_auc", "status", "reason"),
)


@dataclass(frozen=True)
class Evaluation:
    """The measured cells of a run.

    Attributes:
        table: One row per planned cell in planned order, columns `TABLE_COLUMNS`.
        draws: Floats (cells, draws), the accuracy in each resample of the sources; NaN for a cell without scores.
    """

    table: pd.DataFrame
    draws: Floats


def scored_images(run: Run) -> pd.DataFrame:
    """The scores of a run with the position of their cell: columns `cell`, `name`, `source`, `label`, `score`.

    Raises:
        ValueError: A cell is called scored and has no scores.
    """
    keys = run.cells["key"].to_numpy()
    scored = np.flatnonzero(run.cells["status"].eq(SCORED))
    images = pd.DataFrame({"key": keys[scored], "cell": scored}).merge(run.scores, on="key").drop(columns="key")
    bare = np.setdiff1d(scored, images["cell"].unique())
    if bare.size:
        cell = run.cells.iloc[bare[0]]
        msg = f"{cell['detector']} trained on {cell['train']}, tested on {cell['test']}: called scored, without scores"
        raise ValueError(f"{msg} ({bare.size} such cells): the run is damaged, score it again")
    return images


def evaluate(run: Run, draws: int = DRAWS) -> Evaluation:
    """Measure every cell of a run; all cells see the same resamples of the sources.

    Raises:
        UnusableScores: A score is not a probability.
        ValueError: A cell is called scored and has no scores.
    """
    images = scored_images(run)
    labels, scores = images["label"].to_numpy(), images["score"].to_numpy()
    codes, cells = pd.factorize(images["cell"], sort=True)
    rows = images.groupby("cell", sort=True).indices
    every_draw = np.full((len(run.cells), draws), np.nan)
    if len(images):
        correct = called_generated(scores) == labels
        every_draw[cells] = accuracy_draws(codes, images["source"].to_numpy(), labels, correct, draws)
    measures = pd.DataFrame(
        [measure(labels[rows[cell]], scores[rows[cell]]) for cell in cells], index=cells, columns=_MEASURES
    )
    measures = measures.reindex(range(len(run.cells))).astype(float)
    measures["accuracy_low"], measures["accuracy_high"] = interval(every_draw)
    table = pd.concat([run.cells.reset_index(drop=True), measures], axis=1)
    return Evaluation(table.fillna({"n": 0}).astype({"n": int})[list(TABLE_COLUMNS)], every_draw)


def cells_table(run: Run) -> pd.DataFrame:
    """Every planned cell of a run with its measures in [0, 1], columns `TABLE_COLUMNS`.

    `accuracy_low` and `accuracy_high` are the ends of the 95% interval. A cell that was not scored has 0 images, NaN
    measures and its reason.
    """
    return evaluate(run).table


def matrix(table: pd.DataFrame, detector: str, view: Mapping[str, str]) -> pd.DataFrame:
    """The accuracies of one detector laid out as the protocol shows them.

    Args:
        table: As `cells_table` returns it.
        detector: A detector of that table.
        view: Which column of the table names the `rows` and which the `columns`.

    Returns:
        Accuracy in [0, 1] per row and column in planned order, the mean over training seeds (and over whatever else
        the view folds together). NaN where any cell behind the mean is missing: a mean over the rest would not say so.
    """
    mine = table[table["detector"] == detector]
    rows, columns = view["rows"], view["columns"]
    groups = mine.groupby([rows, columns], sort=False)["accuracy"]
    means = groups.mean().where(groups.count() == groups.size()).unstack()
    return means.loc[mine[rows].unique(), mine[columns].unique()]


def _kinship(cells: pd.DataFrame, data: Mapping[str, Any]) -> tuple[Mask, Mask]:
    """Per cell, whether its test generators were trained on, and whether generators of their families were."""
    families, names = data["families"], {*cells["train"], *cells["test"]}
    parts = {name: {name} if name in data["generators"] else set(name.split("+")) for name in names}
    kin = {name: {families.get(part, part) for part in parts[name]} for name in names}
    pairs = list(zip(cells["train"], cells["test"], strict=True))
    seen = np.array([parts[test] <= parts[train] for train, test in pairs], bool)
    return seen, np.array([kin[test] <= kin[train] for train, test in pairs], bool)


def groups(cells: pd.DataFrame, manifest: Mapping[str, Any]) -> dict[str, Mask]:
    """Which cells each average runs over, in reading order. The first group is home ground, the second is not.

    Shown by degradation: clean images, all degradations, each degradation. Shown by test set: tested on generators
    that were trained on (the diagonal), on others, and of the others those of the same family and those of another.
    Groups without a planned cell are left out, except the first two.
    """
    if manifest["view"]["columns"] == "degradation":
        steps = cells["degradation"].to_numpy()
        found = {NONE: steps == NONE, "degraded": steps != NONE}
        found |= {step: steps == step for step in pd.unique(steps) if step != NONE}
    else:
        seen, kin = _kinship(cells, manifest["data"])
        found = {"diagonal": seen, "off-diagonal": ~seen, "same family": ~seen & kin, "cross family": ~seen & ~kin}
    found["all cells"] = np.ones(len(cells), bool)
    return {name: mask for place, (name, mask) in enumerate(found.items()) if place < 2 or mask.any()}


def _question(run: Run) -> Hashable:
    """What must be alike for two runs to stand in one table."""
    data, runtime = run.manifest["data"], run.manifest["runtime"]
    same_data = (data["title"], data["kind"], data["digest"], data["images"])
    same_runtime = (runtime["device"].partition(":")[0], runtime["precision"])
    asked = frozenset(run.cells[QUESTION].itertuples(index=False, name=None))
    return run.manifest["protocol"], run.manifest["setting"], same_data, same_runtime, asked


def _joined_cells(runs: Sequence[Run]) -> pd.DataFrame:
    """The cells of all runs, each once; one that a run skipped and another scored is scored."""
    cells = pd.concat([run.cells for run in runs], ignore_index=True)
    scored = cells[cells["status"].eq(SCORED)].drop_duplicates([*IDENTITY, "key"])
    if (twice := scored[scored.duplicated(IDENTITY)]).size:
        cell = twice.iloc[0]
        msg = f"{cell['detector']} trained on {cell['train']}, tested on {cell['test']} has scores in two versions"
        raise InputError(f"{msg}: choose runs of one version")
    kept = pd.concat([scored, cells[~cells["status"].eq(SCORED)]]).drop_duplicates(IDENTITY)
    return kept.sort_index(ignore_index=True)


def _join(runs: Sequence[Run]) -> Run:
    """One run out of several that asked the same question."""
    detectors: dict[str, Any] = {}
    for name, entry in (item for run in runs for item in run.manifest["detectors"].items()):
        if detectors.setdefault(name, entry)["key"] != entry["key"]:
            msg = f"{name} appears as {detectors[name]['key']} and as {entry['key']}: choose runs of one version"
            raise InputError(msg)
    cells = _joined_cells(runs)
    scores = pd.concat([run.scores for run in runs], ignore_index=True).drop_duplicates(["key", "name"])
    throughput = pd.concat([run.throughput for run in runs], ignore_index=True)
    seeds = sorted({seed for run in runs for seed in run.manifest["seeds"]})
    return Run(runs[0].manifest | {"detectors": detectors, "seeds": seeds}, cells, scores, throughput)


def combine(runs: Sequence[Run]) -> list[Run]:
    """Join the runs that may stand in one table, and keep the others apart.

    Runs are joined when protocol, setting, data (title, kind, digest, number of images), kind of device, precision and
    planned questions agree: they add detectors and seeds to one another.

    Returns:
        One run per question, in the order in which they were first asked.

    Raises:
        InputError: One detector appears in two versions.
    """
    asked: dict[Hashable, list[Run]] = {}
    for run in runs:
        asked.setdefault(_question(run), []).append(run)
    return [same[0] if len(same) == 1 else _join(same) for same in asked.values()]
