"""CNNSpot: a pretrained residual network, fine-tuned on blurred and JPEG-compressed images.

Wang, Wang, Zhang, Owens and Efros, "CNN-generated images are surprisingly easy to spot... for now", CVPR 2020,
arXiv 1912.11035.

The paper setting is the published one: ResNet-50 from ImageNet weights, blur and JPEG each with probability 0.5, Adam
at 1e-4, batches of 64, early stopping on accuracy. It departs in where it validates: on a tenth of the training images,
so that no test generator is ever looked at.

The small setting is the same method at the size of the embedded corpus: a small residual network, whose start is not
ImageNet but a classification of rendered photographs by content and camera; random crops of 64 pixels without a resize;
blur and JPEG each with probability 0.1, as in the second published model; AdamW at 2e-3 with batches of 16, and the
same rule of early stopping with less patience. Images smaller than the crop are enlarged, not framed in black.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.architectures.support.initial_weights import with_new_head
from detectors.preprocessing.augmentation import BlurJpeg
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import EarlyStopping
from detectors.training.stages import RESNET_STAGES, SMALL_RESNET_STAGES
from detectors.weight_file import HashedFile
from detectors.weights.files import ShippedFile
from detectors.weights.imagenet import imagenet_weights
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_VIEW = BlurJpeg(probability=0.5, resize=256, crop=224, test_crop=224, pad=True)
SMALL_VIEW = BlurJpeg(probability=0.1, resize=None, crop=64, test_crop=128, pad=False)

SMALL_SCHEDULE = EarlyStopping(rate=2e-3, patience=2, lowest_rate=1e-4)


def _large() -> nn.Module:
    from torchvision.models import resnet50

    return resnet50(num_classes=1)  # type: ignore[no-any-return]


def _small() -> nn.Module:
    from detectors.architectures.small_networks import SmallResNet

    return SmallResNet()


@dataclass(frozen=True)
class CnnSpot(NetworkRecipe):
    """Recipe of CNNSpot. The last layer of whatever weights fitting starts from is replaced."""

    card: ClassVar[Card] = Card(
        name="cnnspot",
        family="network",
        year=2020,
        version=1,
        title="CNNSpot",
        paper="Wang et al., CNN-generated images are surprisingly easy to spot... for now, CVPR 2020, arXiv 1912.11035",
        upstream="https://github.com/PeterWang512/CNNDetection (nothing copied)",
        licence="Apache-2.0; upstream code and checkpoints CC BY-NC-SA 4.0",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, after ImageNet; a loaded checkpoint: ProGAN",
            input_size="224x224",
            input_policy="centre crop without resize; smaller images are padded with black",
            size=Size(23_510_081, 4.09),
            view=PAPER_VIEW,
            network=_large,
            stages=RESNET_STAGES,
            plan=Plan(EarlyStopping(), "adam", weight_decay=0, batch=64, epochs=10_000, validation=0.1),
            start=imagenet_weights("resnet50"),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(302_993, 0.183),
            view=SMALL_VIEW,
            network=_small,
            stages=SMALL_RESNET_STAGES,
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1),
            start=ShippedFile("small_resnet"),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new last layer."""
        return with_new_head(network, read(weights), seed), weights.path
