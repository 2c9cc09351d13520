"""A linear SVM on the embedding of a frozen CLIP tower before its projection: GRIP's detector.

Cozzolino, Poggi, Corvi, Niessner and Verdoliva, "Raising the Bar of AI-generated Image Detection with CLIP", CVPR
Workshops 2024, arXiv 2312.00195, and https://github.com/grip-unina/ClipBased-SyntheticImageDetection. The tower is
open_clip's ViT-L/14 with weights of CommonPool-XL (plain GELU); the shorter side of the whole image is resized to 224
by Pillow's bicubic filter and the centre cut; the class token after the last layer normalisation, 1024 numbers which
the projection to 768 would follow, is brought to unit length. A linear SVM on 10 to 10,000 pairs of real images and
images generated from their captions decides.

The published heads, `clipdet_latent10k` and `clipdet_latent10k_plus`, are such SVMs (10,000 pairs, latent diffusion)
rewritten as a linear layer, `fc.weight` (1, 1024) and `fc.bias` (1) under `model`: their output is a log likelihood
ratio, "generated" above 0, and the score its sigmoid. The training code was not published: C and whether columns are
scaled are not known. Here each column is scaled, C is 1, and a Platt slope turns the distance into a probability; it
changes no decision. The fusion with the network of Corvi et al. is not part of this.

The small setting reads mean and deviation of each block's image tokens, to unit length too, as `clip_svm` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image as PillowImage

from detectors.api import Array, Card, Embeddings, Runtime, Sample, Setting, State, TrainSet, Unavailable
from detectors.embedders.clip import TOKEN_STATISTICS, ClipEmbedder
from detectors.embedders.clip_recipe import LARGE_TOWER, RENDERED_TOWER, SMALL_TOWER, ClipHeadRecipe, ClipHeadVariant
from detectors.heads.linear import LinearDecision, LinearSvm
from detectors.heads.probe_recipe import LinearProbe
from detectors.heads.rows import l2_normalise
from detectors.preprocessing.augmentation import padded_centre
from detectors.weight_file import hashed_file
from detectors.weights.loading import load_strict
from detectors.weights.open_clip import COMMONPOOL
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor

    from detectors.embedders.clip_tower import ClipTower

C = 1.0  # LinearSVC's own
BLOCKS_C = 0.1  # by cross-validation on the train split of the embedded corpus


class ShorterSideEmbedder(ClipEmbedder):
    """A frozen image tower without its projection, on the resized image, its longer side cropped.

    Args:
        tower: A vision transformer's.
        runtime: Where and how precisely it computes.

    Raises:
        Unavailable: The tower is no vision transformer.
    """

    def __init__(self, tower: ClipTower, runtime: Runtime) -> None:
        if not tower.blocks:
            msg = f"clip_grip reads what comes before the projection of a vision transformer, and {tower.name} is none"
            raise Unavailable(f"{msg}: choose one")
        super().__init__(tower, runtime, pooling="unprojected", pad=True)
        self.key += ".shortened"

    def prepare(self, sample: Sample) -> Array:
        """The centre of the image, its shorter side resized to the tower's side: uint8 (side, side, 3)."""
        side = self.tower.side
        height, width = sample.pixels.shape[:2]
        if min(height, width) == side:
            return padded_centre(sample.pixels, side)
        size = (side, side * height // width) if width <= height else (side * width // height, side)
        resized = PillowImage.fromarray(sample.pixels).resize(size, PillowImage.Resampling.BICUBIC)
        return padded_centre(np.asarray(resized), side)

    def centre_of_floats(self, images: Tensor) -> Tensor:
        """As `FrozenEmbedder.centre_of_floats`."""
        from detectors.preprocessing import float_images

        side = self.tower.side
        return float_images.padded_centre(float_images.resize_shorter_side(images, side, "pillow bicubic"), side)


class UnitLengthProbe(LinearProbe):
    """A frozen embedder and a linear decision over some of its columns, brought to unit length."""

    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds, float64 (N,), of N embeddings, float32 (N, dim)."""
        return self.decision.log_odds(l2_normalise(embeddings[:, self.columns]))

    def tensor_log_odds(self, embeddings: Tensor) -> Tensor:
        """As `LinearProbe.tensor_log_odds`."""
        from torch.nn import functional

        return self.decision.tensor_log_odds(functional.normalize(embeddings[:, self.columns]))


@dataclass(frozen=True)
class ClipGrip(ClipHeadRecipe):
    """A linear SVM on the embedding before the projection."""

    paper_weights: ClassVar[tuple[str, str]] = COMMONPOOL
    card: ClassVar[Card] = Card(
        name="clip_grip",
        family="foundation",
        year=2024,
        version=1,
        title="CLIP before its projection + linear SVM (GRIP)",
        paper="Cozzolino et al., Raising the Bar of AI-generated Image Detection with CLIP, CVPR Workshops 2024,"
        " arXiv 2312.00195",
        upstream="https://github.com/grip-unina/ClipBased-SyntheticImageDetection (nothing copied)",
        licence="Apache-2.0; weights as their owners say (CommonPool-XL CLIP: MIT; published heads: Apache-2.0)",
    )
    variants: ClassVar[Mapping[Setting, ClipHeadVariant]] = {
        "paper": ClipHeadVariant(
            trained_on="head: the train subset of the run; tower: CommonPool-XL; a loaded head: latent diffusion",
            input_size="224x224",
            input_policy="shorter side resized bicubically to 224, centre crop",
            size=LARGE_TOWER["size"],
            embedder=ShorterSideEmbedder,
            embedding_part="final",
            head=LinearSvm(C, primal=True),
        ),
        "small": ClipHeadVariant(
            trained_on=f"head: the train subset of the run; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="blocks",
            head=LinearSvm(BLOCKS_C, primal=True),
            **SMALL_TOWER,
        ),
    }

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> UnitLengthProbe:
        """Fit the SVM on the embeddings of `train`. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        columns = self.columns(embedder)
        decision = self.variant.head.fit(l2_normalise(train.embed(embedder)[:, columns]), train.labels, seed)
        return UnitLengthProbe(embedder, decision, columns)

    def restore(self, state: State, runtime: Runtime) -> UnitLengthProbe:
        """The probe with this state."""
        embedder = self.embedder(runtime)
        return UnitLengthProbe(embedder, LinearDecision(**state), self.columns(embedder))

    def load(self, weights: Path, runtime: Runtime) -> UnitLengthProbe:
        """Load a published head: `fc.weight` (1, D) and `fc.bias` (1), and nothing else.

        Raises:
            Unavailable: There is no such file, the tower's weights are missing, or the setting is not the paper's.
            WrongWeights: The file does not hold exactly these tensors.
        """
        from torch import nn

        if self.variant.shipped:
            msg = "published heads read the large tower: load them in the paper setting"
            raise Unavailable(msg)
        file, embedder = hashed_file(weights), self.embedder(runtime)
        layer = nn.Linear(embedder.projected, 1, device="meta")
        load_strict(nn.ModuleDict({"fc": layer}), read(file), weights)
        decision = LinearDecision.from_layer(layer.weight.detach().numpy(), layer.bias.detach().numpy())
        return UnitLengthProbe(embedder, decision, self.columns(embedder))
