"""RINE: what every block of a frozen CLIP tower says, each weighed by how much it matters.

Koutlis and Papadopoulos, "Leveraging Representations from Intermediate Encoder-blocks for Synthetic Image Detection",
ECCV 2024, arXiv 2402.19091. The class tokens of all blocks of OpenAI's ViT-L/14 are projected, weighed block by block
and column by column, added, projected again and decided on. The published code takes each token where the block's
second normalisation gives it to its last two layers, not where the block ends: so does this.

The paper setting is the configuration of the published four-class model: two projections of 1024 columns; Adam at 1e-3,
batches of 128, one epoch; the sum of binary cross-entropies and 0.2 times a supervised contrastive loss. It departs in
training on the tokens of whole images' centres, computed once, where the paper blurs, compresses and crops at random.
A loaded checkpoint may be any of the four that were released: its tensors tell the size.

The small setting reads the project's own small CLIP, which has no class token: mean and deviation of the image tokens
of each block stand for it. The head is the same, narrower, with less dropout and more epochs: there are a few hundred
images to learn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Embeddings, Labels, Runtime, Setting, State, TrainSet
from detectors.architectures.support.initial_weights import on_meta_device, random_init
from detectors.embedders.clip import NORMALISED_CLASS_TOKENS, TOKEN_STATISTICS, ClipEmbedder
from detectors.embedders.clip_recipe import (
    LARGE_TOWER,
    OPENAI_TOWER,
    RENDERED_TOWER,
    SMALL_TOWER,
    ClipRecipe,
    ClipVariant,
)
from detectors.heads.array_heads import require_both_classes
from detectors.heads.gradient_descent import DescentSettings, minimise
from detectors.heads.rows import map_rows
from detectors.log_odds import LogOddsProbe
from detectors.weight_file import hashed_file
from detectors.weights.loading import load_state, load_strict, to_state
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor

    from detectors.architectures.rine import RineHead


@dataclass(frozen=True, kw_only=True)
class RineVariant(ClipVariant):
    """RINE in one setting.

    Attributes:
        projections: Linear layers of each projection.
        columns: Columns of a projected token.
        dropout: Before each layer.
        contrast: Weight of the contrastive loss.
        descent: How the head is trained.
    """

    projections: int
    columns: int
    dropout: float
    contrast: float
    descent: DescentSettings


class RineProbe(LogOddsProbe):
    """A frozen CLIP tower and the trained part, which reads some of its columns."""

    def __init__(self, embedder: ClipEmbedder, columns: slice, head: RineHead) -> None:
        self.embedder: ClipEmbedder = embedder
        self._columns = columns
        self._head = head.eval()

    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds, float64 (N,), of N embeddings, float32 (N, dim)."""
        import torch

        from detectors.architectures.support.torch_contexts import deterministic

        def decide_row(row: NDArray[np.float32]) -> NDArray[np.float64]:
            return np.asarray(self._head(torch.tensor(row)[None])[0].double().numpy())

        with torch.inference_mode(), deterministic():
            return map_rows(decide_row, embeddings[:, self._columns], 1)[:, 0]

    def state(self) -> State:
        """The weights of the trained part."""
        return to_state(self._head)


@dataclass(frozen=True)
class Rine(ClipRecipe):
    """Recipe of RINE."""

    card: ClassVar[Card] = Card(
        name="rine",
        family="foundation",
        year=2024,
        version=1,
        title="RINE",
        paper="Koutlis and Papadopoulos, Leveraging Representations from Intermediate Encoder-blocks for Synthetic"
        " Image Detection, ECCV 2024, arXiv 2402.19091",
        upstream="https://github.com/mever-team/rine (nothing copied)",
        licence="Apache-2.0, as upstream code and checkpoints; weights as their owners say (OpenAI's CLIP: MIT)",
    )
    variants: ClassVar[Mapping[Setting, RineVariant]] = {
        "paper": RineVariant(
            trained_on=f"head: the train subset of the run; {OPENAI_TOWER}; a loaded head: ProGAN, or latent diffusion",
            embedder=NORMALISED_CLASS_TOKENS,
            embedding_part="blocks",
            projections=2,
            columns=1024,
            dropout=0.5,
            contrast=0.2,
            descent=DescentSettings(rate=1e-3, epochs=1, batch=128),
            **LARGE_TOWER,
        ),
        "small": RineVariant(
            trained_on=f"head: the train subset of the run; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="blocks",
            projections=2,
            columns=32,
            dropout=0.1,
            contrast=0.2,
            descent=DescentSettings(rate=1e-3, epochs=60, batch=32),
            **SMALL_TOWER,
        ),
    }

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> RineProbe:
        """Train the head on the tokens of `train`. Raises ValueError for fewer than two images of a class."""
        embedder = self.clip_embedder(runtime)
        columns = self.columns(embedder)
        require_both_classes(train.labels)
        head = self._head(embedder, self.variant.projections, self.variant.columns)
        weights = random_init(lambda: self._new_head(embedder, self.variant.projections, self.variant.columns), seed)
        load_strict(head, weights, "random weights")
        _train(head, train.embed(embedder)[:, columns], train.labels, self.variant, seed)
        return RineProbe(embedder, columns, head)

    def restore(self, state: State, runtime: Runtime) -> RineProbe:
        """The detector with this state."""
        embedder = self.clip_embedder(runtime)
        head = self._head_for(state, embedder)
        load_state(head, state)
        return RineProbe(embedder, self.columns(embedder), head)

    def load(self, weights: Path, runtime: Runtime) -> RineProbe:
        """Load a published trained part strictly, of any of the published sizes.

        Raises:
            Unavailable: There is no such file, or the tower's weights are missing.
            WrongWeights: The file does not hold exactly the trained part for this tower.
        """
        embedder = self.clip_embedder(runtime)
        tensors = read(hashed_file(weights))
        head = self._head_for(tensors, embedder)
        load_strict(head, tensors, weights)
        return RineProbe(embedder, self.columns(embedder), head)

    def _head_for(self, tensors: Mapping[str, Tensor | Array], embedder: ClipEmbedder) -> RineHead:
        """The trained part of the size that its weights have, without weights."""
        layers = len([name for name in tensors if name.startswith("proj1.") and name.endswith(".weight")])
        shape = tensors["alpha"].shape if "alpha" in tensors else ()
        columns = int(shape[-1]) if shape else self.variant.columns
        return self._head(embedder, layers or self.variant.projections, columns)

    def _head(self, embedder: ClipEmbedder, projections: int, columns: int) -> RineHead:
        """The trained part without weights."""
        return cast("RineHead", on_meta_device(lambda: self._new_head(embedder, projections, columns)))

    def _new_head(self, embedder: ClipEmbedder, projections: int, columns: int) -> RineHead:
        from detectors.architectures.rine import RineHead

        width = embedder.tower.width
        tokens = (embedder.dim - embedder.projected) // width
        return RineHead(tokens, width, projections, columns, self.variant.dropout)


def _train(head: RineHead, tokens: Embeddings, labels: Labels, variant: RineVariant, seed: int) -> None:
    """Train the head in place on the tokens of N images, float32 (N, D)."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from detectors.architectures.rine import contrastive_loss

    points, targets = torch.from_numpy(np.ascontiguousarray(tokens)), torch.tensor(labels)

    def loss(batch: Tensor) -> Tensor:
        log_odds, vectors = head(points[batch])
        entropy = binary_cross_entropy_with_logits(log_odds, targets[batch].float(), reduction="sum")
        return entropy + variant.contrast * contrastive_loss(vectors, targets[batch])

    with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
        torch.manual_seed(seed)
        minimise(
            list(head.train().parameters()), loss, len(labels), variant.descent, torch.Generator().manual_seed(seed)
        )
