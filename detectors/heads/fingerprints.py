"""A head that identifies each source by its fingerprint: the mean noise residual of its training images.

Marra, Gragnaniello, Verdoliva and Poggi, "Do GANs leave artificial fingerprints?", MIPR 2019, arXiv 1812.11842. In the
mean over many images the traces of scene content cancel out and those of the source remain. An image belongs to the
source whose fingerprint its residual correlates with most; it is generated if that is a generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from detectors.api import Embeddings, Labels, Scores
from detectors.heads.array_heads import require_both_classes
from detectors.heads.linear import FOLDS, Vector, platt_slope


@dataclass(frozen=True)
class Fingerprints:
    """Fitted fingerprints of S sources.

    Attributes:
        patterns: float32 (S, D), rows of unit length; 0 where a mean residual is 0.
        generated: int64 (S,), 1 for a generator, 0 for real images.
        slope: float64 (), above 0: turns the margin in correlation into log odds, and changes no decision.
    """

    patterns: NDArray[np.float32]
    generated: Labels
    slope: Vector

    @classmethod
    def from_residuals(cls, embeddings: Embeddings, labels: Labels, generators: Sequence[str]) -> Fingerprints:
        """Mean residuals of the real images and of each generator's images; the slope is 1."""
        image_sources = [(1, name) if label else (0, "") for label, name in zip(labels, generators, strict=True)]
        sources = sorted(set(image_sources))
        rows = np.array([sources.index(source) for source in image_sources])
        means = np.array([embeddings[rows == row].mean(0, dtype=np.float64) for row in range(len(sources))])
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        patterns = (means / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return cls(patterns, np.array([label for label, _ in sources]), np.array(1.0))

    def margins(self, embeddings: Embeddings) -> Vector:
        """The largest correlation with a generator less that with real images, float64 (N,), from -2 to 2."""
        sums = np.einsum("nd,sd->ns", embeddings, self.patterns, dtype=np.float64)
        lengths = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
        correlations = sums / np.where(lengths > 0, lengths, 1)[:, None]
        generated, real = correlations[:, self.generated == 1], correlations[:, self.generated == 0]
        return np.asarray(generated.max(1) - real.max(1), np.float64)

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N residuals, float32 (N, D)."""
        return np.asarray(expit(self.slope * self.margins(embeddings)), np.float32)


def fit(embeddings: Embeddings, labels: Labels, generators: Sequence[str], seed: int) -> Fingerprints:
    """Fingerprints of N residuals, float32 (N, D), their slope fitted on margins of held-out images.

    An image correlates with a mean that it is part of: margins of the training images themselves would be too large.

    Args:
        embeddings: The residuals.
        labels: Per image, 0 real or 1 generated.
        generators: Per image, the generator that made it.
        seed: Draws the folds and nothing else.

    Raises:
        ValueError: There are fewer than two images of a class.
    """
    from sklearn.model_selection import StratifiedKFold

    require_both_classes(labels)
    margins = np.empty(len(labels))
    folds = StratifiedKFold(min(FOLDS, np.bincount(labels).min()), shuffle=True, random_state=seed)
    for rest, held_out in folds.split(labels, labels):
        of_rest = Fingerprints.from_residuals(embeddings[rest], labels[rest], [generators[row] for row in rest])
        margins[held_out] = of_rest.margins(embeddings[held_out])
    of_all = Fingerprints.from_residuals(embeddings, labels, generators)
    return Fingerprints(of_all.patterns, of_all.generated, platt_slope(margins, labels))
