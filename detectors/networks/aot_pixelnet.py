"""AOT-PixelNet: the Walsh spectrum of every block of 8x8 pixels, read by 1x1 convolutions.

"AOT-PixelNet: Lightweight and interpretable detection of forged images via adaptive orthogonal transform", Applied Soft
Computing 2025, doi 10.1016/j.asoc.2025.113873. An image in YCbCr is cut into blocks without overlap; each is multiplied
from both sides with the orthogonal Walsh matrix, and the logarithms of its 64 coefficients in three channels are the
192 channels of the input of a network that never looks beside a block: half a ResNet-50 whose kernels are all 1x1, with
a gate at the end of every bottleneck.

The paper setting is the published code with that matrix: random crops of 224 rotated by up to 10 degrees, mirrored and
partly erased in half of the images each; AdamW at 5e-4 with weight decay 1e-4, a tenth of it after 20 and after 40
epochs, batches of 32, 50 epochs, the last weights kept. It departs in the lowest rate (5e-6, where the code stops at
1e-5), in computing in full precision and in holding out a tenth of the training images, on which nothing is chosen.
Smaller images are enlarged in training, where the published code fails.

The small setting is the same method at the size of the embedded corpus: 16 channels and one bottleneck in each stage on
crops of 64 pixels, AdamW along half a cosine, and the weights of the best epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.preprocessing.ycbcr import YCbCrCrops
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.training.stages import Stages

if TYPE_CHECKING:
    from torch import nn

PAPER_VIEW = YCbCrCrops(crop=224, test_crop=224, pad=True)
SMALL_VIEW = YCbCrCrops(crop=64, test_crop=128, pad=False, degrees=0.0, erase=0.0)
PAPER_SCHEDULE = StepSchedule(rate=5e-4, factor=0.1, every=20)
SMALL_SCHEDULE = CosineSchedule(rate=4e-3, epochs=12)
STAGES: Stages = (("fc1",), ("layer2",), ("layer1",))


def _large() -> nn.Module:
    from detectors.architectures.aot_pixelnet import AotPixelNet

    return AotPixelNet()


def _small() -> nn.Module:
    from detectors.architectures.aot_pixelnet import AotPixelNet

    return AotPixelNet(16, (1, 1))


@dataclass(frozen=True)
class AotPixelNetRecipe(NetworkRecipe):
    """Recipe of AOT-PixelNet."""

    card: ClassVar[Card] = Card(
        name="aot_pixelnet",
        family="network",
        year=2025,
        version=1,
        title="AOT-PixelNet",
        paper="AOT-PixelNet: Lightweight and interpretable detection of forged images via adaptive orthogonal"
        " transform, Applied Soft Computing 2025, doi 10.1016/j.asoc.2025.113873",
        upstream="https://github.com/deepsafe-tdt/AOT-PixelNet (nothing copied)",
        licence="Apache-2.0; upstream code and checkpoint MIT",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN, 4 classes",
            input_size="224x224",
            input_policy="centre crop without resize; smaller images are padded with zeros in YCbCr",
            size=Size(981_890, 0.642),
            view=PAPER_VIEW,
            front_end="logarithm of the Walsh spectrum of blocks, in float32",
            network=_large,
            stages=STAGES,
            plan=Plan(PAPER_SCHEDULE, "adamw", weight_decay=1e-4, batch=32, epochs=50, validation=0.1),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(24_802, 0.00616),
            view=SMALL_VIEW,
            front_end="logarithm of the Walsh spectrum of blocks, in float32",
            network=_small,
            stages=STAGES,
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1),
        ),
    }
