"""Functions of embeddings that treat each row by itself: a score never depends on the rest of its batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.api import Embeddings


def unit(embeddings: Embeddings) -> Embeddings:
    """Rows of length 1, float32 (N, D); rows of zeros stay."""
    lengths = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
    rows: Embeddings = (embeddings / np.where(lengths == 0, 1, lengths)[:, None]).astype(np.float32)
    return rows


def each_row(
    function: Callable[[NDArray[np.float32]], NDArray[np.float64]], embeddings: Embeddings, width: int
) -> NDArray[np.float64]:
    """Apply a function to each row by itself, float64 (N, width): a product of a batch may round rows differently."""
    made = np.empty((len(embeddings), width))
    for index, row in enumerate(embeddings):
        made[index] = function(np.ascontiguousarray(row))
    return made
