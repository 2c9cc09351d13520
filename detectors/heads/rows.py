"""Functions of embeddings that treat each row by itself: a score never depends on the rest of its batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.api import Embeddings


def l2_normalise(embeddings: Embeddings) -> Embeddings:
    """Embeddings divided by their L2 norms, float32 (N, D); rows of zeros stay."""
    lengths = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
    rows: Embeddings = (embeddings / np.where(lengths == 0, 1, lengths)[:, None]).astype(np.float32)
    return rows


def map_rows(
    function: Callable[[NDArray[np.float32]], NDArray[np.float64]], embeddings: Embeddings, width: int
) -> NDArray[np.float64]:
    """Apply a function to each row by itself: a matrix product over a batch may round rows differently.

    Args:
        function: From float32 (D,) to float64 (width,), or to float64 () where `width` is 1.
        embeddings: float32 (N, D).
        width: Length of a result.

    Returns:
        float64 (N, width).
    """
    results = np.empty((len(embeddings), width))
    for index, row in enumerate(embeddings):
        results[index] = function(np.ascontiguousarray(row))
    return results
