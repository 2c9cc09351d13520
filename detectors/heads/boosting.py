"""Boosted decision trees: scikit-learn fits and evaluates them, skops serialises them.

Histogram-based gradient boosting after Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree",
NeurIPS 2017, as scikit-learn's HistGradientBoostingClassifier fits it.

skops builds only classes that it knows to be harmless and those named as trusted. Here one is named, the tree; it is
not trusted by default because scikit-learn follows a tree's nodes without checking their indices: a forged file could
read any memory. So the nodes of a file are validated before the model is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from detectors.api import Array, Embeddings, Labels, Scores
from detectors.heads.array_heads import require_both_classes

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

TREE_CLASS = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
SCHEMA = "schema.json"  # the member of a skops file that describes its objects; each array is a member of its own
ADDRESS_PATTERN = re.compile(r'(?<="__id__": )\d+|(?<="file": ")\d+(?=\.npy")')


@dataclass(frozen=True)
class BoostedTrees:
    """A fitted two-class model without categories.

    Attributes:
        saved: uint8 (B,), the model as a skops file.

    Raises:
        ValueError: The file holds anything else.
    """

    saved: NDArray[np.uint8]

    def __post_init__(self) -> None:
        _ = self.model  # an invalid file is refused here, not at the first image

    @classmethod
    def from_model(cls, model: HistGradientBoostingClassifier) -> BoostedTrees:
        """Serialise a fitted model."""
        from skops.io import dumps

        return cls(np.frombuffer(canonical_bytes(dumps(model)), np.uint8))

    @cached_property
    def model(self) -> HistGradientBoostingClassifier:
        """The model, read from its file."""
        return load_model(self.saved.tobytes())

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N embeddings, float32 (N, D)."""
        if not len(embeddings):
            return np.empty(0, np.float32)
        with threadpool_limits(1):
            return np.asarray(self.model.predict_proba(embeddings)[:, 1], np.float32)


def canonical_bytes(saved: bytes) -> bytes:
    """A skops file whose bytes depend on its model alone: addresses in memory become numbers, times are left out."""
    with ZipFile(BytesIO(saved)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, int] = {}
    schema = ADDRESS_PATTERN.sub(
        lambda found: str(numbers.setdefault(found[0], len(numbers))), members.pop(SCHEMA).decode()
    ).encode()
    arrays = sorted((numbers[name.removesuffix(".npy")], content) for name, content in members.items())
    rewritten = BytesIO()
    with ZipFile(rewritten, "w") as archive:
        for name, content in [(SCHEMA, schema), *((f"{number}.npy", content) for number, content in arrays)]:
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return rewritten.getvalue()


def load_model(saved: bytes) -> HistGradientBoostingClassifier:
    """The model in a skops file. Raises ValueError for anything else."""
    try:
        return _build_model(saved)
    except (ValueError, TypeError, KeyError, AttributeError, BadZipFile) as error:
        found = str(error).partition("\n")[0]
        msg = f"these are no boosted trees as this version saves them ({found}): fit the detector again"
        raise ValueError(msg) from error


def _build_model(saved: bytes) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from skops.io import loads

    model = loads(saved, trusted=[TREE_CLASS])
    if not isinstance(model, HistGradientBoostingClassifier):
        msg = f"found {type(model).__name__}"
        raise TypeError(msg)
    require_valid_trees(saved, int(model.n_features_in_))
    return model


def require_valid_trees(saved: bytes, columns: int) -> None:
    """Raise ValueError unless every node of every tree has children in its tree and reads one of `columns` columns."""
    with ZipFile(BytesIO(saved)) as archive:
        arrays = [np.load(BytesIO(archive.read(name))) for name in archive.namelist() if name != SCHEMA]
    for nodes in arrays:
        if nodes.dtype.names and not _is_valid_tree(nodes, columns):
            msg = "a tree has nodes that lead nowhere"
            raise ValueError(msg)


def _is_valid_tree(nodes: Array, columns: int) -> bool:
    """Whether children come after their parents, so that every path ends, and all indices are in range."""
    inner = nodes[nodes["is_leaf"] == 0]
    parents = np.flatnonzero(nodes["is_leaf"] == 0)
    children = np.stack([inner["left"], inner["right"]])
    features = (inner["feature_idx"] >= 0) & (inner["feature_idx"] < columns) & (inner["is_categorical"] == 0)
    return len(nodes) > 0 and bool(features.all() and (children > parents).all() and (children < len(nodes)).all())


@dataclass(frozen=True)
class GradientBoosting:
    """Histogram-based gradient boosting without early stopping, both classes weighted equally; scikit-learn's names.

    Attributes:
        learning_rate: Share of each tree that is added.
        max_iter: Number of trees.
        max_depth: Largest depth of a tree.
        max_leaf_nodes: Largest number of leaves of a tree.
        min_samples_leaf: Smallest number of images in a leaf.
        l2_regularization: Penalty on the leaves' values.
    """

    learning_rate: float
    max_iter: int
    max_depth: int
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float

    def fit(self, embeddings: Embeddings, labels: Labels, seed: int) -> BoostedTrees:
        """Fit on N embeddings, float32 (N, D). Raises ValueError for fewer than two images of a class.

        `seed` draws the images that thresholds are chosen on where there are more than 200,000, and nothing else.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        require_both_classes(labels)
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
        with threadpool_limits(1):  # sums over several threads round differently from machine to machine
            return BoostedTrees.from_model(model.fit(embeddings, labels))
