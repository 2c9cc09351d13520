"""A cache of a few embedded shots per class beside zero-shot text prompts, on a frozen CLIP.

Follows Zhang et al., "Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification", ECCV 2022, arXiv
2207.09519, on the classes "real" and "generated", as Saland's internship report (SIGMA, CRIStAL, 2024) applies it:
logits = 100 x W' + alpha exp(-beta (1 - x K')) V, where x is the unit embedding, W the unit embeddings of one prompt
per class, K those of 16 shots per class and V their classes, one-hot. `TipAdapterF` trains K: AdamW, 20 epochs.

Alpha and beta are the paper's defaults; its code then searches better ones on a labelled validation set, which a
recipe does not have. Keys and training read each shot once, where the paper averages or augments random crops.

The small setting's prompts are in the words of the small CLIP's captions, which know no generator: "slightly grainy"
against "poor compression", for generators leave errors that look like those of a coder. Its alpha, and the epochs and
rate of its keys, are larger: embeddings of rendered scenes are closer to each other than those of photographs. All of
these were chosen on other scenes than those of the corpus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Embeddings, Labels, Runtime, Setting, State, TrainSet
from detectors.embedders.clip import FINAL_EMBEDDING, TOKEN_STATISTICS, ClipEmbedder
from detectors.embedders.clip_recipe import (
    DATACOMP_LICENCE,
    DATACOMP_TOWER,
    LARGE_TOWER,
    RENDERED_TOWER,
    REPORT,
    SMALL_TOWER,
    ClipRecipe,
    ClipVariant,
)
from detectors.heads.rows import l2_normalise, map_rows
from detectors.log_odds import LogOddsProbe
from detectors.weights.open_clip import DATACOMP

if TYPE_CHECKING:
    from torch import Tensor

BETA = 5.5  # rate at which the influence of a shot falls with distance
SCALE = 100.0  # of the zero-shot logits, as in CLIP
PAPER = "Zhang et al., Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification, ECCV 2022,"
UPSTREAM = "https://github.com/gaopengcuhk/Tip-Adapter (nothing copied)"


@dataclass(frozen=True, kw_only=True)
class TipVariant(ClipVariant):
    """The adapter in one setting.

    Attributes:
        prompts: Texts of the zero-shot classifier: real, generated.
        alpha: Weight of the cache.
        epochs: Of the training of the keys.
        rate: Of that training.
    """

    prompts: tuple[str, str]
    alpha: float
    epochs: int
    rate: float


@dataclass(frozen=True)
class ShotCache:
    """The cache of shots and the zero-shot classifier beside it.

    Attributes:
        alpha: Weight of the cache, float64 ().
        keys: Embeddings of the shots, float32 (K, D): rows of unit length unless trained.
        values: Their classes, one-hot, float32 (K, 2).
        weights: The zero-shot classifier: rows of unit length, float32 (2, D), real and generated.
    """

    alpha: NDArray[np.float64]
    keys: Embeddings
    values: NDArray[np.float32]
    weights: Embeddings

    def log_odds(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Logit of "generated" less that of "real", float64 (), for one unit embedding, float32 (D,)."""
        zero_shot = SCALE * np.einsum("cd,d->c", self.weights, row).astype(np.float64)
        affinity = np.exp(-BETA * (1 - np.einsum("kd,d->k", self.keys, row).astype(np.float64)))
        logits = zero_shot + self.alpha * np.einsum("k,kc->c", affinity, self.values)
        return np.asarray(logits[1] - logits[0])


class TipAdapterProbe(LogOddsProbe):
    """A frozen CLIP tower and a cache."""

    def __init__(self, embedder: ClipEmbedder, cache: ShotCache) -> None:
        self.embedder: ClipEmbedder = embedder
        self.cache = cache

    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds, float64 (N,), of N embeddings, float32 (N, dim)."""
        rows = l2_normalise(embeddings[:, : self.embedder.projected])
        return map_rows(self.cache.log_odds, rows, 1)[:, 0]

    def state(self) -> State:
        """The cache's arrays."""
        return dict(vars(self.cache))


@dataclass(frozen=True)
class TipAdapter(ClipRecipe):
    """The training-free cache.

    Attributes:
        shots: Images per class in the cache, drawn by the seed; all where a class has fewer.
    """

    shots: int = 16
    paper_weights: ClassVar[tuple[str, str]] = DATACOMP
    card: ClassVar[Card] = Card(
        name="tip_adapter",
        family="foundation",
        year=2022,
        version=2,
        title="Tip-Adapter",
        paper=f"{PAPER} arXiv 2207.09519; {REPORT}",
        upstream=UPSTREAM,
        licence=DATACOMP_LICENCE,
    )
    variants: ClassVar[Mapping[Setting, TipVariant]] = {
        "paper": TipVariant(
            trained_on=f"cache: 16 images per class of the run's train subset; {DATACOMP_TOWER}",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            prompts=("a photo", "an AI-generated image"),
            alpha=1.0,
            epochs=20,
            rate=1e-3,
            **LARGE_TOWER,
        ),
        "small": TipVariant(
            trained_on=f"cache: 16 images per class of the run's train subset; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="final",
            prompts=("a photo, slightly grainy", "a photo, poor compression"),
            alpha=10.0,
            epochs=100,
            rate=1e-2,
            **SMALL_TOWER,
        ),
    }

    @property
    def adaptation(self) -> TipVariant:
        """The variant whose prompts and numbers belong to the tower: the small one's for the small CLIP alone."""
        return self.variants["small" if self._small else "paper"]

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> TipAdapterProbe:
        """Fill the cache. Raises ValueError where a class has no image."""
        from detectors.embedders.clip_tower import text_embeddings

        embedder = self.clip_embedder(runtime)
        chosen = np.concatenate([self._shot_indices(train, label, seed) for label in (0, 1)])
        keys, labels = l2_normalise(train.embed(embedder)[chosen, : embedder.projected]), train.labels[chosen]
        weights = l2_normalise(text_embeddings(embedder.tower, self.adaptation.prompts))
        cache = ShotCache(np.array(self.adaptation.alpha), keys, np.eye(2, dtype=np.float32)[labels], weights)
        return TipAdapterProbe(embedder, self.tune_keys(cache, labels, seed))

    def tune_keys(self, cache: ShotCache, labels: Labels, seed: int) -> ShotCache:
        """The cache with tuned keys, from that of the shots and their labels, int64 (K,); the same by default."""
        del labels, seed
        return cache

    def restore(self, state: State, runtime: Runtime) -> TipAdapterProbe:
        """The detector with this state."""
        return TipAdapterProbe(self.clip_embedder(runtime), ShotCache(**state))

    def _shot_indices(self, train: TrainSet, label: int, seed: int) -> NDArray[np.int64]:
        """Indices of the shots of a class, int64 (shots,): drawn by name, whatever the order of the images."""
        members = np.flatnonzero(train.labels == label).tolist()
        if not members:
            noun = ("real", "generated")[label]
            msg = f"{self.card.name} needs shots of each class, found none of {noun}: choose a subset that holds both"
            raise ValueError(msg)
        ranked = sorted(members, key=lambda index: sha256(f"{seed}/{train.names[index]}".encode()).digest())
        return np.array(ranked[: self.shots])


@dataclass(frozen=True)
class TipAdapterF(TipAdapter):
    """The cache with trained keys."""

    card: ClassVar[Card] = replace(TipAdapter.card, name="tip_adapter_f", title="Tip-Adapter-F (keys trained)")

    def tune_keys(self, cache: ShotCache, labels: Labels, seed: int) -> ShotCache:
        """Train the keys on the shots by cross-entropy, starting from their embeddings."""
        import torch
        from torch.nn.functional import cross_entropy

        from detectors.heads.gradient_descent import DescentSettings, minimise

        shots, values, weights = (torch.from_numpy(array) for array in (cache.keys, cache.values, cache.weights))
        keys, targets = shots.clone().requires_grad_(), torch.tensor(labels)

        def loss(batch: Tensor) -> Tensor:
            affinity = torch.exp(-BETA * (1 - shots[batch] @ keys.T))
            return cross_entropy(
                SCALE * shots[batch] @ weights.T + self.adaptation.alpha * affinity @ values, targets[batch]
            )

        settings = DescentSettings(
            self.adaptation.rate, self.adaptation.epochs, batch=256, decay=0.01, epsilon=1e-4, cosine=True
        )
        minimise([keys], loss, len(labels), settings, torch.Generator().manual_seed(seed))
        return replace(cache, keys=keys.detach().numpy())
