"""NPR: how neighbouring pixels differ within each cell of two by two.

Tan et al., "Rethinking the Up-Sampling Operations in CNN-based Generative Network for
Generalizable Deepfake Detection", CVPR 2024, arXiv 2312.10461. Upsampling by two makes the pixels of a cell depend on
each other; the input of the network is each image less its own nearest-neighbour down- and upsampling.

The paper setting is the published code: the first two stages of a ResNet-50 from random weights, whole images resized
to 256x256, random crops of 224 and mirroring, Adam at 2e-4 that falls to 0.9 of itself every 10 epochs, batches of 32,
50 epochs, the last weights kept. It departs in holding out a tenth of the training images, on which nothing is
chosen. The code's test does not crop; nor is anything cropped here.

The small setting is the same method at the size of the embedded corpus: one narrow bottleneck on images of 128
pixels without a resize, which would mix the cells; AdamW from 4e-3 along half a cosine, 12 epochs with batches of 16,
and the weights of the best one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.preprocessing.augmentation import SMALL_CROPS
from detectors.preprocessing.views import SquareView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule

if TYPE_CHECKING:
    from torch import nn

PAPER_VIEW = SquareView(side=256, crop=224, test_crop=256, mirror=True)
SMALL_VIEW = replace(SMALL_CROPS, crop=128)

PAPER_SCHEDULE = StepSchedule(rate=2e-4, factor=0.9, every=10)
SMALL_SCHEDULE = CosineSchedule(rate=4e-3, epochs=12)


def _large() -> nn.Module:
    """Half a ResNet-50."""
    from detectors.architectures.npr import NprNet

    return NprNet()


def _small() -> nn.Module:
    """One narrow bottleneck."""
    from detectors.architectures.npr import NprNet

    return NprNet(channels=16, blocks=(1,))


@dataclass(frozen=True)
class Npr(NetworkRecipe):
    """Recipe of NPR."""

    card: ClassVar[Card] = Card(
        name="npr",
        family="network",
        year=2024,
        version=1,
        title="NPR",
        paper="Tan et al., Rethinking the Up-Sampling Operations in CNN-based Generative Network for Generalizable"
        " Deepfake Detection, CVPR 2024, arXiv 2312.10461",
        upstream="https://github.com/chuangchuangtan/NPR-DeepfakeDetection (nothing copied)",
        licence="Apache-2.0; upstream has no licence file",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN",
            input_size="256x256",
            input_policy="whole image resized bilinearly to a square",
            size=Size(1_437_761, 2.24),
            view=PAPER_VIEW,
            front_end="differences of neighbouring pixels, in float32",
            network=_large,
            stages=(("fc1",), ("layer2",), ("layer1",)),
            plan=Plan(PAPER_SCHEDULE, "adam", weight_decay=0, batch=32, epochs=50, validation=0.1),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(5_457, 0.00649),
            view=SMALL_VIEW,
            front_end="differences of neighbouring pixels, in float32",
            network=_small,
            stages=(("fc1",), ("layer1",)),
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1),
        ),
    }
