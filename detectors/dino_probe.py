"""Logistic regression on a frozen DINOv2, which has seen images and no text.

DINOv2 (Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", TMLR 2024, arXiv 2304.07193) in
place of CLIP, as Saland's internship report (SIGMA, CRIStAL, 2024) tries it: the class token of ViT-L/14, read as
`clip_probe` reads CLIP. Crops are cut and not resized, at 224 pixels; positions are interpolated by timm, with
antialiasing, which DINOv2's code does without.

The small setting reads a small vision transformer that the project trains itself by DINO on rendered scenes. Its
class token says nothing of a generator, so that the mean and deviation of each block's patch tokens are read too. Most
of what they tell lies in the half whitened patch embedding that its training starts from: see the card of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Array, Card, Embeddings, Runtime, Size
from detectors.frozen import FrozenEmbedder
from detectors.heads import Logistic, ProbeRecipe
from detectors.sources import Hub, Local, Shipped, Source
from detectors.weights import shipped_card

if TYPE_CHECKING:
    from torch import nn

    from detectors.dino_tower import DinoTower, Pooling

SMALL = "small_dino"
MODEL = "vit_large_patch14_dinov2.lvd142m"
SIDE = 224
C = 1.0  # in the small setting by cross-validation on the train split


class DinoEmbedder(FrozenEmbedder):
    """A frozen vision transformer: [class token | what is read from each block], float32."""

    def __init__(self, tower: DinoTower, pooling: Pooling, runtime: Runtime, *, pad: bool) -> None:
        from detectors.dino_tower import length

        policy = "pad" if pad else "enlarge"
        sizes = f"{tower.weights.sha256[:16]}.{tower.side}"
        key = f"dino.1.{tower.name}.{sizes}.{pooling}.{policy}.{runtime.precision}"
        super().__init__(key, length(tower, pooling), tower.side, pad=pad)
        self._tower = tower
        self._pooling: Pooling = pooling
        self._runtime = runtime

    def load(self) -> nn.Module:
        """The network."""
        from detectors.dino_tower import load_tower

        return load_tower(self._tower, self._runtime)

    def features(self, network: nn.Module, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""
        from detectors.dino_tower import features

        return features(network, self._pooling, images, self._runtime)


@dataclass(frozen=True)
class DinoProbe(ProbeRecipe):
    """Logistic regression on a frozen DINOv2.

    Attributes:
        weights: The path of a file; None is the hub's in the paper setting, the project's own in the small one.
    """

    weights: str | None = field(default=None, metadata={"file": True})
    card: ClassVar[Card] = Card(
        name="dino_probe",
        family="foundation",
        year=2024,
        version=1,
        title="DINOv2 linear probe",
        paper="Oquab et al., DINOv2, TMLR 2024, arXiv 2304.07193; Saland, internship report on CLIP detectors, SIGMA,"
        " CRIStAL, 2024",
        upstream="https://github.com/facebookresearch/dinov2 (nothing copied)",
        licence="Apache-2.0; weights as their owners say (DINOv2: Apache-2.0)",
        trained_on="head: the train subset of the run; tower: LVD-142M (small: rendered scenes, without labels)",
        input_size="224x224 (small: 128x128)",
        input_policy="centre crop without resize; smaller images are padded with black (small: enlarged bilinearly)",
        sizes={"paper": Size(304_367_616, 81.0), "small": Size(153_984, 0.0112)},
    )

    def own_sources(self) -> tuple[Source, ...]:
        """The tower's weights."""
        if self.weights is not None:
            return (Local(Path(self.weights)),)
        return (Hub(f"timm/{MODEL}"),) if self.setting == "paper" else (Shipped(SMALL),)

    def network(self) -> nn.Module:
        """The vision transformer, without weights."""
        from detectors.dino_tower import bare

        return bare(MODEL, None) if self.setting == "paper" else bare(SMALL, shipped_card(SMALL)["network"])

    def embedder(self, runtime: Runtime) -> DinoEmbedder:
        """The frozen tower. Raises `Unavailable`, saying how to get them, when its weights are not here."""
        from detectors.dino_tower import find_tower, shipped_tower

        if self.setting == "paper":
            return DinoEmbedder(find_tower(MODEL, self.weights, SIDE), "class", runtime, pad=True)
        return DinoEmbedder(shipped_tower(SMALL, self.weights), "spread", runtime, pad=False)

    def head(self) -> Logistic:
        """Logistic regression."""
        return Logistic(C)
