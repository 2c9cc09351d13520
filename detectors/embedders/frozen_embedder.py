"""Embedders that are one frozen network: weights are read once, at first use, and batches are cut into chunks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from detectors.api import Array, Embedder, Embeddings, Sample
from detectors.preprocessing.augmentation import padded_centre
from detectors.preprocessing.crops import centre_square

if TYPE_CHECKING:
    from torch import Tensor, nn

CPU_CHUNK = 4  # images per forward pass: their maps stay in a processor's caches, and in memory that is used again
GPU_CHUNK = 32  # images per forward pass on an accelerator


class FrozenEmbedder(Embedder):
    """A frozen network on the centre of an image: a subclass gives `load` and `features`.

    Args:
        key: As `Embedder.key`.
        dim: As `Embedder.dim`.
        side: Side of the centre crop, in pixels.
        pad: Whether smaller images are padded with black, or enlarged.
        device: Where the network computes.

    Attributes:
        device: The same.
    """

    def __init__(self, key: str, dim: int, side: int, *, pad: bool, device: str = "cpu") -> None:
        self.key = key
        self.dim = dim
        self._side = side
        self._pad = pad
        self.device = device
        self._chunk = CPU_CHUNK if device == "cpu" else GPU_CHUNK
        self._network: nn.Module | None = None
        self._lock = Lock()

    @abstractmethod
    def load(self) -> nn.Module:
        """The network on its device, its weights loaded strictly."""

    @abstractmethod
    def features(self, network: nn.Module, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""

    def prepare(self, sample: Sample) -> Array:
        """The centre, uint8 (side, side, 3), not resampled where the image is large enough."""
        return (padded_centre if self._pad else centre_square)(sample.pixels, self._side)

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Embed N prepared arrays as float32 (N, dim); the first call reads the weights."""
        network = self.loaded_network()
        chunks = [batch[start : start + self._chunk] for start in range(0, len(batch), self._chunk)]
        parts = [self.features(network, chunk) for chunk in chunks]
        return np.concatenate([np.zeros((0, self.dim), np.float32), *parts])

    def centre_of_floats(self, images: Tensor) -> Tensor:
        """As `prepare` of images as tensors, float (N, 3, H, W) in [0, 1], without rounding: (N, 3, side, side)."""
        from detectors.preprocessing import float_images

        crop = float_images.padded_centre if self._pad else float_images.centre_square
        return crop(images, self._side)

    def loaded_network(self) -> nn.Module:
        """The network; the first call reads the weights."""
        with self._lock:
            if self._network is None:
                self._network = self.load()
            return self._network
