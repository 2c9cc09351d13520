"""Plain backbones, fine-tuned as they are: the baselines that detectors are compared with.

`Resnet18` is the residual network of Yu, Tanuwijaya, Liu and Liu, "AI generated image detection: a deep learning
approach", slides, CUHK-Shenzhen, 2024: 15 epochs, batches of 32, a rate of 1e-4. The slides do not give the rest, which
is chosen here: ImageNet weights with a new last layer, whole images resized to 224x224, mirroring, Adam, a constant
rate, and the last weights. The loop holds out a tenth of the training images; nothing is chosen on them.

The small setting is the same method at the size of the embedded corpus: the small residual network, whose start is
not ImageNet but a classification of rendered photographs; crops of 64 pixels without a resize, mirroring; AdamW from
2e-3 along half a cosine, 10 epochs with batches of 16, and the weights of the best one.

`Resnet50` is the baseline of GenImage (Zhu et al., "GenImage: A Million-Scale Benchmark for Detecting AI-Generated
Image", NeurIPS 2023, arXiv 2306.08571), whose repository gives one command of timm 0.6.12: batches of 64 on each of two
devices, SGD at 0.05 along half a cosine, 200 epochs, random erasing by noise in 0.6 of the images. Of timm's defaults
the weight decay of 2e-5, the random part of an image, mirroring, and the test on the centre 224 of images whose shorter
side is brought to 235 by a bicubic filter (224 / 0.95) are taken over. Left out, for the training loop does not have
them: the split of each batch into a clean and two augmented parts with a consistency loss between them (JSD),
RandAugment, mixed precision, warming up, and Nesterov's form of momentum. The command has two outputs; one is the same
for two classes. It does not use pretrained weights; here training starts from ImageNet's, so that fewer images than
GenImage's suffice. They are torchvision's, whose own test resizes to 256 by a bilinear filter. A tenth of the training
images is held out and the weights of its best epoch are kept.

Its small setting replaces the last stage of the small residual network by two bottleneck blocks, randomly initialised
on top of the pretrained stages; the same images and numbers. From random weights it stays at chance on so few images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.architectures.support.initial_weights import random_init, with_new_head, with_new_parts
from detectors.preprocessing.augmentation import SMALL_CROPS
from detectors.preprocessing.views import SquareView, ZoomedView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.training.stages import RESNET_STAGES, SMALL_RESNET_STAGES
from detectors.weight_file import HashedFile
from detectors.weights.files import ShippedFile
from detectors.weights.imagenet import imagenet_weights
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_VIEW = SquareView(side=224, crop=224, test_crop=224, mirror=True)
GENIMAGE_VIEW = ZoomedView(resize=235, crop=224, erase=0.6)

SMALL_PLAN = Plan(
    CosineSchedule(rate=2e-3, epochs=10), "adamw", weight_decay=0.02, batch=16, epochs=10, validation=0.15, threads=1
)


@dataclass(frozen=True, kw_only=True)
class BottleneckVariant(NetworkVariant):
    """A network whose last stage may be a new one on top of the pretrained ones.

    Attributes:
        replaced_stage: Prefix of the names of the pretrained stage that is left out; empty for none.
        new_stage: Prefix of the names of the stage in its place.
    """

    replaced_stage: str = ""
    new_stage: str = ""


def _resnet18() -> nn.Module:
    from torchvision.models import resnet18

    return resnet18(num_classes=1)  # type: ignore[no-any-return]


def _small_resnet() -> nn.Module:
    from detectors.architectures.small_networks import SmallResNet

    return SmallResNet()


def _resnet50() -> nn.Module:
    from detectors.architectures import timm_networks

    return timm_networks.one_output_network("resnet50")


def _small_bottlenecks() -> nn.Module:
    from detectors.architectures import timm_networks

    return timm_networks.SmallBottleneckNet()


@dataclass(frozen=True)
class Resnet18(NetworkRecipe):
    """Recipe of a fine-tuned ResNet-18. The last layer of whatever weights fitting starts from is replaced."""

    card: ClassVar[Card] = Card(
        name="resnet18",
        family="network",
        year=2024,
        version=1,
        title="ResNet-18",
        paper="Yu et al., AI generated image detection: a deep learning approach, slides, CUHK-Shenzhen, 2024;"
        " network: He et al., CVPR 2016, arXiv 1512.03385",
        upstream="none: no code was published",
        licence="Apache-2.0 (own implementation); ImageNet weights: BSD-3-Clause (torchvision)",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, after ImageNet",
            input_size="224x224",
            input_policy="whole image resized bilinearly to a square",
            size=Size(11_177_025, 1.81),
            view=PAPER_VIEW,
            network=_resnet18,
            stages=RESNET_STAGES,
            plan=Plan(StepSchedule(rate=1e-4), "adam", weight_decay=0, batch=32, epochs=15, validation=0.1),
            start=imagenet_weights("resnet18"),
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(302_993, 0.183),
            view=SMALL_CROPS,
            network=_small_resnet,
            stages=SMALL_RESNET_STAGES,
            plan=SMALL_PLAN,
            start=ShippedFile("small_resnet"),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new last layer."""
        return with_new_head(network, read(weights), seed), weights.path


@dataclass(frozen=True)
class Resnet50(NetworkRecipe):
    """Recipe of a fine-tuned ResNet-50. The last layer of whatever weights fitting starts from is replaced."""

    card: ClassVar[Card] = Card(
        name="resnet50",
        family="network",
        year=2023,
        version=1,
        title="ResNet-50",
        paper="Zhu et al., GenImage, NeurIPS 2023, arXiv 2306.08571; network: He et al., CVPR 2016, arXiv 1512.03385",
        upstream="https://github.com/GenImage-Dataset/GenImage; https://github.com/huggingface/pytorch-image-models"
        " (nothing copied)",
        licence="Apache-2.0 (own implementation, network of timm); ImageNet weights: BSD-3-Clause (torchvision)",
    )
    variants: ClassVar[Mapping[Setting, BottleneckVariant]] = {
        "paper": BottleneckVariant(
            trained_on="the train subset of the run, after ImageNet",
            input_size="224x224",
            input_policy="shorter side resized to 235, bicubic, then centre crop",
            size=Size(23_510_081, 4.09),
            view=GENIMAGE_VIEW,
            network=_resnet50,
            stages=RESNET_STAGES,
            plan=Plan(
                CosineSchedule(rate=0.05, epochs=200), "sgd", weight_decay=2e-5, batch=128, epochs=200, validation=0.1
            ),
            start=imagenet_weights("resnet50"),
        ),
        "small": BottleneckVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(114_833, 0.137),
            view=SMALL_CROPS,
            network=_small_bottlenecks,
            stages=(("fc",), ("deep",), ("layer2",), ("layer1",)),
            plan=SMALL_PLAN,
            start=ShippedFile("small_resnet"),
            replaced_stage="layer3.",
            new_stage="deep.",
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new last layer; the small residual network's, with a new last stage too."""
        start, variant = read(weights), self.variant
        if not variant.replaced_stage:
            return with_new_head(network, start, seed), weights.path
        kept = {name: tensor for name, tensor in start.items() if not name.startswith(variant.replaced_stage)}
        random = random_init(self.network, seed)
        return with_new_parts(random, kept, optional=(variant.new_stage,), replaced=("fc.",)), weights.path


@dataclass(frozen=True)
class Resnet18Pairs(Resnet18):
    """The same network trained on pairs: a real image and one generated from it in one batch, cropped alike."""

    card: ClassVar[Card] = replace(
        Resnet18.card,
        name="resnet18_pairs",
        title="ResNet-18, pair training",
        paper="after Saland, internship report on CLIP detectors, SIGMA, CRIStAL, 2024;"
        " network: He et al., CVPR 2016, arXiv 1512.03385",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": replace(
            Resnet18.variants["paper"],
            notes="data whose real images have generated counterparts, under one source, is needed",
            pairs="source",
        ),
        "small": replace(
            Resnet18.variants["small"],
            notes="the embedded corpus has no real images with generated counterparts, under one source: images of"
            " one kind of content are paired instead",
            pairs="content",
        ),
    }
