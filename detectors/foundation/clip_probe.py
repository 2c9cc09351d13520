"""Probes on a frozen CLIP image tower: on its final embedding, and on the tokens of all its blocks.

`ClipProbe` follows Ojha, Li and Lee, "Towards universal fake image detectors that generalize across generative models",
CVPR 2023, arXiv 2302.10174: centre crop without resize, final embedding of ViT-L/14 not normalised to unit length, one
linear layer. `ClipLayers` follows the idea of Koutlis and Papadopoulos, "Leveraging representations from intermediate
encoder-blocks for synthetic image detection" (RINE), ECCV 2024, arXiv 2402.19091: the class tokens of all blocks.

Both fit logistic regression on the embeddings of whole images, where the papers train by gradient descent on blurred
and compressed crops. `ClipLayers` further leaves out RINE's projection networks, its trained importance of the blocks
and its contrastive loss: one linear layer reads all tokens, each column scaled alike.

The small setting reads the project's own small CLIP, whose final embedding is a projection of the mean of its image
tokens, not of a class token. So `ClipLayers` reads mean and deviation of each block's image tokens there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from detectors.api import Card, Runtime, Setting
from detectors.embedders.clip import CLASS_TOKENS, FINAL_EMBEDDING, TOKEN_STATISTICS
from detectors.embedders.clip_recipe import (
    LARGE_TOWER,
    OPENAI_TOWER,
    RENDERED_TOWER,
    SMALL_TOWER,
    ClipHeadRecipe,
    ClipHeadVariant,
)
from detectors.heads.linear import LinearDecision, Logistic
from detectors.heads.probe_recipe import LinearProbe
from detectors.weight_file import hashed_file
from detectors.weights.loading import load_strict
from detectors.weights.reading import read

BLOCKS_C = 0.1  # a stronger penalty than over the final embedding: there are many more columns


@dataclass(frozen=True)
class ClipProbe(ClipHeadRecipe):
    """A linear layer on the final embedding."""

    card: ClassVar[Card] = Card(
        name="clip_probe",
        family="foundation",
        year=2023,
        version=1,
        title="CLIP linear probe",
        paper="Ojha et al., Towards universal fake image detectors that generalize across generative models, CVPR 2023,"
        " arXiv 2302.10174",
        upstream="https://github.com/WisconsinAIVision/UniversalFakeDetect (nothing copied)",
        licence="Apache-2.0; weights as their owners say (OpenAI's CLIP: MIT)",
    )
    variants: ClassVar[Mapping[Setting, ClipHeadVariant]] = {
        "paper": ClipHeadVariant(
            trained_on=f"head: the train subset of the run; {OPENAI_TOWER}; a loaded head: ProGAN",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            head=Logistic(1.0),
            **LARGE_TOWER,
        ),
        "small": ClipHeadVariant(
            trained_on=f"head: the train subset of the run; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="final",
            head=Logistic(1.0),
            **SMALL_TOWER,
        ),
    }

    def load(self, weights: Path, runtime: Runtime) -> LinearProbe:
        """Load a published linear layer: `weight` (1, D) and `bias` (1) on the final embedding, and nothing else.

        Raises:
            Unavailable: There is no such file, or the tower's weights are missing.
            WrongWeights: The file does not hold exactly these tensors.
        """
        import torch

        embedder = self.embedder(runtime)
        layer = torch.nn.Linear(embedder.projected, 1, device="meta")
        load_strict(layer, read(hashed_file(weights)), weights)
        decision = LinearDecision.from_layer(layer.weight.detach().numpy(), layer.bias.detach().numpy())
        return LinearProbe(embedder, decision, self.columns(embedder))


@dataclass(frozen=True)
class ClipLayers(ClipHeadRecipe):
    """A linear layer on the pooled tokens of all blocks."""

    card: ClassVar[Card] = Card(
        name="clip_layers",
        family="foundation",
        year=2024,
        version=1,
        title="CLIP intermediate blocks",
        paper="after Koutlis and Papadopoulos, Leveraging representations from intermediate encoder-blocks for"
        " synthetic image detection, ECCV 2024, arXiv 2402.19091",
        upstream="https://github.com/mever-team/rine (nothing copied)",
        licence="Apache-2.0; weights as their owners say (OpenAI's CLIP: MIT)",
    )
    variants: ClassVar[Mapping[Setting, ClipHeadVariant]] = {
        "paper": ClipHeadVariant(
            trained_on=f"head: the train subset of the run; {OPENAI_TOWER}",
            embedder=CLASS_TOKENS,
            embedding_part="blocks",
            head=Logistic(BLOCKS_C),
            **LARGE_TOWER,
        ),
        "small": ClipHeadVariant(
            trained_on=f"head: the train subset of the run; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="blocks",
            head=Logistic(BLOCKS_C),
            **SMALL_TOWER,
        ),
    }
