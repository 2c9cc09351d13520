"""Self-distilled vision transformers of timm: loaded strictly, frozen; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from detectors.api import Runtime
from detectors.architectures.support.forward_pass import token_statistics
from detectors.weight_file import HashedFile, hashed_file
from detectors.weights.hub import hub_file
from detectors.weights.loading import load_strict
from detectors.weights.locations import shipped_card, shipped_file
from detectors.weights.reading import read

# the class token alone, or followed by mean and deviation of the patch tokens of each block ("spread")
DinoPooling = Literal["class", "spread"]


@dataclass(frozen=True, slots=True)
class DinoTower:
    """A vision transformer whose weights have been found but not read.

    Attributes:
        name: Of the model: timm's, or that of weights that ship with the package.
        network: Arguments of timm's `VisionTransformer`; None where timm knows the model by its name.
        weights: A file with exactly this network.
        side: Side of its square input, in pixels.
    """

    name: str
    network: Mapping[str, Any] | None
    weights: HashedFile
    side: int


def shipped_tower(name: str, source: str | None) -> DinoTower:
    """A tower that ships with the package, with its own weights or those of a file of the user's.

    Raises:
        Unavailable: The package was installed without it, or there is no such file.
    """
    network = shipped_card(name)["network"]
    weights = shipped_file(name) if source is None else hashed_file(Path(source))
    return DinoTower(name, network, weights, network["img_size"])


def find_tower(model: str, source: str | None, side: int) -> DinoTower:
    """A model of timm with its own weights from the hub or those of a file.

    Raises:
        Unavailable: There is no such file, or the hub cannot be reached.
    """
    weights = hub_file(f"timm/{model}", "model.safetensors") if source is None else hashed_file(Path(source))
    return DinoTower(model, None, weights, side)


def meta_network(model: str, network: Mapping[str, Any] | None) -> VisionTransformer:
    """A model of timm, or of the arguments of its `VisionTransformer`, on the meta device: without weights."""
    with torch.device("meta"):
        if network is not None:
            return VisionTransformer(**network)
        # position embeddings of the published resolution are interpolated to that of the images
        made = timm.create_model(model, pretrained=False, num_classes=0, dynamic_img_size=True)
        return cast("VisionTransformer", made)


def load_tower(tower: DinoTower, runtime: Runtime) -> VisionTransformer:
    """Build the network and load its weights strictly. Raises `WrongWeights` where the file does not fit exactly."""
    network = meta_network(tower.name, tower.network)
    load_strict(network, read(tower.weights), tower.weights.path)
    network.requires_grad_(requires_grad=False).eval().to(runtime.device)
    return network


def embedding_length(tower: DinoTower, pooling: DinoPooling) -> int:
    """Number of columns of `DinoTokens`."""
    network = meta_network(tower.name, tower.network)
    blocks = 2 * len(network.blocks) if pooling == "spread" else 0
    return int(network.embed_dim) * (1 + blocks)


class DinoTokens(nn.Module):
    """The columns that are read of a tower: the class token, then the pooled patch tokens.

    Args:
        network: As `load_tower` gives it.
        pooling: What is read of the tokens.
    """

    def __init__(self, network: nn.Module, pooling: DinoPooling) -> None:
        super().__init__()
        self.network = network
        self.pooling: DinoPooling = pooling

    def forward(self, images: Tensor) -> Tensor:
        """Columns (N, D) of images (N, 3, side, side), normalised with ImageNet's statistics."""
        final, blocks = self.network.forward_intermediates(images, output_fmt="NLC")  # type: ignore[operator]
        statistics = token_statistics(blocks) if self.pooling == "spread" else []
        return torch.cat([final[:, 0], *statistics], 1)
