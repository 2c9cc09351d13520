"""The nearest images of a bank of frozen CLIP embeddings, by cosine.

Follows the nearest-neighbour variant of Ojha, Li and Lee, "Towards universal fake image detectors that generalize
across generative models", CVPR 2023, arXiv 2302.10174: nothing is trained, the train set is embedded, and an image is
called generated when its nearest neighbour among the generated ones is nearer than that among the real ones. For k of
3, 5 and 9 the distance is the mean of those to the k nearest of each class: a score where the paper counts votes.

The score is a sigmoid of the difference of both distances over a fixed temperature, which changes no decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Embeddings, Runtime, Setting, State, TrainSet
from detectors.embedders.clip import FINAL_EMBEDDING, TOKEN_STATISTICS, ImageTowerEmbedder
from detectors.embedders.clip_recipe import (
    LARGE_TOWER,
    OPENAI_TOWER,
    RENDERED_TOWER,
    SMALL_TOWER,
    ClipRecipe,
    ClipVariant,
)
from detectors.heads.rows import l2_normalise, map_rows
from detectors.log_odds import LogOddsProbe

TEMPERATURE = 0.02  # of cosine distance: their differences are of about this size


class NearestProbe(LogOddsProbe):
    """A frozen CLIP tower and the banks that an image is compared with.

    Args:
        embedder: The tower.
        banks: `real` and `generated`: rows of unit length, float32 (N, D).
        k: Number of neighbours; all where a bank is smaller.
    """

    def __init__(self, embedder: ImageTowerEmbedder, banks: State, k: int) -> None:
        self.embedder: ImageTowerEmbedder = embedder
        self.k = k
        self._banks = banks

    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds, float64 (N,), of N embeddings, float32 (N, dim)."""
        rows = l2_normalise(embeddings[:, : self.embedder.projected])
        real, generated = (
            map_rows(partial(self._distance, self._banks[name]), rows, 1)[:, 0] for name in ("real", "generated")
        )
        return np.asarray((real - generated) / TEMPERATURE)

    def state(self) -> State:
        """Both banks."""
        return dict(self._banks)

    def _distance(self, bank: Embeddings, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean cosine distance of an embedding, float32 (D,), from its k nearest of a bank: float64 ()."""
        distances = 1 - np.einsum("nd,d->n", bank, row).astype(np.float64)
        k = min(self.k, len(distances))
        return np.asarray(np.sort(np.partition(distances, k - 1)[:k]).mean())


@dataclass(frozen=True)
class ClipNearest(ClipRecipe):
    """Nearest neighbours on the final embedding.

    Attributes:
        k: Number of neighbours of each class; the paper tries 1, 3, 5 and 9.
    """

    k: int = 1
    card: ClassVar[Card] = Card(
        name="clip_nearest",
        family="foundation",
        year=2023,
        version=1,
        title="CLIP nearest neighbour",
        paper="Ojha et al., Towards universal fake image detectors that generalize across generative models, CVPR 2023,"
        " arXiv 2302.10174",
        upstream="https://github.com/WisconsinAIVision/UniversalFakeDetect (nothing copied)",
        licence="Apache-2.0; weights as their owners say (OpenAI's CLIP: MIT)",
    )
    variants: ClassVar[Mapping[Setting, ClipVariant]] = {
        "paper": ClipVariant(
            trained_on=f"bank: the train subset of the run; {OPENAI_TOWER}",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            **LARGE_TOWER,
        ),
        "small": ClipVariant(
            trained_on=f"bank: the train subset of the run; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="final",
            **SMALL_TOWER,
        ),
    }

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> NearestProbe:
        """Take the embeddings of `train` as the bank. Raises ValueError where a class has no image."""
        del seed
        embedder = self.embedder(runtime)
        real, generated = (int((train.labels == label).sum()) for label in (0, 1))
        if not real or not generated:
            msg = (
                f"{self.card.name} needs a bank of each class, found {real} real and {generated} generated images: "
                "choose a train subset that holds both"
            )
            raise ValueError(msg)
        rows = l2_normalise(train.embed(embedder)[:, : embedder.projected])
        return NearestProbe(embedder, {"real": rows[train.labels == 0], "generated": rows[train.labels == 1]}, self.k)

    def restore(self, state: State, runtime: Runtime) -> NearestProbe:
        """The detector with this state."""
        return NearestProbe(self.embedder(runtime), state, self.k)
