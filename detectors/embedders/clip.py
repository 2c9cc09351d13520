"""Frozen CLIP image towers, and what every recipe on top of one shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Embedder, Embeddings, Recipe, Runtime, Setting, Size, Unavailable, Variant
from detectors.embedders.frozen_embedder import FrozenEmbedder
from detectors.heads.linear import HeadRecipe, HeadVariant
from detectors.weight_file import WeightFile
from detectors.weights.files import LocalFile, ShippedFile
from detectors.weights.loading import shipped_card
from detectors.weights.open_clip import HUBS, OPENAI

if TYPE_CHECKING:
    from torch import nn

    from detectors.embedders.clip_tower import ClipPooling, Tower

EmbeddingPart = Literal[
    "final", "blocks"
]  # of an embedding: the tower's final embedding, or what is read from its blocks

SMALL = "small_clip"

# what the cards of several recipes say
PREPRINT = "Kilinkarov, Dorin and Grabovoy, Robust method for detecting machine-generated images, preprint"
REPORT = "Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024"
DATACOMP_LICENCE = "Apache-2.0; weights as their owners say (DataComp-1B CLIP: MIT)"
OPENAI_TOWER = "tower: WebImageText by OpenAI"
DATACOMP_TOWER = "tower: DataComp-1B"
RENDERED_TOWER = "tower: captioned rendered scenes"


class TowerCard(TypedDict):
    """What the variants on one tower have in common."""

    input_size: str
    input_policy: str
    size: Size  # of the tower alone: the heads on it are a layer or two


LARGE_TOWER: TowerCard = {
    "input_size": "224x224",
    "input_policy": "centre crop without resize; smaller images are padded with black",
    "size": Size(303_966_208, 81.0),
}
SMALL_TOWER: TowerCard = {
    "input_size": "128x128",
    "input_policy": "centre crop without resize; smaller images are enlarged bilinearly",
    "size": Size(1_313_280, 0.0895),
}


class ClipEmbedder(FrozenEmbedder):
    """A frozen image tower: [final embedding | what is read from each block], float32.

    Attributes:
        projected: Length of the final embedding, which comes first.
        tower: The tower itself.
    """

    def __init__(self, tower: Tower, runtime: Runtime, *, pooling: ClipPooling, pad: bool) -> None:
        policy = "pad" if pad else "enlarge"
        key = f"clip.1.{tower.name}.{tower.weights.sha256[:16]}.{pooling}.{policy}.{runtime.precision}"
        if tower.own_statistics:
            key += f".{tower.mean}.{tower.std}"
        self.projected = tower.width if pooling == "unprojected" else tower.projected
        super().__init__(key, self.projected + tower.tokens(pooling), tower.side, pad=pad)
        self.tower = tower
        self._pooling: ClipPooling = pooling
        self._runtime = runtime

    def load(self) -> nn.Module:
        """The tower's network."""
        from detectors.embedders.clip_tower import load_tower

        return load_tower(self.tower, self._runtime, project=self._pooling != "unprojected")

    def features(self, network: nn.Module, images: Sequence[Array]) -> Embeddings:
        """Embed at least one prepared array as float32 (N, dim)."""
        from detectors.embedders.clip_tower import features

        return features(network, self.tower, self._pooling, images, self._runtime)


# in the small setting all recipes have one embedder; in the paper's, those that read nothing but the final embedding
# have one that stores nothing else
FINAL = partial(ClipEmbedder, pooling="none", pad=True)
BLOCKS = partial(ClipEmbedder, pooling="class", pad=True)
SPREAD = partial(ClipEmbedder, pooling="spread", pad=False)


@dataclass(frozen=True, kw_only=True)
class ClipVariant(Variant):
    """What a recipe on a CLIP tower is in one setting.

    Attributes:
        embedder: Makes the frozen half of a tower.
        reads: Which part of the embeddings the head reads.
        shipped: Whether the tower is the project's own, unless the user names a model.
    """

    embedder: Callable[[Tower, Runtime], ClipEmbedder]
    reads: EmbeddingPart
    shipped: bool = False


@dataclass(frozen=True)
class ClipRecipe(Recipe):
    """What recipes on a CLIP tower share.

    Attributes:
        model: An open_clip model; None is the recipe's own in the paper setting, the project's in the small one.
        weights: One of the model's tags or the path of a file; None is the recipe's own tag, or the project's weights.
            Images are normalised as the tag says; for a file, as OpenAI's CLIP does.
    """

    model: str | None = None
    weights: str | None = field(default=None, metadata={"file": True})
    published: ClassVar[tuple[str, str]] = OPENAI  # model and tag of the paper setting
    variants: ClassVar[Mapping[Setting, ClipVariant]]

    def own_weight_files(self) -> tuple[WeightFile, ...]:
        """The tower's weights; for a tag that is not a paper's, open_clip is asked."""
        model, tag = self.published
        chosen = (self.model or model, self.weights or tag)
        if self.weights is not None and Path(self.weights).is_file():
            return (LocalFile(Path(self.weights)),)
        if self._small:
            return (ShippedFile(SMALL) if self.weights is None else LocalFile(Path(self.weights)),)
        if chosen in HUBS:
            return (HUBS[chosen],)
        from detectors.embedders.clip_tower import hub_of

        return (hub_of(*chosen),)

    def network(self) -> nn.Module:
        """The image tower, without weights."""
        import open_clip

        from detectors.embedders.clip_tower import meta_tower

        model = self.model or self.published[0]
        return meta_tower(shipped_card(SMALL) if self._small else open_clip.get_model_config(model))

    def embedder(self, runtime: Runtime) -> ClipEmbedder:
        """The frozen tower. Raises `Unavailable`, saying how to get them, when its weights are not here."""
        from detectors.embedders.clip_tower import find_tower, shipped_tower

        if self._small:
            tower = shipped_tower(SMALL, self.weights)
        else:
            model, tag = self.published
            tower = find_tower(self.model or model, self.weights or tag)
        if self.variant.reads == "blocks" and not tower.blocks:
            msg = f"{self.card.name} reads transformer blocks and {self.model} has none: choose a vision transformer"
            raise Unavailable(msg)
        return self.variant.embedder(tower, runtime)

    def columns(self, embedder: Embedder) -> slice:
        """Which columns of the embeddings the head reads."""
        projected = cast("ClipEmbedder", embedder).projected
        return slice(projected, None) if self.variant.reads == "blocks" else slice(0, projected)

    @property
    def _small(self) -> bool:
        """Whether the project's own small CLIP is meant."""
        return self.variant.shipped and self.model is None


@dataclass(frozen=True, kw_only=True)
class ClipHeadVariant(ClipVariant, HeadVariant):
    """A CLIP tower and a head, and nothing else."""


@dataclass(frozen=True)
class ClipHeadRecipe(ClipRecipe, HeadRecipe):
    """A recipe that is a CLIP tower and a head: its table says both."""

    variants: ClassVar[Mapping[Setting, ClipHeadVariant]]


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
