"""Logistic regression on a frozen DINOv2, which was trained on images without text.

DINOv2 (Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", TMLR 2024, arXiv 2304.07193) in
place of CLIP, as Saland's internship report (SIGMA, CRIStAL, 2024) tries it: the class token of ViT-L/14, read as
`clip_probe` reads CLIP. Crops are cut and not resized, at 224 pixels; position embeddings are interpolated by timm,
with antialiasing, which DINOv2's code does without.

The small setting reads a small vision transformer that the project trains itself by DINO on rendered scenes. Its class
token holds no information on generators, so that the mean and deviation of each block's patch tokens are read too. Most
of theirs comes from the half whitened patch embedding that its training starts from: see the card of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Runtime, Setting, Size
from detectors.embedders.frozen_embedder import Centre, FrozenEmbedder, TorchEmbedder
from detectors.embedders.onnx_tower import OnnxOptions, is_onnx
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import HeadRecipe, HeadVariant
from detectors.network_kinds import UsesBackend
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD
from detectors.types import NetworkKind
from detectors.weight_file import WeightFile
from detectors.weights.files import HubFile, LocalFile, ShippedFile
from detectors.weights.locations import shipped_card

if TYPE_CHECKING:
    from torch import nn

    from detectors.embedders.dino_tower import DinoPooling, DinoTower

SMALL_MODEL = "small_dino"
MODEL = "vit_large_patch14_dinov2.lvd142m"
SIDE = 224
C = 1.0  # in the small setting by cross-validation on the train split of the embedded corpus


class DinoEmbedder(TorchEmbedder):
    """A frozen vision transformer: columns of the class token, then of the pooled tokens of each block, float32."""

    def __init__(self, tower: DinoTower, pooling: DinoPooling, runtime: Runtime, *, pad: bool) -> None:
        from detectors.embedders.dino_tower import embedding_length

        policy = "pad" if pad else "enlarge"
        sizes = f"{tower.weights.sha256[:16]}.{tower.side}"
        key = f"dino.1.{tower.name}.{sizes}.{pooling}.{policy}.{runtime.precision}"
        statistics = IMAGENET_MEAN, IMAGENET_STD
        super().__init__(key, embedding_length(tower, pooling), Centre(tower.side, pad), statistics, runtime)
        self._tower = tower
        self._pooling: DinoPooling = pooling

    def load(self) -> nn.Module:
        """The tower with all columns, on its device."""
        from detectors.embedders.dino_tower import DinoTokens, load_tower

        return DinoTokens(load_tower(self._tower, self._runtime), self._pooling)


@dataclass(frozen=True, kw_only=True)
class DinoVariant(HeadVariant):
    """The probe in one setting.

    Attributes:
        weight_file: The tower's weights.
        tower: Makes the tower, with its own weights or those of a file.
        network: Makes the vision transformer, without weights.
        pooling: The tokens that are read.
        pad: Whether smaller images are padded with black, or enlarged.
    """

    weight_file: WeightFile
    tower: Callable[[str | None], DinoTower]
    network: Callable[[], nn.Module]
    pooling: DinoPooling
    pad: bool
    front_end: str = "8-bit pixels, normalised in float32"


def _large_tower(weights: str | None) -> DinoTower:
    from detectors.embedders.dino_tower import find_tower

    return find_tower(MODEL, weights, SIDE)


def _large_network() -> nn.Module:
    from detectors.embedders.dino_tower import meta_network

    return meta_network(MODEL, None)


def _small_tower(weights: str | None) -> DinoTower:
    from detectors.embedders.dino_tower import shipped_tower

    return shipped_tower(SMALL_MODEL, weights)


def _small_network() -> nn.Module:
    from detectors.embedders.dino_tower import meta_network

    return meta_network(SMALL_MODEL, shipped_card(SMALL_MODEL)["network"])


@dataclass(frozen=True)
class DinoProbe(OnnxOptions, HeadRecipe, UsesBackend):
    """Logistic regression on a frozen DINOv2.

    Attributes:
        weights: The path of a file, which may be an image tower in ONNX; None is the hub's in the paper setting, the
            shipped one in the small setting.
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
    )
    variants: ClassVar[Mapping[Setting, DinoVariant]] = {
        "paper": DinoVariant(
            trained_on="head: the train subset of the run; tower: LVD-142M",
            input_size="224x224",
            input_policy="centre crop without resize; smaller images are padded with black",
            size=Size(304_367_616, 81.0),
            weight_file=HubFile(f"timm/{MODEL}"),
            tower=_large_tower,
            network=_large_network,
            pooling="class",
            pad=True,
            head=Logistic(C),
        ),
        "small": DinoVariant(
            trained_on="head: the train subset of the run; tower: rendered scenes, without labels",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(153_984, 0.0112),
            weight_file=ShippedFile(SMALL_MODEL),
            tower=_small_tower,
            network=_small_network,
            pooling="spread",
            pad=False,
            head=Logistic(C),
        ),
    }

    @property
    def differentiable(self) -> bool:
        """Whether the tower is one of torch, and images are shown as published."""
        return self.input == "published" and not is_onnx(self.weights)

    @property
    def own_network_kinds(self) -> frozenset[NetworkKind]:
        """A vision transformer, unless the tower is an ONNX file, which onnxruntime computes whatever the backend."""
        return frozenset() if is_onnx(self.weights) else frozenset({"transformer"})

    def own_weight_files(self) -> tuple[WeightFile, ...]:
        """The tower's weights."""
        if self.weights is not None:
            return (LocalFile(Path(self.weights)),)
        return (self.variant.weight_file,)

    def network(self) -> nn.Module:
        """The vision transformer, without weights."""
        return self.variant.network()

    def embedder(self, runtime: Runtime) -> FrozenEmbedder:
        """The frozen tower.

        Raises:
            Unavailable: Its weights are missing, or it was given an option that does nothing for it.
        """
        if self.weights is not None and is_onnx(self.weights):
            return self.onnx_embedder(Path(self.weights), pad=self.variant.pad)
        self.refuse_onnx_options("statistics")
        return DinoEmbedder(self.variant.tower(self.weights), self.variant.pooling, runtime, pad=self.variant.pad)
