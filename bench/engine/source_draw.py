"""Which images of a subset are of sources that are drawn."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.engine.caching.embedding_files import Hashes
from detectors.types import Array
from protocols.api import SourceDraw


def drawn_images(draw: SourceDraw, labels: Array, sources: Array, hashes: Hashes) -> NDArray[np.bool_]:
    """Which images are of the sources that a draw holds out, whatever they are called and in whatever order they come.

    Sources come in the order of a hash of the seed and their lowest content, each as long as a class that it has images
    of lacks some; so both classes are drawn from the sources that they share.

    Args:
        draw: The draw.
        labels: Integers (N,), 0 real, 1 generated.
        sources: Strings (N,), the source of each image.
        hashes: Content hash of each image, uint8 (N, 32).

    Returns:
        Bools (N,); `draw.drawn` does not matter.
    """
    codes, names = pd.factorize(np.asarray(sources, dtype=object))
    order = np.lexsort((*hashes.T[::-1], codes))
    first = order[np.append(True, np.diff(codes[order]) > 0)]  # the lowest content of each source
    places = [sha256(f"{draw.seed}/".encode() + hashes[row].tobytes()).digest() for row in first]
    counts = np.stack([np.bincount(codes[labels == label], minlength=len(names)) for label in (0, 1)], axis=1)
    missing = np.maximum(1, np.round(draw.share * counts.sum(axis=0)))
    chosen = np.zeros(len(names), bool)
    for source in sorted(range(len(names)), key=places.__getitem__):
        if (missing[counts[source] > 0] > 0).any():
            chosen[source] = True
            missing -= counts[source]
    drawn: NDArray[np.bool_] = chosen[codes]
    return drawn
