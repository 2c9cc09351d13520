"""Plain vision transformers, fine-tuned as they are: the baselines of GenImage beside its ResNet-50.

Zhu et al., "GenImage: A Million-Scale Benchmark for Detecting AI-Generated Image", NeurIPS 2023, arXiv 2306.08571:
DeiT-S (Touvron et al., ICML 2021, arXiv 2012.12877) and Swin-T (Liu et al., ICCV 2021, arXiv 2103.14030) by the code of
their own papers, without hyper-parameters. Those are chosen here, as is usual when such networks are fine-tuned with
timm: ImageNet-1k weights with a new last layer, AdamW from 5e-5 along half a cosine with a weight decay of 0.05, 30
epochs with batches of 64, random parts of images, mirroring, and random erasing by noise in a quarter of them, as both
papers have it; a tenth of the training images is held out and the weights of its best epoch are kept. What both papers
also do from random weights is left out: mixup, cutmix, label smoothing, RandAugment, stochastic depth, averaged
weights, and warming up.

Tests are shown the centre 224 of images whose shorter side is brought to 256 by a bicubic filter, ImageNet's mean and
deviation, as the code of both papers has it. timm's own default for the same weights is 248 (a crop of 0.9).

The small setting is the same method at the size of the embedded corpus. Both networks start from weights that were
pretrained to grade rendered photographs by content, camera and compression, as CNNSpot's small network does, and are
fine-tuned on crops of 64 pixels. In place of a linear patch embedding they have a convolutional stem: from random
weights, or behind linear patches of 16 pixels, they learn a few hundred images by heart and stay at chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.architectures.support.initial_weights import random_init, with_new_parts
from detectors.preprocessing.augmentation import SMALL_CROPS
from detectors.preprocessing.views import ZoomedView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule
from detectors.training.stages import DEIT_STAGES, SMALL_DEIT_STAGES
from detectors.weight_file import HashedFile
from detectors.weights.files import HubFile, ShippedFile
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_VIEW = ZoomedView(resize=256, crop=224, erase=0.25)
GENIMAGE = "Zhu et al., GenImage, NeurIPS 2023, arXiv 2306.08571; network: "
POLICY = "shorter side resized to 256, bicubic, then centre crop"

PAPER_PLAN = Plan(CosineSchedule(rate=5e-5, epochs=30), "adamw", weight_decay=0.05, batch=64, epochs=30, validation=0.1)
SMALL_PLAN = Plan(
    CosineSchedule(rate=1e-3, epochs=10), "adamw", weight_decay=0.05, batch=16, epochs=10, validation=0.15, threads=1
)


def _deit() -> nn.Module:
    from detectors.architectures import timm_networks

    return timm_networks.one_output_network("deit_small_patch16_224")


def _small_deit() -> nn.Module:
    from detectors.architectures import timm_networks

    return timm_networks.small_deit()


def _swin() -> nn.Module:
    from detectors.architectures import timm_networks

    return timm_networks.one_output_network("swin_tiny_patch4_window7_224")


def _small_swin() -> nn.Module:
    from detectors.architectures import timm_networks

    return timm_networks.small_swin()


@dataclass(frozen=True)
class DeitSmall(NetworkRecipe):
    """Recipe of a fine-tuned DeiT-S. The last layer of whatever weights fitting starts from is replaced."""

    card: ClassVar[Card] = Card(
        name="deit_s",
        family="network",
        year=2023,
        version=2,
        title="DeiT-S",
        paper=GENIMAGE + "Touvron et al., ICML 2021, arXiv 2012.12877",
        upstream="https://github.com/facebookresearch/deit; https://github.com/huggingface/pytorch-image-models"
        " (nothing copied)",
        licence="Apache-2.0 (own implementation, network of timm); ImageNet weights: Apache-2.0 (DeiT)",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, after ImageNet",
            input_size="224x224",
            input_policy=POLICY,
            size=Size(21_666_049, 4.6),
            view=PAPER_VIEW,
            network=_deit,
            kind="transformer",
            stages=DEIT_STAGES,
            plan=PAPER_PLAN,
            start=HubFile("timm/deit_small_patch16_224.fb_in1k"),
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(164_945, 0.125),
            view=SMALL_CROPS,
            network=_small_deit,
            kind="transformer",
            stages=SMALL_DEIT_STAGES,
            plan=SMALL_PLAN,
            start=ShippedFile("small_deit"),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new last layer."""
        del network
        random = random_init(self.network, seed)
        return with_new_parts(random, read(weights), optional=(), replaced=("head.",)), weights.path


@dataclass(frozen=True)
class SwinTiny(NetworkRecipe):
    """Recipe of a fine-tuned Swin-T. The last layer of whatever weights fitting starts from is replaced."""

    card: ClassVar[Card] = Card(
        name="swin_t",
        family="network",
        year=2023,
        version=2,
        title="Swin-T",
        paper=GENIMAGE + "Liu et al., ICCV 2021, arXiv 2103.14030",
        upstream="https://github.com/microsoft/Swin-Transformer; https://github.com/huggingface/pytorch-image-models"
        " (nothing copied)",
        licence="Apache-2.0 (own implementation, network of timm); ImageNet weights: MIT (Swin)",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, after ImageNet",
            input_size="224x224",
            input_policy=POLICY,
            size=Size(27_520_123, 4.49),
            view=PAPER_VIEW,
            network=_swin,
            kind="transformer",
            stages=(("head",), ("norm", "layers.3"), ("layers.2",), ("layers.1",), ("layers.0",)),
            plan=PAPER_PLAN,
            start=HubFile("timm/swin_tiny_patch4_window7_224.ms_in1k"),
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(411_661, 0.128),
            view=SMALL_CROPS,
            network=_small_swin,
            kind="transformer",
            stages=(("head",), ("norm", "layers.2"), ("layers.1",), ("layers.0",)),
            plan=SMALL_PLAN,
            start=ShippedFile("small_swin"),
        ),
    }

    def build(self) -> nn.Module:
        """The network, not on the meta device: no file holds the buffers of its windows."""
        from detectors.architectures import timm_networks

        return timm_networks.build_with_buffers(self.network)

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, renamed to timm's names where they are the authors' own, with a new last layer."""
        from timm.models.swin_transformer import checkpoint_filter_fn

        start = checkpoint_filter_fn(read(weights), network)
        random = random_init(self.network, seed)
        return with_new_parts(random, start, optional=(), replaced=("head.",)), weights.path
