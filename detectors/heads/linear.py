"""Linear heads over frozen embeddings: standard scaling, then a linear SVM or logistic regression.

What a head learns is a `LinearDecision`: plain arrays, with no trace of the library that fitted them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from detectors.api import (
    Embeddings,
    Labels,
    Scores,
)

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

FOLDS = 5
TOLERANCE = 1e-6  # of the solvers: tight, so that the answer is the objective's and not the solver's
ROUNDS = 10_000  # of the solvers: far more than they need
LEAST_SLOPE = 1e-3  # relative to the spread of the decision values


@dataclass(frozen=True)
class LinearDecision:
    """A fitted linear decision over D columns: sigmoid(slope * (((x - mean) / scale) @ coef + intercept)).

    Attributes:
        mean: float64 (D,), the training mean of each column.
        scale: float64 (D,), the training standard deviation; 1 where the column was constant.
        coef: float64 (D,), 0 where the column was constant.
        intercept: float64 ().
        slope: float64 (), above 0: turns the distance from the boundary into a log odds, and moves no decision.
    """

    mean: Vector
    scale: Vector
    coef: Vector
    intercept: Vector
    slope: Vector

    def distances(self, embeddings: Embeddings) -> Vector:
        """Signed distances from the boundary in the head's own units, float64 (N,), above 0 for "generated"."""
        weight = self.coef / self.scale
        # einsum sums each row by itself in double precision: a score never depends on the rest of its batch
        sums: Vector = np.einsum("nd,d->n", embeddings, weight, dtype=np.float64)
        return sums + (self.intercept - self.mean @ weight)

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N embeddings, float32 (N, D)."""
        scores: Scores = expit(self.slope * self.distances(embeddings)).astype(np.float32)
        return scores


class Head(Protocol):
    """Fits a line to labelled embeddings."""

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> LinearDecision:
        """Fit on N embeddings, float32 (N, D). Raises ValueError for fewer than two images of a class."""


@dataclass(frozen=True)
class LinearSvm:
    """Linear SVM with squared hinge loss; Platt scaling on held-out distances gives the probabilities.

    Follows Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with its smoothed targets. Only the
    slope is fitted, so that a score of 0.5 stays the SVM's own decision. The distances come from stratified
    cross-validation; `seed` draws the folds and nothing else.

    Attributes:
        c: Weight of the training errors against the margin, as in scikit-learn.
        primal: Whether to solve for the weights and not for the images: quicker with many images, and the only one that
            ends where there are fewer columns than images and classes overlap. The optimum is the same.
    """

    c: float
    primal: bool = False

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> LinearDecision:
        """Fit the SVM on all images and its slope on held-out distances."""
        with one_thread():
            scaled = StandardisedEmbeddings.of(embeddings, labels)
            slope = platt_slope(self._held_out(scaled.points, labels, seed), labels)
            return scaled.line(*self._solve(scaled.points, labels), slope)

    def _solve(self, points: Matrix, labels: Labels) -> tuple[Vector, Vector]:
        from sklearn.svm import LinearSVC

        # the optimum is unique: the solver's random order only has to be fixed
        fitted = LinearSVC(
            C=self.c, class_weight="balanced", dual=not self.primal, tol=TOLERANCE, max_iter=ROUNDS, random_state=0
        ).fit(points, labels)
        return fitted.coef_[0], fitted.intercept_[0]

    def _held_out(self, points: Matrix, labels: Labels, seed: int) -> Vector:
        from sklearn.model_selection import StratifiedKFold

        distances = np.empty(len(labels))
        folds = StratifiedKFold(min(FOLDS, np.bincount(labels).min()), shuffle=True, random_state=seed)
        for rest, held_out in folds.split(points, labels):
            coef, intercept = self._solve(points[rest], labels[rest])
            distances[held_out] = points[held_out] @ coef + intercept
        return distances


@dataclass(frozen=True)
class Logistic:
    """Logistic regression with an L2 penalty. Nothing is drawn at random: every seed gives the same line.

    Attributes:
        c: Weight of the training errors against the penalty, as in scikit-learn.
    """

    c: float

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> LinearDecision:
        """Fit on all images."""
        from sklearn.linear_model import LogisticRegression

        del seed
        with one_thread():
            scaled = StandardisedEmbeddings.of(embeddings, labels)
            fitted = LogisticRegression(C=self.c, class_weight="balanced", tol=TOLERANCE, max_iter=ROUNDS)
            fitted.fit(scaled.points, labels)
            return scaled.line(fitted.coef_[0], fitted.intercept_[0], np.array(1.0))


def one_thread() -> AbstractContextManager[object]:
    """Matrix products on one thread: as quick at these sizes, fifty times quicker where others want the cores too."""
    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


@dataclass(frozen=True)
class StandardisedEmbeddings:
    """Training embeddings, columns of mean 0 and deviation 1, turned onto the span of the images if that is smaller.

    An L2 penalty cannot see a rotation and leaves no weight outside the span, so the line is the same; solving 400
    images in 400 columns rather than 8100 is what makes it quick.
    """

    mean: Vector  # (D,)
    scale: Vector  # (D,)
    basis: Matrix | None  # (D, N), orthonormal columns
    points: Matrix  # (N, min(N, D))

    @classmethod
    def of(cls, embeddings: Embeddings, labels: Labels, *, turned: bool = True) -> StandardisedEmbeddings:
        """Scale N embeddings, and turn them if allowed. Raises ValueError for fewer than two images of a class."""
        real, generated = np.bincount(labels, minlength=2)
        if min(real, generated) < 2:
            msg = (
                f"a head needs at least 2 real and 2 generated images, found {real} real and {generated} generated: "
                "choose a train subset that holds both"
            )
            raise ValueError(msg)
        mean = embeddings.mean(0, dtype=np.float64)
        scaled = embeddings - mean
        scale = scaled.std(0)
        constant = scale <= np.finfo(np.float32).eps * np.abs(embeddings).max(0)
        scale[constant] = 1
        scaled[:, constant] = 0
        scaled /= scale
        if not turned or scaled.shape[1] <= scaled.shape[0]:
            return cls(mean, scale, None, scaled)
        basis, triangle = np.linalg.qr(scaled.T)
        return cls(mean, scale, basis, triangle.T)

    def line(self, coef: Vector, intercept: Vector, slope: Vector) -> LinearDecision:
        """The line over embeddings whose `coef` over the points was fitted."""
        return LinearDecision(self.mean, self.scale, self.whole(coef), intercept, slope)

    def whole(self, coef: Vector | Matrix) -> Vector | Matrix:
        """Weights of the scaled columns, (D,) or (D, H), from those of the points."""
        return coef if self.basis is None else self.basis @ coef


def platt_slope(distances: Vector, labels: Labels) -> Vector:
    """The slope that makes sigmoid(slope * distance) likeliest, above 0 even where the distances say nothing."""
    real, generated = np.bincount(labels, minlength=2)
    targets = np.where(labels == 1, (generated + 1) / (generated + 2), 1 / (real + 2))
    spread = np.abs(distances).mean() or 1.0
    units = distances / spread

    def gradient(slope: float) -> float:
        return float(units @ (expit(slope * units) - targets))

    if gradient(LEAST_SLOPE) >= 0:
        return np.array(LEAST_SLOPE / spread)
    most = LEAST_SLOPE
    while gradient(most) < 0:
        most *= 2
    return np.array(brentq(gradient, most / 2, most) / spread)
