"""Frozen CLIP image towers as embedders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from detectors.api import Runtime
from detectors.embedders.frozen_embedder import Centre, FrozenEmbedder, TorchEmbedder

if TYPE_CHECKING:
    from torch import nn

    from detectors.embedders.clip_tower import ClipPooling, ClipTower


class ImageTowerEmbedder(FrozenEmbedder):
    """A frozen image tower.

    Attributes:
        projected: Length of the final embedding, which comes first.
    """

    projected: int


class ClipEmbedder(TorchEmbedder, ImageTowerEmbedder):
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
        dim = self.projected + tower.tokens(pooling)
        super().__init__(key, dim, Centre(tower.side, pad), (tower.mean, tower.std), runtime)
        self.tower = tower
        self._pooling: ClipPooling = pooling

    def load(self) -> nn.Module:
        """The tower with all columns, on its device."""
        from detectors.embedders.clip_tower import TowerColumns, load_tower

        network = load_tower(self.tower, self._runtime, project=self._pooling != "unprojected")
        return TowerColumns(network, self.tower, self._pooling)


# in the small setting all recipes share one embedder; in the paper's, those that read the final embedding alone share
# one that stores nothing else
FINAL_EMBEDDING = partial(ClipEmbedder, pooling="none", pad=True)
CLASS_TOKENS = partial(ClipEmbedder, pooling="class", pad=True)
NORMALISED_CLASS_TOKENS = partial(ClipEmbedder, pooling="normalised", pad=True)
TOKEN_STATISTICS = partial(ClipEmbedder, pooling="spread", pad=False)
