"""Boosted decision trees: fitted by scikit-learn, kept as plain arrays, evaluated by the code below.

Histogram-based gradient boosting after Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree",
NeurIPS 2017, as scikit-learn's HistGradientBoostingClassifier fits it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from detectors.api import Embeddings, Labels, Scores
from detectors.probes import require_both

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

Indices = NDArray[np.int32]
Values = NDArray[np.float64]

CHUNK = 1024  # images at a time: what is looked up for them stays small


@dataclass(frozen=True)
class Boosted:
    """T fitted trees of at most M nodes; the log odds of an image are `base` and its leaf in every tree, summed.

    A leaf sends every image to itself, so that all trees are walked in step, however deep each of them is.

    Attributes:
        base: float64 (), the log odds before any tree.
        depth: int64 (), of the deepest tree.
        column: int32 (T, M), which column of the embedding a node reads.
        threshold: float64 (T, M), up to which a value goes left.
        left: int32 (T, M), the node on the left.
        right: int32 (T, M), the node on the right.
        value: float64 (T, M), what a leaf adds to the log odds; 0 for any other node.
    """

    base: Values
    depth: NDArray[np.int64]
    column: Indices
    threshold: Values
    left: Indices
    right: Indices
    value: Values

    @classmethod
    def of(cls, fitted: HistGradientBoostingClassifier) -> Boosted:
        """The arrays of a fitted two-class model without categories."""
        trees = [step[0].nodes for step in fitted._predictors]  # noqa: SLF001 - no public way leads to the trees
        base = np.array(float(np.squeeze(fitted._baseline_prediction)))  # noqa: SLF001 - as above
        size = max(map(len, trees))
        itself = np.broadcast_to(np.arange(size, dtype=np.int32), (len(trees), size))
        column, left, right = np.zeros_like(itself), itself.copy(), itself.copy()
        threshold, value = np.zeros(itself.shape), np.zeros(itself.shape)
        for row, nodes in enumerate(trees):
            inner, leaf = np.flatnonzero(nodes["is_leaf"] == 0), np.flatnonzero(nodes["is_leaf"])
            column[row, inner] = nodes["feature_idx"][inner]
            threshold[row, inner] = nodes["num_threshold"][inner]
            left[row, inner], right[row, inner] = nodes["left"][inner], nodes["right"][inner]
            value[row, leaf] = nodes["value"][leaf]
        depth = np.array(max(int(nodes["depth"].max()) for nodes in trees))
        return cls(base, depth, column, threshold, left, right, value)

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N embeddings, float32 (N, D)."""
        scores = np.empty(len(embeddings), np.float32)
        for start in range(0, len(embeddings), CHUNK):
            chunk = embeddings[start : start + CHUNK]
            scores[start : start + CHUNK] = expit(self.base + self._leaves(chunk).sum(1))
        return scores

    def _leaves(self, embeddings: Embeddings) -> Values:
        """What each tree adds, float64 (N, T)."""
        trees, images = np.arange(len(self.value)), np.arange(len(embeddings))[:, None]
        node = np.zeros((len(embeddings), len(self.value)), np.int32)
        for _ in range(int(self.depth)):
            goes_left = embeddings[images, self.column[trees, node]] <= self.threshold[trees, node]
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        return self.value[trees, node]


@dataclass(frozen=True)
class Boosting:
    """Fits boosted trees; the attributes are scikit-learn's. Nothing is held out to stop early; classes weigh alike.

    Attributes:
        learning_rate: Share of each tree that is added.
        max_iter: Number of trees.
        max_depth: Of a tree.
        max_leaf_nodes: Of a tree.
        min_samples_leaf: Images in a leaf, at least.
        l2_regularization: Penalty on the leaves' values.
    """

    learning_rate: float
    max_iter: int
    max_depth: int
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> Boosted:
        """Fit on N embeddings, float32 (N, D). Raises ValueError for fewer than two images of a class.

        `seed` draws the images that thresholds are placed by where there are more than 200,000, and nothing else.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        require_both(labels)
        model = HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            max_depth=self.max_depth,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            categorical_features=None,
            class_weight="balanced",
            early_stopping=False,
            random_state=seed,
        )
        with threadpool_limits(1):  # sums over threads would round otherwise on every machine
            return Boosted.of(model.fit(embeddings, labels))
