"""Probes on a frozen CLIP image tower: on its final embedding, and on the tokens of all its blocks.

`ClipProbe` follows Ojha, Li and Lee, "Towards universal fake image detectors that generalize across generative models",
CVPR 2023, arXiv 2302.10174: centre crop without resize, final embedding of ViT-L/14 not normalised to unit length, one
linear layer. `ClipLayers` follows the idea of Koutlis and Papadopoulos, "Leveraging representations from intermediate
encoder-blocks for synthetic image detection" (RINE), ECCV 2024, arXiv 2402.19091: the class tokens of all blocks.

Both fit logistic regression on the embeddings of whole images, where the papers train by gradient descent on blurred
and compressed crops. `ClipLayers` further leaves out RINE's projection networks, its trained importance of the blocks
and its contrastive loss: one linear layer reads all tokens, each column scaled alike.

The embedded setting reads the project's own small CLIP. Its class token says little of a generator, so `ClipLayers`
reads mean and deviation of each block's image tokens there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from detectors.api import Array, Card, Embedder, Embeddings, Runtime, Sample, Unavailable
from detectors.augment import padded_centre
from detectors.crops import centre_square
from detectors.heads import Line, LinearProbe, Logistic, ProbeRecipe
from detectors.weights import SHIPPED, identity, load_strict, local, read

if TYPE_CHECKING:
    from torch import nn

    from detectors.towers import Pooling, Tower

SMALL = "small_clip"
MODEL, TAG = "ViT-L-14-quickgelu", "openai"  # plain ViT-L-14 has another GELU than its published weights
CHUNK = 32  # images that pass through at once


class ClipEmbedder(Embedder):
    """A frozen image tower: [final embedding | what is read from each block], float32.

    Attributes:
        projected: Length of the final embedding, which comes first.
    """

    def __init__(self, tower: Tower, pooling: Pooling, runtime: Runtime, *, pad: bool) -> None:
        self.projected = tower.projected
        self.dim = tower.projected + tower.tokens(pooling)
        policy = "pad" if pad else "enlarge"
        self.key = f"clip.1.{tower.name}.{tower.weights.sha256[:16]}.{pooling}.{policy}.{runtime.precision}"
        self._tower = tower
        self._pooling: Pooling = pooling
        self._runtime = runtime
        self._pad = pad
        self._network: nn.Module | None = None
        self._lock = Lock()

    def prepare(self, sample: Sample) -> Array:
        """The centre, uint8 (side, side, 3), without resize where it is large enough."""
        return (padded_centre if self._pad else centre_square)(sample.pixels, self._tower.side)

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Embed N prepared arrays as float32 (N, dim); the first call reads the weights."""
        from detectors.towers import features

        network = self._loaded()
        chunks = [batch[start : start + CHUNK] for start in range(0, len(batch), CHUNK)]
        parts = [features(network, self._tower, self._pooling, chunk, self._runtime) for chunk in chunks]
        return np.concatenate([np.zeros((0, self.dim), np.float32), *parts])

    def _loaded(self) -> nn.Module:
        from detectors.towers import load_tower

        with self._lock:
            if self._network is None:
                self._network = load_tower(self._tower, self._runtime)
            return self._network


@dataclass(frozen=True)
class ClipRecipe(ProbeRecipe):
    """What both probes share. They have one embedder, so that each image is embedded once for both.

    Attributes:
        model: An open_clip model; None is ViT-L-14-quickgelu in the paper setting, the project's own in the embedded.
        weights: One of the model's tags or the path of a file; None is OpenAI's tag, or the project's own weights.
    """

    model: str | None = None
    weights: str | None = None

    @property
    def key(self) -> str:
        """The base key, the model and its weights: a tag, or the start of a file's hash."""
        if self._small:
            file = SHIPPED / f"{SMALL}.safetensors" if self.weights is None else Path(self.weights)
            return f"{super().key}.{SMALL}.{identity(file)}"
        weights = self.weights or TAG
        return f"{super().key}.{self.model or MODEL}.{identity(Path(weights)) if Path(weights).is_file() else weights}"

    def embedder(self, runtime: Runtime) -> ClipEmbedder:
        """The frozen tower. Raises `Unavailable`, saying how to get them, when its weights are not here."""
        from detectors.towers import find_tower, shipped_tower

        if self._small:
            tower = shipped_tower(SMALL, self.weights)
        else:
            tower = find_tower(self.model or MODEL, self.weights or TAG)
        paper = self.setting == "paper"
        return ClipEmbedder(tower, "class" if paper else "spread", runtime, pad=paper)

    @property
    def _small(self) -> bool:
        """Whether the project's own small CLIP is meant."""
        return self.setting == "embedded" and self.model is None


@dataclass(frozen=True)
class ClipProbe(ClipRecipe):
    """A linear layer on the final embedding."""

    card: ClassVar[Card] = Card(
        name="clip_probe",
        family="foundation",
        version=1,
        title="CLIP linear probe",
        paper="Ojha et al., Towards universal fake image detectors that generalize across generative models, CVPR 2023,"
        " arXiv 2302.10174",
        upstream="https://github.com/WisconsinAIVision/UniversalFakeDetect (nothing copied)",
        licence="Apache-2.0; weights as their owners say (OpenAI's CLIP: MIT)",
        trained_on="head: the train subset of the run; tower: WebImageText by OpenAI"
        " (embedded: captioned rendered scenes); a loaded head: ProGAN",
        input_size="224x224 (embedded: 128x128)",
        input_policy="centre crop without resize; smaller images are padded with black (embedded: enlarged bilinearly)",
    )

    def head(self) -> Logistic:
        """Logistic regression."""
        return Logistic(1.0)

    def columns(self, embedder: Embedder) -> slice:
        """The final embedding."""
        return slice(0, cast("ClipEmbedder", embedder).projected)

    def load(self, weights: Path, runtime: Runtime) -> LinearProbe:
        """Load a published linear layer: `weight` (1, D) and `bias` (1) on the final embedding, and nothing else.

        Raises:
            Unavailable: There is no such file, or the tower's weights are not here.
            WrongWeights: The file holds anything more, less or else.
        """
        import torch

        embedder = self.embedder(runtime)
        layer = torch.nn.Linear(embedder.projected, 1, device="meta")
        load_strict(layer, read(local(weights)), weights)
        coef = layer.weight.detach().numpy()[0].astype(np.float64)
        intercept = layer.bias.detach().numpy()[0].astype(np.float64)
        line = Line(np.zeros_like(coef), np.ones_like(coef), coef, intercept, np.array(1.0))
        return LinearProbe(embedder, line, self.columns(embedder))


@dataclass(frozen=True)
class ClipLayers(ClipRecipe):
    """A linear layer on what is read from all blocks."""

    card: ClassVar[Card] = Card(
        name="clip_layers",
        family="foundation",
        version=1,
        title="CLIP intermediate blocks",
        paper="after Koutlis and Papadopoulos, Leveraging representations from intermediate encoder-blocks for"
        " synthetic image detection, ECCV 2024, arXiv 2402.19091",
        upstream="https://github.com/mever-team/rine (nothing copied)",
        licence="Apache-2.0; weights as their owners say (OpenAI's CLIP: MIT)",
        trained_on="head: the train subset of the run; tower: WebImageText by OpenAI"
        " (embedded: captioned rendered scenes)",
        input_size="224x224 (embedded: 128x128)",
        input_policy="centre crop without resize; smaller images are padded with black (embedded: enlarged bilinearly)",
    )

    def embedder(self, runtime: Runtime) -> ClipEmbedder:
        """The frozen tower. Raises `Unavailable` when its weights are not here or it has no transformer blocks."""
        embedder = super().embedder(runtime)
        if embedder.dim == embedder.projected:
            msg = f"{self.card.name} reads transformer blocks and {self.model} has none: choose a vision transformer"
            raise Unavailable(msg)
        return embedder

    def head(self) -> Logistic:
        """Logistic regression, held back more than over the final embedding: there are many more columns."""
        return Logistic(0.1)

    def columns(self, embedder: Embedder) -> slice:
        """What is read from the blocks."""
        return slice(cast("ClipEmbedder", embedder).projected, None)
