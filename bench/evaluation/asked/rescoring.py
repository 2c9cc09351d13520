"""Another threshold, calibration or positive class for a run that is finished: stored scores stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from bench.metrics.calibration import Calibration, CalibrationMethod, chosen_threshold, fit_calibration
from bench.metrics.metric import CLASS_NAMES, CellImages, Metric, UnusableScores, log_odds_of_probabilities
from bench.metrics.seen_images import SeenImages, seen_images
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.outcomes import Scored, Skipped
from bench.records.run import Run
from bench.records.score_table import NATIVE, CellScores, ScoreTable, TestImages, Threshold

VALIDATION, ORACLE = "validation", "oracle"
SCALINGS: dict[CalibrationMethod, str] = {"temperature": "temperature", "platt": "Platt"}
ChosenThreshold = Literal["validation", "oracle"]
NEEDS_VALIDATION = "hold images out of the trainings with `lineup run --validation 0.2`, or choose --calibrate-on K"


@dataclass(frozen=True, slots=True)
class Rescoring:
    """What becomes of stored scores before they are measured.

    Attributes:
        threshold: A probability above which an image is called generated; or how that of each cell is chosen: on its
            validation scores, or with the labels of its test images. None for the native one.
        positive: The class that is looked for: 1 generated, 0 real.
        calibration: What log odds go through first, fitted on validation scores.
        seen: Labelled images of each test set on which its threshold is chosen, and which are not measured; 0 for none.
        seed: Of their draw.
    """

    threshold: float | ChosenThreshold | None = None
    positive: int = 1
    calibration: CalibrationMethod | None = None
    seen: int = 0
    seed: int = 0

    @property
    def keeps_decisions(self) -> bool:
        """Whether every score and every decision stays as it is."""
        return self.threshold is None and self.calibration is None and not self.seen

    @property
    def needs_validation(self) -> bool:
        """Whether cells without validation scores cannot be measured."""
        return self.threshold == VALIDATION or self.calibration is not None

    @property
    def mark(self) -> str:
        """What stands behind the headers of what was measured with answers that no user has; "" for nothing."""
        return "seen" if self.seen else ORACLE if self.threshold == ORACLE else ""

    def header(self, metric: Metric) -> str:
        """The header of a metric on the leaderboard, marked."""
        header = metric.header or metric.name.replace("_", " ")
        marked = self.mark and (self.seen or metric.reads == "decisions")
        return f"{header} ({self.mark})" if marked else header

    def sentences(self) -> Iterator[str]:
        """What was done, to stand on every table."""
        if self.calibration:
            yield (
                f"Log odds of each cell after {SCALINGS[self.calibration]} scaling, fitted on its validation scores; "
                "decisions at the calibrated probability of 0.5 where nothing else is said."
            )
        if self.seen:
            yield (
                f"Threshold of each cell chosen on {self.seen} labelled images of its own test set (seed {self.seed}), "
                "half real and half generated. They and all images of their sources are left out of every measure; "
                "what is measured so is marked (seen)."
            )
        elif self.threshold == VALIDATION:
            yield "Threshold of each cell chosen on its validation scores, by balanced accuracy."
        elif self.threshold == ORACLE:
            yield (
                "Threshold of each cell chosen with the labels of its own test images, by balanced accuracy, marked "
                "(oracle): no user has them. Values are too high, and intervals take the threshold as given."
            )
        elif self.threshold is not None:
            yield f"Threshold {self.threshold:g} instead of {NATIVE.value:g}."
        if not self.positive:
            yield "Positive class real: AP, precision, recall, F1 and rates are those of finding real images."


AS_STORED = Rescoring()


def rescored(run: Run, rescoring: Rescoring) -> Run:
    """The same run with other scores, thresholds or images; one for which there is no threshold is not scored.

    Raises:
        InputError: The run has no validation scores and needs some, a test set has too few images to show some, or
            cells name generators, which no threshold does.
    """
    if rescoring.keeps_decisions:
        return run
    wanted = run.cells[columns.STATUS].eq(Scored.status)
    if (run.cells.loc[wanted, columns.TASK] != "binary").any():
        raise InputError("some cells of the run name the generator of an image, for which there is no threshold")
    held_out = _Validation(run)
    if rescoring.needs_validation and not held_out.known:
        msg = f"the run has no validation scores, which this needs: {NEEDS_VALIDATION}"
        raise InputError(msg)
    shown = _Shown(rescoring)
    found: dict[str, CellScores] = {}
    missing: dict[str, str] = {}
    for key, test in run.cells.loc[wanted, [columns.KEY, columns.TEST]].itertuples(index=False, name=None):
        try:
            found[key] = _rescored_cell(run.score_table[key], key, held_out, rescoring, shown.of(run, key, str(test)))
        except UnusableScores as error:
            missing[key] = str(error)
    if missing and not found:
        msg = f"no cell can be measured so: {next(iter(missing.values()))}"
        raise InputError(msg)
    return replace(run, cells=_without(run.cells, missing), score_table=ScoreTable(found))


def _without(cells: pd.DataFrame, missing: dict[str, str]) -> pd.DataFrame:
    """The cells, of which these, by key and reason, are not scored."""
    reasons = cells[columns.KEY].map(missing)
    gone = reasons.notna()
    return cells.assign(
        **{
            columns.STATUS: cells[columns.STATUS].mask(gone, Skipped.status),
            columns.REASON: cells[columns.REASON].mask(gone, reasons),
        }
    )


@dataclass(frozen=True)
class _ShownImages:
    """The images of a test set that are seen, and those that are measured."""

    seen: SeenImages
    measured: TestImages


class _Shown:
    """Which images of each test set are seen: the same ones for every detector."""

    def __init__(self, rescoring: Rescoring) -> None:
        self._rescoring = rescoring
        self._known: dict[int, _ShownImages] = {}

    def of(self, run: Run, key: str, test: str) -> _ShownImages | None:
        """Those of the test set of a cell; None where none are seen. Raises `InputError` with the name of it."""
        if not self._rescoring.seen:
            return None
        images = run.score_table[key].images
        if id(images) not in self._known:
            try:
                seen = seen_images(
                    images.labels.astype(np.int64),
                    images.names,
                    images.sources,
                    self._rescoring.seen,
                    self._rescoring.seed,
                )
            except InputError as error:
                raise InputError(f"{test}: {error}") from error
            rest = ~seen.left_out
            measured = TestImages(images.names[rest], images.sources[rest], images.labels[rest])
            self._known[id(images)] = _ShownImages(seen, measured)
        return self._known[id(images)]


class _Validation:
    """The validation scores of cells, and what was fitted on them, each once."""

    def __init__(self, run: Run) -> None:
        cells = run.validation.cells
        self._keys = dict(zip(cells[columns.KEY], cells[columns.VALIDATION_KEY], strict=True))
        self._reasons = dict(zip(cells[columns.KEY], cells[columns.REASON], strict=True))
        self._tables = dict(iter(run.validation.scores.groupby(columns.KEY)))
        self._fitted: dict[tuple[str, bool, CalibrationMethod], Calibration] = {}
        self._thresholds: dict[tuple[str, bool], float] = {}

    @cached_property
    def known(self) -> bool:
        """Whether there are any."""
        return bool(self._tables)

    def _images(self, key: str, *, with_odds: bool) -> CellImages:
        table = self._tables[self._keys[key]]
        labels, scores, odds = (table[name].to_numpy() for name in (columns.LABEL, columns.SCORE, columns.LOG_ODDS))
        return CellImages(labels.astype(np.int64), scores, odds if with_odds else None)

    def has_odds(self, key: str) -> bool:
        """Whether those of a cell have log odds. Raises `UnusableScores` where it has no validation scores."""
        if self._keys.get(key) not in self._tables:
            reason = self._reasons.get(key) or "nothing was held out of a training of it"
            raise UnusableScores(f"no validation scores: {reason}")
        return not bool(self._tables[self._keys[key]][columns.LOG_ODDS].isna().any())

    def calibration(self, key: str, method: CalibrationMethod, *, with_odds: bool) -> Calibration:
        """The one of a cell, fitted on log odds, or on those of scores."""
        place = (self._keys[key], with_odds, method)
        if place not in self._fitted:
            images = self._images(key, with_odds=with_odds)
            self._fitted[place] = fit_calibration(method, images.labels, images.finite_log_odds)
        return self._fitted[place]

    def threshold(self, key: str, *, with_odds: bool) -> float:
        """The threshold of a cell that is best on them by balanced accuracy, of log odds or of scores."""
        place = (self._keys[key], with_odds)
        if place not in self._thresholds:
            images = self._images(key, with_odds=with_odds)
            self._thresholds[place] = chosen_threshold(images.labels, images.order)
        return self._thresholds[place]


def _rescored_cell(
    cell: CellScores, key: str, held_out: _Validation, rescoring: Rescoring, shown: _ShownImages | None
) -> CellScores:
    """One cell with other scores and its threshold. Raises `UnusableScores` where there is none."""
    with_odds = cell.log_odds is not None and not np.isnan(cell.log_odds).any()
    threshold = NATIVE
    if rescoring.needs_validation:
        with_odds = held_out.has_odds(key) and with_odds
        if rescoring.threshold == VALIDATION:  # before calibration, which keeps the order and so what is above it
            threshold = Threshold(held_out.threshold(key, with_odds=with_odds), with_odds)
    if rescoring.calibration:
        line = held_out.calibration(key, rescoring.calibration, with_odds=with_odds)
        cell, threshold = _calibrated(cell, line, threshold, with_odds=with_odds)
        with_odds = True
    images = CellImages(cell.images.labels.astype(np.int64), cell.scores, cell.log_odds if with_odds else None)
    if shown is not None:
        return _measured_part(cell, shown, Threshold(shown.seen.threshold(images), with_odds))
    if rescoring.threshold == ORACLE:
        threshold = Threshold(chosen_threshold(images.labels, images.order), with_odds)
    elif isinstance(rescoring.threshold, float):
        threshold = _stated(rescoring.threshold, of_log_odds=rescoring.calibration is not None)
    return replace(cell, threshold=threshold)


def _stated(probability: float, *, of_log_odds: bool) -> Threshold:
    """The threshold of a stated probability; of scores in their precision: one of exactly it is real."""
    if of_log_odds:
        return Threshold(float(log_odds_of_probabilities(np.array([probability]))[0]), of_log_odds=True)
    return Threshold(float(np.float32(probability)))


def _calibrated(
    cell: CellScores, line: Calibration, threshold: Threshold, *, with_odds: bool
) -> tuple[CellScores, Threshold]:
    """A cell with calibrated scores and log odds, and a threshold of its own ones as that of the new ones."""
    images = CellImages(cell.images.labels, cell.scores, cell.log_odds if with_odds else None)
    odds = line(images.finite_log_odds)
    new = replace(cell, scores=expit(odds).astype(np.float32), log_odds=odds.astype(np.float32))
    if threshold is NATIVE:
        return new, Threshold(0.0, of_log_odds=True)
    at = threshold.value if threshold.of_log_odds else log_odds_of_probabilities(np.array([threshold.value]))[0]
    return new, Threshold(float(line(np.array([at]))[0]), of_log_odds=True)


def _measured_part(cell: CellScores, shown: _ShownImages, threshold: Threshold) -> CellScores:
    """The images of a cell that are measured."""
    rest = ~shown.seen.left_out
    odds = None if cell.log_odds is None else cell.log_odds[rest]
    return CellScores(shown.measured, cell.scores[rest], odds, threshold)


def positive_class(text: str) -> int:
    """The label of the class that is looked for, by its name. Raises `InputError` for another name."""
    if text not in CLASS_NAMES:
        msg = f"--positive {text!r} is not known; choose {' or '.join(CLASS_NAMES)}"
        raise InputError(msg)
    return CLASS_NAMES.index(text)
