"""Linear classifiers of more than two classes over embeddings: one softmax layer, or one SVM per pair of classes.

Classes are the empty string for real images, which comes first, and the generators of the train set by name.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from detectors.api import Array, Embeddings, Labels, State, TrainSet
from detectors.heads.linear import (
    MAX_ITERATIONS,
    TOLERANCE,
    LinearDecision,
    LinearSvm,
    Matrix,
    StandardisedEmbeddings,
    single_blas_thread,
)

MIN_PROBABILITY = 1e-7  # of a class within a pair: the coupling needs both to be possible


class ClassRule(Protocol):
    """A fitted classifier of C classes."""

    def probabilities(self, row: NDArray[np.float32]) -> Matrix:
        """The probabilities of all classes, float64 (C,), for one embedding, float32 (D,)."""

    def state(self) -> State:
        """Its arrays, by name."""


def classes_of(train: TrainSet) -> tuple[tuple[str, ...], Labels]:
    """The classes of a train set, and the index of each image's class, int64 (N,).

    Raises:
        ValueError: A class has fewer than two images, or there is only one class.
    """
    classes = ("", *sorted(set(train.generators) - {""}))
    positions = {name: index for index, name in enumerate(classes)}
    members = np.array([positions[name] for name in train.generators], dtype=np.int64)
    if len(classes) == 1:
        msg = "a classifier needs images of at least one generator, found none: choose a train subset that holds some"
        raise ValueError(msg)
    for name, count in zip(classes, np.bincount(members, minlength=len(classes)), strict=True):
        if count < 2:
            msg = (
                f"a classifier needs at least 2 images of each class, found {count} of {name or 'the real ones'}: "
                "choose a train subset that holds more, or leave that class out"
            )
            raise ValueError(msg)
    return classes, members


def encode_names(names: tuple[str, ...]) -> NDArray[np.uint8]:
    """Names as UTF-8, each ended by a line feed, uint8 (B,): states hold arrays and no text."""
    return np.frombuffer("".join(f"{name}\n" for name in names).encode(), np.uint8).copy()


def decode_names(array: Array) -> tuple[str, ...]:
    """The names that `encode_names` wrote."""
    return tuple(array.tobytes().decode().split("\n")[:-1])


class Softmax:
    """One linear layer and a softmax.

    Args:
        weight: float64 (C, D), over embeddings as they come.
        bias: float64 (C,).
    """

    def __init__(self, weight: Matrix, bias: Matrix) -> None:
        self.weight = weight
        self.bias = bias

    @classmethod
    def fit(cls, embeddings: Embeddings, members: Labels, c: float) -> Softmax:
        """Fit by cross-entropy with an L2 penalty, each class weighted by the inverse of its frequency.

        Args:
            embeddings: float32 (N, D).
            members: The index of each image's class, int64 (N,).
            c: Weight of the training errors against the penalty, as in scikit-learn.
        """
        from sklearn.linear_model import LogisticRegression

        with single_blas_thread():
            scaled = StandardisedEmbeddings.fit(embeddings, (members > 0).astype(np.int64))
            solver = LogisticRegression(C=c, class_weight="balanced", tol=TOLERANCE, max_iter=MAX_ITERATIONS)
            solver.fit(scaled.points, members)
            coef, bias = solver.coef_, solver.intercept_
            if len(coef) == 1:  # two classes: scikit-learn gives the log odds of the second against the first
                coef, bias = np.concatenate([np.zeros_like(coef), coef]), np.concatenate([[0.0], bias])
            weight = np.ascontiguousarray(scaled.column_weights(coef.T).T / scaled.scale)
            return cls(weight, bias - weight @ scaled.mean)

    @classmethod
    def from_state(cls, state: State) -> Softmax:
        """The layer with this state."""
        return cls(state["weight"], state["bias"])

    def probabilities(self, row: NDArray[np.float32]) -> Matrix:
        """The probabilities of all classes, float64 (C,), for one embedding, float32 (D,)."""
        probabilities: Matrix = softmax(np.einsum("cd,d->c", self.weight, row.astype(np.float64)) + self.bias)
        return probabilities

    def state(self) -> State:
        """The layer's weight and bias."""
        return {"weight": self.weight, "bias": self.bias}


class PairwiseSvms:
    """One linear SVM with a Platt slope for each pair of classes, and their probabilities coupled.

    Args:
        decisions: Of the pairs (0, 1), (0, 2), ... (1, 2), ...; "generated" means the later class of a pair.
        count: Number of classes.
    """

    def __init__(self, decisions: list[LinearDecision], count: int) -> None:
        self.decisions = decisions
        self.count = count
        self._weights = np.stack([decision.coef / decision.scale for decision in decisions])
        means = [decision.mean @ weight for decision, weight in zip(decisions, self._weights, strict=True)]
        self._offsets = np.array([float(decision.intercept) for decision in decisions]) - np.array(means)
        self._slopes = np.array([float(decision.slope) for decision in decisions])

    @classmethod
    def fit(cls, embeddings: Embeddings, members: Labels, c: float, seed: int) -> PairwiseSvms:
        """Fit each pair on its own images.

        Args:
            embeddings: float32 (N, D).
            members: The index of each image's class, int64 (N,).
            c: As of `LinearSvm`.
            seed: Draws the folds of the Platt slopes.
        """
        count = int(members.max()) + 1
        decisions = []
        for first, second in class_pairs(count):
            chosen = np.isin(members, (first, second))
            labels = (members[chosen] == second).astype(np.int64)
            decisions.append(LinearSvm(c, primal=True).fit(embeddings[chosen], labels, seed))
        return cls(decisions, count)

    @classmethod
    def from_state(cls, state: State) -> PairwiseSvms:
        """The SVMs with this state."""
        arrays = [state[field.name] for field in fields(LinearDecision)]
        decisions = [LinearDecision(*map(np.asarray, row)) for row in zip(*arrays, strict=True)]
        return cls(decisions, int(state["count"]))

    def probabilities(self, row: NDArray[np.float32]) -> Matrix:
        """The probabilities of all classes, float64 (C,), for one embedding, float32 (D,)."""
        distances = np.einsum("pd,d->p", self._weights, row.astype(np.float64)) + self._offsets
        of_second = np.clip(expit(self._slopes * distances), MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        pairwise = np.zeros((self.count, self.count))
        for (first, second), probability in zip(class_pairs(self.count), of_second, strict=True):
            pairwise[first, second], pairwise[second, first] = 1 - probability, probability
        return couple(pairwise)

    def state(self) -> State:
        """The arrays of all pairs, stacked, and the number of classes."""
        stacked = {
            field.name: np.stack([getattr(decision, field.name) for decision in self.decisions])
            for field in fields(LinearDecision)
        }
        return {**stacked, "count": np.array(self.count)}


def class_pairs(count: int) -> list[tuple[int, int]]:
    """All pairs of class indices, the smaller one first."""
    return [(first, second) for first in range(count) for second in range(first + 1, count)]


def couple(pairwise: Matrix) -> Matrix:
    """Class probabilities from those within pairs: the second method of Wu, Lin and Weng, JMLR 5, 2004.

    They minimise the sum over pairs of (r_ji p_i - r_ij p_j)^2 under sum p = 1: a linear system, whose solution has no
    negative part.

    Args:
        pairwise: r_ij, float64 (C, C): the probability of class i given that it is i or j; the diagonal is 0.

    Returns:
        float64 (C,), which sum to 1.
    """
    count = len(pairwise)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = -pairwise * pairwise.T
    system[np.arange(count), np.arange(count)] = (pairwise**2).sum(0)
    system[count, count] = 0
    solved = np.linalg.solve(system, np.eye(count + 1)[count])[:count]
    solved = np.clip(solved, 0, None)  # rounding alone takes it below 0
    probabilities: Matrix = solved / solved.sum()
    return probabilities
