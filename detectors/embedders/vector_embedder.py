"""Embedders that compute the embedding of an image as they prepare it: on the CPU, one image at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.api import Array, Embedder, Embeddings


class VectorEmbedder(Embedder):
    """An embedder whose prepared array is the embedding itself, float32 (dim,): a subclass gives `prepare`."""

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Stack N prepared arrays, float32 (N, dim)."""
        return np.array(batch, np.float32).reshape(-1, self.dim)
