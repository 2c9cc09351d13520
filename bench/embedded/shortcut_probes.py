"""Probes of shortcuts that a detector must not learn: classifiers of file size, mean colour and tiny thumbnails.

A corpus whose classes differ in such things measures the shortcut, not the detector (Grommelt et al., "Fake or JPEG?",
arXiv 2403.17608). Tiny networks shift colours locally, which thumbnails show and the mean and spread of colours do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Features = NDArray[np.float64]


def _bytes(path: Path, pixels: NDArray[np.uint8]) -> Features:
    del pixels
    return np.array([path.stat().st_size], dtype=np.float64)


def _colour(path: Path, pixels: NDArray[np.uint8]) -> Features:
    del path
    return np.concatenate([pixels.mean((0, 1)), pixels.std((0, 1))])


def _thumbnail(path: Path, pixels: NDArray[np.uint8]) -> Features:
    del path
    return cv2.resize(pixels, (16, 16), interpolation=cv2.INTER_AREA).ravel().astype(np.float64)


def _forest() -> Any:  # noqa: ANN401 - scikit-learn has no types
    return RandomForestClassifier(100, max_depth=3, random_state=0)


def _linear() -> Any:  # noqa: ANN401 - scikit-learn has no types
    return make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=500))


@dataclass(frozen=True)
class ShortcutProbe:
    """One shortcut.

    Attributes:
        features: From a file and its pixels, uint8 (H, W, 3), to features (D,).
        classifier: Makes an untrained scikit-learn classifier.
        bound: Upper bound of its mean accuracy over all generators of the default corpus: the accuracy that was
            measured when the corpus was designed plus 3 standard errors of 1600 images, which are 0.0375.
    """

    features: Callable[[Path, NDArray[np.uint8]], Features]
    classifier: Callable[[], Any]
    bound: float


PROBES = {
    "bytes": ShortcutProbe(_bytes, _forest, 0.528 + 0.0375),
    "colour": ShortcutProbe(_colour, _forest, 0.504 + 0.0375),
    "thumbnail": ShortcutProbe(_thumbnail, _linear, 0.529 + 0.0375),
}


def _read(folder: Path) -> tuple[dict[str, Features], NDArray[np.int64]]:
    """Features (N, D) of every probe, and labels (N,), 0 nature, 1 ai, of the images in one split of one generator."""
    paths = [(path, label) for label, name in enumerate(("nature", "ai")) for path in sorted((folder / name).iterdir())]
    rows: dict[str, list[Features]] = {name: [] for name in PROBES}
    for path, _ in paths:
        pixels = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        for name, probe in PROBES.items():
            rows[name].append(probe.features(path, pixels))
    return {name: np.stack(row) for name, row in rows.items()}, np.array([label for _, label in paths], dtype=np.int64)


def accuracies(root: Path) -> dict[str, dict[str, float]]:
    """Accuracy of each probe on each generator: fitted on its training images, tested on its validation images.

    Args:
        root: A corpus in GenImage's layout.

    Returns:
        Probe to generator to accuracy, from 0 to 1.
    """
    result: dict[str, dict[str, float]] = {name: {} for name in PROBES}
    for generator in sorted(path for path in root.iterdir() if path.is_dir()):
        (train, train_labels), (val, val_labels) = _read(generator / "train"), _read(generator / "val")
        for name, probe in PROBES.items():
            fitted = probe.classifier().fit(train[name], train_labels)
            result[name][generator.name] = float((fitted.predict(val[name]) == val_labels).mean())
    return result
