"""From runs to rankings: one row per detector, averages over cells with their intervals, and what is missing.

Which average ranks follows from the protocol's view. Nothing here knows a detector or a protocol by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.cache import digest
from bench.cells import QUESTION, SCORED, Evaluation, Mask, combine, evaluate, groups, scored_images
from bench.metrics import called_generated
from bench.records import Run
from bench.stats import accuracy_draws, interval
from protocols.degradations import NONE

NOWHERE = float("nan")
CHANCE = 0.5  # of balanced accuracy
UNBALANCED = 0.6  # share of the larger class above which accuracy alone misleads


@dataclass(frozen=True, slots=True)
class Mean:
    """An average of cell accuracies, every cell counting alike.

    Attributes:
        value: In [0, 1]; NaN where no cell was scored.
        low: Lower end of its 95% interval, which speaks of the images and not of the training.
        high: Upper end.
        cells: Number of cells averaged.
        planned: Number of cells planned. Where fewer were averaged, the average is of other cells than planned.
        spread: Standard deviation of this average over training seeds (n - 1), over those seeds that scored all its
            cells; NaN with fewer than two.
    """

    value: float
    low: float
    high: float
    cells: int
    planned: int
    spread: float

    @property
    def complete(self) -> bool:
        """Whether it averages what was planned."""
        return 0 < self.cells == self.planned


@dataclass(frozen=True, slots=True)
class Row:
    """One detector in a ranking.

    Attributes:
        rank: From 1; None where cells are missing from the average that ranks, which is then not comparable.
        detector: Its name.
        means: Accuracy by group of cells, as `bench.cells.groups` names them.
        drop: Accuracy on home ground minus accuracy away from it; NaN where either is incomplete.
        balanced_accuracy: Mean over all scored cells; NaN where undefined in one of them. So are `ap` and `roc_auc`.
        ap: Average precision.
        roc_auc: Area under the ROC curve.
        seeds: Number of training seeds.
        images_per_s: Its fastest timing, NaN where it was not timed.
        reasons: Why cells are missing.
    """

    rank: int | None
    detector: str
    means: Mapping[str, Mean]
    drop: float
    balanced_accuracy: float
    ap: float
    roc_auc: float
    seeds: int
    images_per_s: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Detectors that answered the same question on the same images in the same setting, best first.

    Attributes:
        title: The protocol's.
        data: Title of the data, to stand on every rendering.
        setting: "paper" or "small".
        runtime: Device and precision.
        protocol: The protocol's name.
        generators: Names of the generators in the data.
        trains: Names of the training subsets.
        by_degradation: Whether the columns are degradations.
        home: The group on home ground; `away` the one that is not; `ranked_by` the one that ranks.
        rows: One per detector, ranked ones first.
        arm: The degradation that every image went through first, "none" for none.
        notices: What must be read before the table: shortcuts in the data, leakage, what was excluded.
        question: Alike for rankings that differ in their arm alone: the same cells over the same files.
    """

    title: str
    data: str
    setting: str
    runtime: str
    protocol: str
    generators: tuple[str, ...]
    trains: tuple[str, ...]
    by_degradation: bool
    home: str
    away: str
    ranked_by: str
    rows: tuple[Row, ...]
    arm: str = NONE
    notices: tuple[str, ...] = ()
    question: str = ""


def _spread(cells: pd.DataFrame) -> float:
    """Standard deviation over seeds of the mean accuracy of these planned cells."""
    seeds = cells.groupby("seed")["accuracy"]
    means = seeds.mean()[seeds.count() == seeds.size()]
    return float(means.std(ddof=1)) if len(means) > 1 else NOWHERE


def _mean(evaluation: Evaluation, planned: Mask) -> Mean:
    """The average accuracy over those planned cells that were scored."""
    scored = planned & evaluation.table["status"].eq(SCORED).to_numpy()
    cells, total = int(scored.sum()), int(planned.sum())
    if not cells:
        return Mean(NOWHERE, NOWHERE, NOWHERE, 0, total, NOWHERE)
    low, high = interval(evaluation.draws[scored].mean(axis=0))
    value = float(evaluation.table.loc[scored, "accuracy"].mean())
    return Mean(value, float(low), float(high), cells, total, _spread(evaluation.table[planned]))


def _reasons(cells: pd.DataFrame) -> tuple[str, ...]:
    """Why cells of one detector are missing, each reason once with the number of cells."""
    missing = cells[cells["status"] != SCORED]
    counted = missing.groupby(["status", "reason"], sort=False).size().reset_index(name="count")
    return tuple(
        f"{status} {count} of {len(cells)} cells: {reason}"
        for status, reason, count in counted.itertuples(index=False, name=None)
    )


def _speed(run: Run, detector: str) -> float:
    """Images per second of the fastest timing of a detector as it ran here; NaN where there is none."""
    table, runtime = run.throughput, run.manifest["runtime"]
    wanted = {"recipe": run.manifest["detectors"][detector]["key"], "data": run.manifest["data"]["digest"]}
    wanted |= {name: runtime[name] for name in ("processor", "device", "precision")}
    speeds = table.loc[(table[list(wanted)] == pd.Series(wanted)).all(axis=1), "images_per_s"]
    return float(speeds.max())


def _row(detector: str, evaluation: Evaluation, asked: Mapping[str, Mask], images_per_s: float) -> Row:
    """The row of one detector, not yet ranked."""
    mine = evaluation.table["detector"].eq(detector).to_numpy()
    means = {name: _mean(evaluation, mask & mine) for name, mask in asked.items()}
    home, away = list(means.values())[:2]
    cells = evaluation.table[mine]
    others = cells.loc[cells["status"].eq(SCORED), ["balanced_accuracy", "ap", "roc_auc"]].mean(skipna=False)
    return Row(
        rank=None,
        detector=detector,
        means=means,
        drop=home.value - away.value if home.complete and away.complete else NOWHERE,
        balanced_accuracy=float(others["balanced_accuracy"]),
        ap=float(others["ap"]),
        roc_auc=float(others["roc_auc"]),
        seeds=cells["seed"].nunique(),
        images_per_s=images_per_s,
        reasons=_reasons(cells),
    )


def _ranked(rows: Sequence[Row], by: str) -> tuple[Row, ...]:
    """Number the rows whose average is complete, best first; the others follow without a number."""
    best = sorted(rows, key=lambda row: (not row.means[by].complete, -np.nan_to_num(row.means[by].value), row.detector))
    return tuple(
        replace(row, rank=place if row.means[by].complete else None) for place, row in enumerate(best, start=1)
    )


def ranking(run: Run) -> Ranking:
    """Rank the detectors of one run: away from home ground where the protocol goes there, else on it."""
    evaluation = evaluate(run)
    asked = groups(evaluation.table, run.manifest)
    home, away = list(asked)[:2]
    by = away if asked[away].any() else home
    detectors = evaluation.table["detector"].unique()
    rows = [_row(detector, evaluation, asked, _speed(run, detector)) for detector in detectors]
    data = run.manifest["data"]
    return Ranking(
        title=run.manifest["title"],
        data=data["title"],
        setting=run.manifest["setting"],
        runtime=f"{run.manifest['runtime']['device']}, {run.manifest['runtime']['precision']}",
        protocol=run.manifest["protocol"],
        generators=tuple(data["generators"]),
        trains=tuple(evaluation.table["train"].unique()),
        by_degradation=run.manifest["view"]["columns"] == "degradation",
        home=home,
        away=away,
        ranked_by=by,
        rows=_ranked(rows, by),
        arm=data.get("arm", NONE),
        notices=tuple(notices(run, evaluation, asked[home if asked[home].any() else away])),
        question=_question(run),
    )


def notices(run: Run, evaluation: Evaluation, home: Mask) -> Iterator[str]:
    """What must be read before the table: shortcuts in the data, unbalanced cells, and what the census warns of."""
    images = scored_images(run)
    for detector, entry in run.manifest["detectors"].items():
        if reads := entry["card"].get("shortcut", ""):
            mine = home & evaluation.table["detector"].eq(detector).to_numpy()
            yield from _shortcut(detector, reads, images[mine[images["cell"]]])
    real = 1 - images.groupby("cell")["label"].mean()
    if len(real) and (larger := float(np.maximum(real, 1 - real).mean())) > UNBALANCED:
        yield (
            f"Unbalanced: the larger class is {100 * larger:.0f}% of a cell on average, and calling everything that is "
            "as accurate; read balanced accuracy."
        )
    yield from run.manifest["data"].get("census", {}).get("warnings", ())


def _shortcut(detector: str, reads: str, images: pd.DataFrame) -> Iterator[str]:
    """A sentence where a baseline tells the classes of these cells apart better than chance does."""
    if not len(images):
        return
    labels = images["label"].to_numpy()
    correct = pd.Series(called_generated(images["score"].to_numpy()) == labels, index=images.index)
    cells = pd.factorize(images["cell"], sort=True)[0]
    draws = accuracy_draws(cells, images["source"].to_numpy(), labels, correct.to_numpy(), balanced=True).mean(axis=0)
    low, high = interval(draws)
    if low > CHANCE:
        value = correct.groupby([images["cell"], images["label"]]).mean().groupby(level=0).mean().mean()
        yield (
            f"Shortcut: {detector}, which sees nothing but {reads}, reaches {100 * value:.1f}% "
            f"[{100 * low:.1f}, {100 * high:.1f}] balanced accuracy where it was trained (chance {100 * CHANCE:.0f}%). "
            "Accuracies below may rest on that."
        )


def _question(run: Run) -> str:
    """Identity of what was asked of which files, whatever the arm."""
    data = run.manifest["data"]
    cells = run.cells[QUESTION].drop_duplicates().sort_values(QUESTION)
    asked = (run.manifest["protocol"], run.manifest["setting"], data.get("files", data["digest"]))
    return digest(*asked, cells.to_csv(index=False))


def rankings(runs: Sequence[Run]) -> list[Ranking]:
    """One ranking per question asked: runs on other images, in another setting or of other cells are kept apart.

    Raises:
        InputError: One detector appears in two versions.
        UnusableScores: A score is not a probability.
    """
    return [ranking(run) for run in combine(runs)]
