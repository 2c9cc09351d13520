"""Frozen CLIP image towers as embedders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from detectors.api import Array, Embeddings, Runtime
from detectors.embedders.frozen_embedder import FrozenEmbedder

if TYPE_CHECKING:
    from torch import Tensor, nn

    from detectors.embedders.clip_tower import ClipPooling, ClipTower


class ImageTowerEmbedder(FrozenEmbedder):
    """A frozen image tower.

    Attributes:
        projected: Length of the final embedding, which comes first.
    """

    projected: int


class ClipEmbedder(ImageTowerEmbedder):
    """A frozen image tower: columns of the final embedding, then of the pooled tokens of each block, float32.

    Attributes:
        projected: Length of the final embedding, which comes first.
        tower: The tower itself.
    """

    def __init__(self, tower: ClipTower, runtime: Runtime, *, pooling: ClipPooling, pad: bool) -> None:
        policy = "pad" if pad else "enlarge"
        key = f"clip.1.{tower.name}.{tower.weights.sha256[:16]}.{pooling}.{policy}.{runtime.precision}"
        if tower.own_statistics:
            key += f".{tower.mean}.{tower.std}"
        self.projected = tower.width if pooling == "unprojected" else tower.projected
        super().__init__(key, self.projected + tower.tokens(pooling), tower.side, pad=pad, device=runtime.device)
        self.tower = tower
        self._pooling: ClipPooling = pooling
        self._runtime = runtime

    def load(self) -> nn.Module:
        """The network of the tower, on its device."""
        from detectors.embedders.clip_tower import load_tower

        return load_tower(self.tower, self._runtime, project=self._pooling != "unprojected")

    def features(self, network: nn.Module, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""
        from detectors.embedders.clip_tower import features

        return features(network, self.tower, self._pooling, images, self._runtime)

    def embed_floats(self, images: Tensor) -> Tensor:
        """As `DifferentiableEmbedder.embed_floats`."""
        from detectors.embedders.clip_tower import float_features

        return float_features(self.loaded_network(), self.tower, self._pooling, self.centre_of_floats(images))


# in the small setting all recipes share one embedder; in the paper's, those that read the final embedding alone share
# one that stores nothing else
FINAL_EMBEDDING = partial(ClipEmbedder, pooling="none", pad=True)
CLASS_TOKENS = partial(ClipEmbedder, pooling="class", pad=True)
NORMALISED_CLASS_TOKENS = partial(ClipEmbedder, pooling="normalised", pad=True)
TOKEN_STATISTICS = partial(ClipEmbedder, pooling="spread", pad=False)
