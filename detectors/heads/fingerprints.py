"""A head that knows each source by its fingerprint: the mean noise residual of its training images.

Marra, Gragnaniello, Verdoliva and Poggi, "Do GANs leave artificial fingerprints?", MIPR 2019, arXiv 1812.11842. What
scene content left in a residual cancels out in the mean over many images, what the source put there stays. An image
belongs to the source whose fingerprint its residual correlates with most; it is generated if that is a generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from detectors.api import Embeddings, Labels, Scores
from detectors.heads.array_heads import require_both
from detectors.heads.linear import FOLDS, Vector, platt_slope


@dataclass(frozen=True)
class Fingerprints:
    """Fitted fingerprints of S sources.

    Attributes:
        patterns: float32 (S, D), of unit length; 0 for a source that left nothing.
        generated: int64 (S,), 1 for a generator, 0 for real images.
        slope: float64 (), above 0: turns the lead in correlation into a log odds, and moves no decision.
    """

    patterns: NDArray[np.float32]
    generated: Labels
    slope: Vector

    @classmethod
    def of(cls, embeddings: Embeddings, labels: Labels, generators: Sequence[str]) -> Fingerprints:
        """Mean residuals of real images and of each generator's. Raises ValueError unless both classes are there."""
        sources = [(1, name) if label else (0, "") for label, name in zip(labels, generators, strict=True)]
        known = sorted(set(sources))
        number = np.array([known.index(source) for source in sources])
        means = [embeddings[number == one].mean(0, dtype=np.float64) for one in range(len(known))]
        return cls(_unit(np.array(means)).astype(np.float32), np.array([label for label, _ in known]), np.array(1.0))

    def leads(self, embeddings: Embeddings) -> Vector:
        """By how much the likest generator correlates more than real images do, float64 (N,), from -2 to 2."""
        sums = np.einsum("nd,sd->ns", embeddings, self.patterns, dtype=np.float64)
        lengths = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
        correlations = sums / np.where(lengths > 0, lengths, 1)[:, None]
        ours, theirs = correlations[:, self.generated == 1], correlations[:, self.generated == 0]
        return np.asarray(ours.max(1) - theirs.max(1), np.float64)

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N residuals, float32 (N, D)."""
        return np.asarray(expit(self.slope * self.leads(embeddings)), np.float32)


def fit(embeddings: Embeddings, labels: Labels, generators: Sequence[str], seed: int) -> Fingerprints:
    """Fingerprints of N residuals, float32 (N, D), their slope fitted on leads of images that were held out.

    An image correlates with a mean that it is part of: the slope cannot be taken from the training images themselves.

    Args:
        embeddings: The residuals.
        labels: Per image, 0 real or 1 generated.
        generators: Per image, the generator that made it.
        seed: Draws the folds and nothing else.

    Raises:
        ValueError: There are fewer than two images of a class.
    """
    from sklearn.model_selection import StratifiedKFold

    require_both(labels)
    leads = np.empty(len(labels))
    folds = StratifiedKFold(min(FOLDS, np.bincount(labels).min()), shuffle=True, random_state=seed)
    for rest, held_out in folds.split(labels, labels):
        leads[held_out] = Fingerprints.of(embeddings[rest], labels[rest], [generators[one] for one in rest]).leads(
            embeddings[held_out]
        )
    whole = Fingerprints.of(embeddings, labels, generators)
    return Fingerprints(whole.patterns, whole.generated, platt_slope(leads, labels))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float64)
