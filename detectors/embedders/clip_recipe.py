"""Recipes of detectors on a frozen CLIP tower: what they share, and those that add a linear head alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypedDict, cast

from detectors.api import Embedder, Runtime, Setting, Size, Unavailable, Variant
from detectors.embedders.clip import FINAL_EMBEDDING, ClipEmbedder, ImageTowerEmbedder
from detectors.embedders.onnx_tower import OnnxOptions, is_onnx
from detectors.heads.probe_recipe import HeadRecipe, HeadVariant
from detectors.network_kinds import UsesBackend
from detectors.types import NetworkKind
from detectors.weight_file import WeightFile
from detectors.weights.files import LocalFile, ShippedFile
from detectors.weights.locations import shipped_card
from detectors.weights.open_clip import HUB_FILES, OPENAI

if TYPE_CHECKING:
    from torch import nn

    from detectors.embedders.clip_tower import ClipTower

EmbeddingPart = Literal["final", "blocks"]  # the tower's final embedding, or the pooled tokens of its blocks

SMALL_MODEL = "small_clip"

# texts of several cards
PREPRINT = "Kilinkarov, Dorin and Grabovoy, Robust method for detecting machine-generated images, preprint"
REPORT = "Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024"
DATACOMP_LICENCE = "Apache-2.0; weights as their owners say (DataComp-1B CLIP: MIT)"
OPENAI_TOWER = "tower: WebImageText by OpenAI"
DATACOMP_TOWER = "tower: DataComp-1B"
RENDERED_TOWER = "tower: captioned rendered scenes, with 0.06 % of ViT-L/14's weights"


class TowerCard(TypedDict):
    """The fields that the variants on one tower have in common."""

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
    "size": Size(173_072, 0.125),
}


@dataclass(frozen=True, kw_only=True)
class ClipVariant(Variant):
    """A recipe on a CLIP tower in one setting.

    Attributes:
        embedder: Makes the frozen half from a tower.
        embedding_part: The part of the embeddings that the head reads.
        shipped: Whether the tower is the one that ships with the package, unless the user names a model.
    """

    embedder: Callable[[ClipTower, Runtime], ClipEmbedder]
    embedding_part: EmbeddingPart
    shipped: bool = False
    front_end: str = "8-bit pixels, normalised in float32"


@dataclass(frozen=True)
class ClipRecipe(OnnxOptions, UsesBackend):
    """A detector on a frozen CLIP tower.

    Attributes:
        model: An open_clip model; None is `paper_weights`' in the paper setting, the shipped one in the small setting.
        weights: One of the model's tags or the path of a file, which may be an image tower in ONNX; None is
            `paper_weights`' tag, or the shipped file.
    """

    model: str | None = None
    weights: str | None = field(default=None, metadata={"file": True})
    paper_weights: ClassVar[tuple[str, str]] = OPENAI  # model and tag of the paper setting
    variants: ClassVar[Mapping[Setting, ClipVariant]]

    @property
    def own_network_kinds(self) -> frozenset[NetworkKind]:
        """A vision transformer, unless the tower is an ONNX file, which onnxruntime computes whatever the backend."""
        return frozenset() if is_onnx(self.weights) else frozenset({"transformer"})

    def own_weight_files(self) -> tuple[WeightFile, ...]:
        """The file of the tower's weights; for a tag that is no paper's, open_clip is imported to find it."""
        model, tag = self.paper_weights
        chosen = (self.model or model, self.weights or tag)
        if self.weights is not None and Path(self.weights).is_file():
            return (LocalFile(Path(self.weights)),)
        if self._small:
            return (ShippedFile(SMALL_MODEL) if self.weights is None else LocalFile(Path(self.weights)),)
        if chosen in HUB_FILES:
            return (HUB_FILES[chosen],)
        from detectors.embedders.clip_tower import pretrained_file

        return (pretrained_file(*chosen),)

    def network(self) -> nn.Module:
        """The image tower, without weights."""
        import open_clip

        from detectors.embedders.clip_tower import meta_tower

        model = self.model or self.paper_weights[0]
        return meta_tower(shipped_card(SMALL_MODEL) if self._small else open_clip.get_model_config(model))

    def notes(self) -> tuple[str, ...]:
        """Which activation a tower of the user's own weights gets, where it has a choice."""
        if self.weights is None or is_onnx(self.weights) or self._small or not Path(self.weights).is_file():
            return ()
        from detectors.embedders.clip_tower import activation_note

        note = activation_note(self.model or self.paper_weights[0])
        return (f"{self.card.name}: {note}",) if note else ()

    def embedder(self, runtime: Runtime) -> ImageTowerEmbedder:
        """The frozen tower.

        Raises:
            Unavailable: Its weights are missing, or it was given an option that does nothing for it.
        """
        if self.weights is None or not is_onnx(self.weights):
            return self.clip_embedder(runtime)
        if self.variant.embedder is not FINAL_EMBEDDING:
            msg = (
                f"{self.card.name} reads more in the {self.setting} setting than the final embedding of {self.weights}"
            )
            raise Unavailable(f"{msg}: choose another detector or setting")
        if self.model is not None:
            msg = f"{self.card.name}: {self.weights} is a tower by itself, of which model={self.model} changes nothing"
            raise Unavailable(f"{msg}: leave it out")
        return self.onnx_embedder(Path(self.weights), pad=True)  # as `FINAL_EMBEDDING`

    def clip_embedder(self, runtime: Runtime) -> ClipEmbedder:
        """The frozen tower of open_clip, with all that belongs to it.

        Raises:
            Unavailable: Its weights are missing or an image tower in ONNX, or an option does nothing for the tower.
        """
        from detectors.embedders.clip_tower import find_tower, shipped_tower

        if is_onnx(self.weights):
            msg = f"{self.card.name} needs more of CLIP than the tower {self.weights}: give open_clip's own weights"
            raise Unavailable(msg)
        local = not self._small and self.weights is not None and Path(self.weights).is_file()
        self.refuse_onnx_options(*(() if local else ("statistics",)))  # a tag says with which images are normalised
        if self._small:
            tower = shipped_tower(SMALL_MODEL, self.weights)
        else:
            model, tag = self.paper_weights
            tower = find_tower(self.model or model, self.weights or tag, self.statistics)
        if self.variant.embedding_part == "blocks" and not tower.blocks:
            msg = f"{self.card.name} reads transformer blocks and {self.model} has none: choose a vision transformer"
            raise Unavailable(msg)
        return self.variant.embedder(tower, runtime)

    def columns(self, embedder: Embedder) -> slice:
        """Which columns of the embeddings the head reads."""
        projected = cast("ImageTowerEmbedder", embedder).projected
        return slice(projected, None) if self.variant.embedding_part == "blocks" else slice(0, projected)

    @property
    def _small(self) -> bool:
        """Whether the tower is the small CLIP that ships with the package."""
        return self.variant.shipped and self.model is None


@dataclass(frozen=True, kw_only=True)
class ClipHeadVariant(ClipVariant, HeadVariant):
    """A CLIP tower and a linear head."""


@dataclass(frozen=True)
class ClipHeadRecipe(ClipRecipe, HeadRecipe):
    """A recipe that is a CLIP tower and a linear head, both stated by its table."""

    variants: ClassVar[Mapping[Setting, ClipHeadVariant]]

    @property
    def differentiable(self) -> bool:
        """Whether the tower is one of torch, and images are shown as published."""
        return self.input == "published" and not is_onnx(self.weights)
