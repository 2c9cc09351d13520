"""Embedders that compute on tensors: batches are cut into chunks that suit the device."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detectors.api import Array, Embedder, Embeddings, Runtime

if TYPE_CHECKING:
    from torch import Tensor

CPU_CHUNK = 8  # images: a chunk stays in the processor's cache
GPU_CHUNK = 256  # images: a chunk occupies the device


class TensorEmbedder(Embedder):
    """An embedder without weights: a subclass gives `prepare` and `features`.

    It computes in float32 whatever the precision: unlike a network, such features do not tolerate rounding.
    """

    def __init__(self, key: str, dim: int, runtime: Runtime) -> None:
        self.key = key
        self.dim = dim
        self._device = runtime.device
        self._chunk = CPU_CHUNK if runtime.device == "cpu" else GPU_CHUNK

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Features, float32 (N, dim), of N stacked prepared arrays on the device; N is at least 1."""

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Embed N prepared arrays as float32 (N, dim); N may be 0."""
        import torch

        from detectors.architectures.support.forward_pass import pixels_on_device
        from detectors.architectures.support.torch_contexts import deterministic

        embeddings = np.empty((len(batch), self.dim), np.float32)
        with torch.inference_mode(), deterministic():
            for start in range(0, len(batch), self._chunk):
                images = pixels_on_device(batch[start : start + self._chunk], self._device)
                embeddings[start : start + len(images)] = self.features(images).cpu().numpy()
        return embeddings
