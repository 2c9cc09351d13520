"""Binary heads on the final embedding of a frozen CLIP tower, in place of a single logistic layer.

`ClipSvm` is the linear SVM on cached features of open_clip's ViT-L-14 with DataComp-1B weights of Saland's internship
report (SIGMA, CRIStAL, 2024). Columns are scaled and a Platt slope turns distances into probabilities; the report
mentions neither, and the slope changes no decision.

`ClipMlp` is the head of two fully connected layers with ReLU that the same report and Kilinkarov, Dorin and Grabovoy,
"Robust method for detecting machine-generated images" (preprint), put on a frozen CLIP: binary cross-entropy, Adam, 20
epochs. They do not state the hidden width, the rate, the batch or the dropout: those here are ours.

In the small setting both read mean and deviation of each block's image tokens, as `clip_layers` does: a little more is
left of a generator there than in the final embedding of the small CLIP (95 against 94 % with the SVM, on scenes other
than those of the corpus).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Embeddings, Labels, Runtime, Setting, State, TrainSet
from detectors.embedders.clip import FINAL_EMBEDDING, TOKEN_STATISTICS, ImageTowerEmbedder
from detectors.embedders.clip_recipe import (
    DATACOMP_LICENCE,
    DATACOMP_TOWER,
    LARGE_TOWER,
    PREPRINT,
    RENDERED_TOWER,
    REPORT,
    SMALL_TOWER,
    ClipHeadRecipe,
    ClipHeadVariant,
    ClipRecipe,
    ClipVariant,
)
from detectors.heads.linear import LinearSvm, Matrix, StandardisedEmbeddings, Vector
from detectors.heads.rows import map_rows
from detectors.log_odds import LogOddsProbe
from detectors.weights.open_clip import DATACOMP

if TYPE_CHECKING:
    from torch import Generator, Tensor

HIDDEN = 256
DROPOUT = 0.2  # of the hidden layer
C = 1.0  # LinearSVC's own
BLOCKS_C = 0.01  # by cross-validation on the train split of the embedded corpus


@dataclass(frozen=True)
class ClipSvm(ClipHeadRecipe):
    """A linear SVM on the final embedding."""

    paper_weights: ClassVar[tuple[str, str]] = DATACOMP
    card: ClassVar[Card] = Card(
        name="clip_svm",
        family="foundation",
        year=2024,
        version=1,
        title="CLIP + linear SVM",
        paper=REPORT,
        upstream="none published; open_clip https://github.com/mlfoundations/open_clip (nothing copied)",
        licence=DATACOMP_LICENCE,
    )
    variants: ClassVar[Mapping[Setting, ClipHeadVariant]] = {
        "paper": ClipHeadVariant(
            trained_on=f"head: the train subset of the run; {DATACOMP_TOWER}",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            head=LinearSvm(C, primal=True),
            **LARGE_TOWER,
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


class TwoLayerProbe(LogOddsProbe):
    """A frozen CLIP tower and two linear layers with ReLU between.

    Args:
        embedder: The tower.
        columns: The columns of its embeddings that are read.
        state: `first` (hidden, D), `first_bias` (hidden), `second` (hidden) and `second_bias` (), all float64; the
            scaling of columns is part of the first layer.
    """

    def __init__(self, embedder: ImageTowerEmbedder, columns: slice, state: State) -> None:
        self.embedder = embedder
        self._columns = columns
        self._state = state

    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds, float64 (N,), of N embeddings, float32 (N, dim)."""
        first, first_bias, second, second_bias = (
            self._state[name] for name in ("first", "first_bias", "second", "second_bias")
        )

        def decide_row(row: NDArray[np.float32]) -> NDArray[np.float64]:
            hidden = np.maximum(np.einsum("hd,d->h", first, row.astype(np.float64)) + first_bias, 0)
            return np.asarray(np.einsum("h,h->", hidden, second) + second_bias)

        return map_rows(decide_row, embeddings[:, self._columns], 1)[:, 0]

    def state(self) -> State:
        """The weights of both layers."""
        return dict(self._state)


@dataclass(frozen=True)
class ClipMlp(ClipRecipe):
    """Two fully connected layers with ReLU on the final embedding."""

    paper_weights: ClassVar[tuple[str, str]] = DATACOMP
    card: ClassVar[Card] = Card(
        name="clip_mlp",
        family="foundation",
        year=2024,
        version=2,
        title="CLIP + two linear layers",
        paper=f"{PREPRINT}; {REPORT}",
        upstream="none published; open_clip https://github.com/mlfoundations/open_clip (nothing copied)",
        licence=DATACOMP_LICENCE,
    )
    variants: ClassVar[Mapping[Setting, ClipVariant]] = {
        "paper": ClipVariant(
            trained_on=f"head: the train subset of the run; {DATACOMP_TOWER}",
            embedder=FINAL_EMBEDDING,
            embedding_part="final",
            **LARGE_TOWER,
        ),
        "small": ClipVariant(
            trained_on=f"head: the train subset of the run; {RENDERED_TOWER}",
            shipped=True,
            embedder=TOKEN_STATISTICS,
            embedding_part="blocks",
            **SMALL_TOWER,
        ),
    }

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> TwoLayerProbe:
        """Train both layers on the embeddings of `train`. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        columns = self.columns(embedder)
        return TwoLayerProbe(embedder, columns, _fit_layers(train.embed(embedder)[:, columns], train.labels, seed))

    def restore(self, state: State, runtime: Runtime) -> TwoLayerProbe:
        """The detector with this state."""
        embedder = self.embedder(runtime)
        return TwoLayerProbe(embedder, self.columns(embedder), state)


def _fit_layers(embeddings: Embeddings, labels: Labels, seed: int) -> State:
    """Train the two layers on N embeddings, float32 (N, D); returns the state of `TwoLayerProbe`."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from detectors.heads.gradient_descent import DescentSettings, minimise

    # not rotated: unlike an L2 penalty, the initial weights and the steps of Adam depend on the rotation
    scaled = StandardisedEmbeddings.fit(embeddings, labels, rotate=False)
    rng = torch.Generator().manual_seed(seed)
    points, targets = torch.from_numpy(scaled.points).float(), torch.tensor(labels).float()
    first, first_bias = _linear_layer(points.shape[1], HIDDEN, rng)
    second, second_bias = _linear_layer(HIDDEN, 1, rng)

    def loss(batch: Tensor) -> Tensor:
        hidden = torch.relu(points[batch] @ first.T + first_bias)
        kept = torch.rand(hidden.shape, generator=rng) >= DROPOUT
        log_odds = (hidden * kept / (1 - DROPOUT)) @ second.T + second_bias
        return binary_cross_entropy_with_logits(log_odds[:, 0], targets[batch])

    settings = DescentSettings(rate=1e-3, epochs=20, batch=32)
    minimise([first, first_bias, second, second_bias], loss, len(labels), settings, rng)
    layers = [tensor.detach().numpy().astype(np.float64) for tensor in (first, first_bias, second, second_bias)]
    return _unscaled(scaled, *layers)


def _unscaled(
    scaled: StandardisedEmbeddings, first: Matrix, first_bias: Vector, second: Matrix, second_bias: Vector
) -> State:
    """The state of two layers over raw embeddings, from the layers over standardised ones."""
    weight = scaled.column_weights(first.T).T / scaled.scale
    return {
        "first": np.ascontiguousarray(weight),
        "first_bias": first_bias - weight @ scaled.mean,
        "second": second[0],
        "second_bias": second_bias[0],
    }


def _linear_layer(inputs: int, outputs: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Weight (outputs, inputs) and bias (outputs,) of a linear layer, uniform within torch's own bounds."""
    import torch

    bound = inputs**-0.5
    weight, bias = (torch.empty(shape).uniform_(-bound, bound, generator=rng) for shape in ((outputs, inputs), outputs))
    return weight.requires_grad_(), bias.requires_grad_()
