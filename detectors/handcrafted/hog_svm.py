"""Histograms of oriented gradients and a linear SVM.

The features follow Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005: unsigned
gradients in 9 orientations, cells of 8x8 pixels, overlapping blocks of 2x2 cells, L2-Hys normalisation. The use follows
Yu, Tanuwijaya, Liu and Liu, "AI generated image detection: a deep learning approach", 2024: grayscale 128x128 and a
linear kernel. As in scikit-image, a pixel votes for one cell and one orientation, without interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Array, Card, Runtime, Sample, Setting
from detectors.embedders.tensor_embedder import TensorEmbedder
from detectors.heads.linear import LinearSvm
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant
from detectors.preprocessing.crops import luma, resize_grey

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 128
ORIENTATIONS = 9
CELL = 8
CELLS = SIDE // CELL
DIM = (CELLS - 1) ** 2 * 4 * ORIENTATIONS
CLIP_LEVEL = 0.2  # of a block's values, between its two normalisations
EPSILON = 1e-5  # added to the norm, so that a flat block stays zero
C = 0.01  # Dalal and Triggs's: the slides give none
SMALL_C = 1e-5  # chosen by 5-fold on a corpus like the embedded one


class HogEmbedder(TensorEmbedder):
    """Oriented gradients of the whole image at 128x128: float32 (N, 8100), in [0, 1]."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(f"hog.1.{SIDE}.{ORIENTATIONS}.{CELL}", DIM, runtime)

    def prepare(self, sample: Sample) -> Array:
        """The luma of the whole image, uint8 (128, 128): averaged where it shrinks, bilinear where it grows."""
        return resize_grey(luma(sample.pixels), SIDE)

    def features(self, images: Tensor) -> Tensor:
        """Normalised histograms of N grey images, uint8 (N, 128, 128)."""
        return _normalised_blocks(_cell_histograms(images.float()))


def _cell_histograms(grey: Tensor) -> Tensor:
    """Mean gradient magnitude by cell and orientation, float32 (N, 16, 16, 9); no gradient crosses the border."""
    import torch
    from torch.nn.functional import avg_pool2d, pad

    down = pad(grey[:, 2:] - grey[:, :-2], (0, 0, 1, 1))
    right = pad(grey[:, :, 2:] - grey[:, :, :-2], (1, 1))
    angle = torch.atan2(down, right).remainder(math.pi)
    orientation = (angle * (ORIENTATIONS / math.pi)).long().clamp(max=ORIENTATIONS - 1)
    # one map per orientation, then averaged: unlike adding at indices, this is deterministic on every device
    votes = torch.zeros(len(grey), ORIENTATIONS, SIDE, SIDE, device=grey.device)
    votes.scatter_(1, orientation[:, None], torch.hypot(down, right)[:, None])
    return avg_pool2d(votes, CELL).permute(0, 2, 3, 1)


def _normalised_blocks(cells: Tensor) -> Tensor:
    """L2-Hys over all blocks of 2x2 neighbouring cells, float32 (N, 8100): by block, cell in the block, orientation."""
    import torch

    above, below = cells[:, :-1], cells[:, 1:]
    blocks = torch.cat([above[:, :, :-1], above[:, :, 1:], below[:, :, :-1], below[:, :, 1:]], -1)
    clipped = _l2_normalise(blocks).clamp(max=CLIP_LEVEL)
    return _l2_normalise(clipped).flatten(1)


def _l2_normalise(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum(-1, keepdim=True) + EPSILON**2).sqrt()


VARIANT = ProbeVariant(
    trained_on="the train subset of the run",
    input_size="128x128, grayscale",
    input_policy="the whole image resized to 128x128: averaged where it shrinks, bilinear where it grows",
    embedder=HogEmbedder,
    head=LinearSvm(C),
)


@dataclass(frozen=True)
class HogSvm(ProbeRecipe):
    """Oriented gradients and a linear SVM: mainly shapes and outlines, hardly noise."""

    card: ClassVar[Card] = Card(
        name="hog_svm",
        family="gradients",
        year=2005,
        version=1,
        title="HoG + linear SVM",
        paper="Dalal and Triggs, CVPR 2005; used on generated images by Yu, Tanuwijaya, Liu and Liu, 2024 (slides)",
        upstream="none published",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, ProbeVariant]] = {
        "paper": VARIANT,
        "small": replace(VARIANT, head=LinearSvm(SMALL_C)),
    }
