"""Linear heads over frozen embeddings: standard scaling, then a linear SVM or logistic regression.

What a head learns is a `LinearDecision`: plain arrays, with no trace of the library that fitted them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from detectors.api import (
    Embeddings,
    Labels,
    Scores,
)
from detectors.heads.array_heads import require_both_classes
from detectors.heads.logistic import expit

if TYPE_CHECKING:
    from torch import Tensor

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

FOLDS = 5
TOLERANCE = 1e-6  # of the solvers: tight, so that the answer is the objective's and not the solver's
MAX_ITERATIONS = 10_000  # of the solvers: far more than they need
MIN_SLOPE = 1e-3  # relative to the spread of the decision values


@dataclass(frozen=True)
class LinearDecision:
    """A fitted linear decision over D columns: sigmoid(slope * (((x - mean) / scale) @ coef + intercept)).

    Attributes:
        mean: float64 (D,), the training mean of each column.
        scale: float64 (D,), the training standard deviation; 1 where the column was constant.
        coef: float64 (D,), 0 where the column was constant.
        intercept: float64 ().
        slope: float64 (), above 0: turns the distance from the boundary into log odds, and changes no decision.
    """

    mean: Vector
    scale: Vector
    coef: Vector
    intercept: Vector
    slope: Vector

    @classmethod
    def from_layer(cls, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> LinearDecision:
        """A linear layer with one output: weight (1, D) and bias (1,); no column is scaled."""
        coef = weight[0].astype(np.float64)
        return cls(np.zeros_like(coef), np.ones_like(coef), coef, bias[0].astype(np.float64), np.array(1.0))

    def distances(self, embeddings: Embeddings) -> Vector:
        """Signed distances from the boundary in the head's own units, float64 (N,), above 0 for "generated"."""
        weight = self.coef / self.scale
        # einsum sums each row by itself in double precision: a score never depends on the rest of its batch
        sums: Vector = np.einsum("nd,d->n", embeddings, weight, dtype=np.float64)
        return sums + (self.intercept - self.mean @ weight)

    def log_odds(self, embeddings: Embeddings) -> Vector:
        """Log odds of "generated", float64 (N,), of N embeddings, float32 (N, D)."""
        return self.slope * self.distances(embeddings)

    def tensor_log_odds(self, embeddings: Tensor) -> Tensor:
        """As `log_odds` of embeddings as a tensor, float (N, D), through which gradients flow."""
        import torch

        mean, weight = (
            torch.from_numpy(array).to(embeddings.device, embeddings.dtype)
            for array in (self.mean, self.slope * self.coef / self.scale)
        )
        return (embeddings - mean) @ weight + float(self.slope * self.intercept)

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N embeddings, float32 (N, D)."""
        scores: Scores = expit(self.log_odds(embeddings)).astype(np.float32)
        return scores


class LinearHead(Protocol):
    """Fits a linear decision to labelled embeddings."""

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
        primal: Whether to solve the primal problem and not the dual one: quicker with many images, and the only one
            that converges where there are fewer columns than images and classes overlap. The optimum is the same.
    """

    c: float
    primal: bool = False

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> LinearDecision:
        """Fit the SVM on all images and its slope on held-out distances."""
        with single_blas_thread():
            scaled = StandardisedEmbeddings.fit(embeddings, labels)
            slope = platt_slope(self._held_out_distances(scaled.points, labels, seed), labels)
            return scaled.decision(*self._solve(scaled.points, labels), slope)

    def _solve(self, points: Matrix, labels: Labels) -> tuple[Vector, Vector]:
        from sklearn.svm import LinearSVC

        solver = LinearSVC(
            C=self.c,
            class_weight="balanced",
            dual=not self.primal,
            tol=TOLERANCE,
            max_iter=MAX_ITERATIONS,
            random_state=0,  # the optimum is unique: the random order of the solver only has to be fixed
        )
        solver.fit(points, labels)
        return solver.coef_[0], solver.intercept_[0]

    def _held_out_distances(self, points: Matrix, labels: Labels, seed: int) -> Vector:
        from sklearn.model_selection import StratifiedKFold

        distances = np.empty(len(labels))
        folds = StratifiedKFold(min(FOLDS, np.bincount(labels).min()), shuffle=True, random_state=seed)
        for rest, held_out in folds.split(points, labels):
            coef, intercept = self._solve(points[rest], labels[rest])
            distances[held_out] = points[held_out] @ coef + intercept
        return distances


@dataclass(frozen=True)
class Logistic:
    """Logistic regression with an L2 penalty. Nothing is random: every seed gives the same decision.

    Attributes:
        c: Weight of the training errors against the penalty, as in scikit-learn.
    """

    c: float

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> LinearDecision:
        """Fit on all images."""
        from sklearn.linear_model import LogisticRegression

        del seed
        with single_blas_thread():
            scaled = StandardisedEmbeddings.fit(embeddings, labels)
            solver = LogisticRegression(C=self.c, class_weight="balanced", tol=TOLERANCE, max_iter=MAX_ITERATIONS)
            solver.fit(scaled.points, labels)
            return scaled.decision(solver.coef_[0], solver.intercept_[0], np.array(1.0))


def single_blas_thread() -> AbstractContextManager[object]:
    """Matrix products on one thread: as quick at these sizes, fifty times quicker while other work uses the cores."""
    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


@dataclass(frozen=True)
class StandardisedEmbeddings:
    """Training embeddings with columns of mean 0 and deviation 1, rotated into the span of the images if it is smaller.

    An L2 penalty is invariant under rotation and leaves no weight outside the span, so the decision is the same. It is
    quick because 400 images are then solved in 400 columns rather than in 8100.

    Attributes:
        mean: float64 (D,), of each column.
        scale: float64 (D,), its deviation; 1 where it is constant.
        basis: float64 (D, N), orthonormal columns that span the images; None where nothing was rotated.
        points: float64 (N, min(N, D)), or (N, D) where nothing was rotated.
    """

    mean: Vector
    scale: Vector
    basis: Matrix | None
    points: Matrix

    @classmethod
    def fit(cls, embeddings: Embeddings, labels: Labels, *, rotate: bool = True) -> StandardisedEmbeddings:
        """Standardise N embeddings, float32 (N, D), and rotate them where `rotate` allows it.

        Raises:
            ValueError: Fewer than two images of a class.
        """
        require_both_classes(labels)
        mean = embeddings.mean(0, dtype=np.float64)
        scaled = embeddings - mean
        scale = scaled.std(0)
        constant = scale <= np.finfo(np.float32).eps * np.abs(embeddings).max(0)
        scale[constant] = 1
        scaled[:, constant] = 0
        scaled /= scale
        if not rotate or scaled.shape[1] <= scaled.shape[0]:
            return cls(mean, scale, None, scaled)
        basis, triangle = np.linalg.qr(scaled.T)
        return cls(mean, scale, basis, triangle.T)

    def decision(self, coef: Vector, intercept: Vector, slope: Vector) -> LinearDecision:
        """The decision over embeddings from `coef` that was fitted over the points."""
        return LinearDecision(self.mean, self.scale, self.column_weights(coef), intercept, slope)

    def column_weights(self, coef: Vector | Matrix) -> Vector | Matrix:
        """Weights of the scaled columns, (D,) or (D, H), from those of the points."""
        return coef if self.basis is None else self.basis @ coef


def platt_slope(distances: Vector, labels: Labels) -> Vector:
    """The maximum-likelihood slope of sigmoid(slope * distance), above 0 even where distances do not separate classes.

    Args:
        distances: Signed distances from a boundary, float64 (N,).
        labels: int64 (N,).

    Returns:
        float64 ().
    """
    from scipy.optimize import brentq

    real, generated = np.bincount(labels, minlength=2)
    targets = np.where(labels == 1, (generated + 1) / (generated + 2), 1 / (real + 2))
    spread = np.abs(distances).mean() or 1.0
    scaled = distances / spread

    def gradient(slope: float) -> float:
        return float(scaled @ (expit(slope * scaled) - targets))

    if gradient(MIN_SLOPE) >= 0:
        return np.array(MIN_SLOPE / spread)
    upper = MIN_SLOPE
    while gradient(upper) < 0:
        upper *= 2
    return np.array(brentq(gradient, upper / 2, upper) / spread)
