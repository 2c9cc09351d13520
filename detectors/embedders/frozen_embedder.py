"""Embedders that are one frozen network on the centre of an image: batches are cut into chunks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from detectors.api import Array, Embedder, Embeddings, Runtime, Sample
from detectors.network_kinds import UsesBackend
from detectors.preprocessing.augmentation import ChannelValues, padded_centre
from detectors.preprocessing.crops import centre_square
from detectors.types import NetworkKind

if TYPE_CHECKING:
    from torch import Tensor, nn

    from detectors.architectures.support.front_end import Body

CPU_CHUNK = 4  # images per forward pass: their maps stay in a processor's caches, and in memory that is used again
GPU_CHUNK = 32  # images per forward pass on an accelerator


@dataclass(frozen=True, slots=True)
class Centre:
    """The square in the middle of an image that a network reads.

    Attributes:
        side: In pixels.
        pad: Whether smaller images are padded with black, or enlarged.
    """

    side: int
    pad: bool


class FrozenEmbedder(Embedder):
    """A frozen network on the centre of an image: a subclass gives `features`.

    Args:
        key: As `Embedder.key`.
        dim: As `Embedder.dim`.
        centre: What it reads of an image.
        device: Where the network computes.
    """

    def __init__(self, key: str, dim: int, centre: Centre, device: str = "cpu") -> None:
        self.key = key
        self.dim = dim
        self._centre = centre
        self._chunk = CPU_CHUNK if device == "cpu" else GPU_CHUNK

    @abstractmethod
    def features(self, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""

    def prepare(self, sample: Sample) -> Array:
        """The centre, uint8 (side, side, 3), not resampled where the image is large enough."""
        return (padded_centre if self._centre.pad else centre_square)(sample.pixels, self._centre.side)

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Embed N prepared arrays as float32 (N, dim); the first call reads the weights."""
        chunks = [batch[start : start + self._chunk] for start in range(0, len(batch), self._chunk)]
        return np.concatenate([np.zeros((0, self.dim), np.float32), *map(self.features, chunks)])


class TorchEmbedder(FrozenEmbedder, UsesBackend):
    """A frozen vision transformer of torch: a subclass gives `load`.

    Args:
        key: As `Embedder.key`.
        dim: As `Embedder.dim`.
        centre: What it reads of an image.
        statistics: Mean and deviation by which images are normalised.
        runtime: Where and how precisely it computes.

    Attributes:
        device: Where it computes.
    """

    def __init__(
        self, key: str, dim: int, centre: Centre, statistics: tuple[ChannelValues, ChannelValues], runtime: Runtime
    ) -> None:
        super().__init__(key, dim, centre, runtime.device)
        self.device = runtime.device
        self._statistics = statistics
        self._runtime = runtime
        self._loaded: tuple[nn.Module, Body] | None = None
        self._lock = Lock()

    @property
    def own_network_kinds(self) -> frozenset[NetworkKind]:
        """A vision transformer."""
        return frozenset({"transformer"})

    @abstractmethod
    def load(self) -> nn.Module:
        """A network from normalised images, float32 (N, 3, side, side), to embeddings (N, dim).

        It is on its device, and its weights were loaded strictly.
        """

    def features(self, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""
        import torch

        from detectors.architectures.support.forward_pass import normalised, pixels_on_device
        from detectors.architectures.support.torch_contexts import deterministic

        _, body = self._network()
        pixels = pixels_on_device(images, self.device)
        with torch.inference_mode(), deterministic():
            array: Embeddings = body(normalised(pixels, *self._statistics)).float().cpu().numpy()
        return array

    def embed_floats(self, images: Tensor) -> Tensor:
        """As `DifferentiableEmbedder.embed_floats`: without rounding, in float32."""
        from detectors.architectures.support.forward_pass import standardised

        network, _ = self._network()
        embeddings: Tensor = network(standardised(self.centre_of_floats(images), *self._statistics))
        return embeddings.float()

    def centre_of_floats(self, images: Tensor) -> Tensor:
        """As `prepare` of images as tensors, float (N, 3, H, W) in [0, 1], without rounding: (N, 3, side, side)."""
        from detectors.preprocessing import float_images

        crop = float_images.padded_centre if self._centre.pad else float_images.centre_square
        return crop(images, self._centre.side)

    def _network(self) -> tuple[nn.Module, Body]:
        """The network, and its body as the runtime computes it; the first call reads the weights."""
        from detectors.architectures.support.forward_pass import runtime_body

        with self._lock:
            if self._loaded is None:
                network = self.load()
                self._loaded = network, runtime_body(network, "transformer", self._runtime)
            return self._loaded
