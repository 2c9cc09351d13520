"""The modified DeiT of Yu et al.: a vision transformer without its top layer, a bottleneck, and a binary output.

Yu, Tanuwijaya, Liu and Liu, "AI generated image detection: a deep learning approach", slides, CUHK-Shenzhen, 2024; the
transformer: Touvron et al., "Training data-efficient image transformers & distillation through attention", ICML 2021,
arXiv 2012.12877.

The slides give: "DeiT-224" without its top layer, a bottleneck layer and a binary output; batches of 32, a rate of
1e-3, early stopping, at most 50 epochs; and they report an accuracy of 0.97 on images of the generator that it was
trained on and of 0.92 on those of another. They do not give the rest, which is chosen here:
- the size: DeiT-B, which its authors mean by DeiT where they give no size, at 224 pixels;
- what is trained: the bottleneck and the output. A rate of 1e-3 is some twenty times that of fine-tuning a whole DeiT
  (5e-5), and would destroy its pretrained weights; it is usual for new layers on a frozen network. So `tune` is "top"
  unless another value is given, which is written into the key;
- the bottleneck: a dense layer of 256, GELU, and dropout of 0.5; the output: one, for two classes are one log odds;
- images: DeiT's own test, the centre 224 of images whose shorter side is brought to 256 by a bicubic filter (timm's
  default for these weights is 248); in training random parts of at least half of an image, mirrored, for scale and flip
  are on the slides;
- Adam, and the end after 5 epochs without better accuracy on a tenth of the training images.

The small setting is the same method at the size of the embedded corpus: the small DeiT, frozen as it was pretrained to
grade rendered photographs, and a bottleneck of 64; whole images, at most 50 epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.api import Card, Setting, Size
from detectors.architectures.support.initial_weights import random_init, with_new_parts
from detectors.preprocessing.views import SquareView, ZoomedView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import EarlyStopping
from detectors.training.stages import DEIT_STAGES, SMALL_DEIT_STAGES
from detectors.weight_file import HashedFile
from detectors.weights.files import HubFile, ShippedFile
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDTH, SMALL_WIDTH = 256, 64  # of the bottleneck
PAPER_VIEW = ZoomedView(resize=256, crop=224, min_share=0.5)
SMALL_VIEW = SquareView(side=128, crop=128, test_crop=128, mirror=False)
OUTPUT_LAYERS = ("head.fc.", "head.weight", "head.bias")  # the output, here and in DeiT

SCHEDULE = EarlyStopping(rate=1e-3, patience=5, first_margin=1e-9, lowest_rate=1e-3)


def _large() -> nn.Module:
    """DeiT-B with a bottleneck before the output."""
    from detectors.architectures import timm_networks

    return timm_networks.add_bottleneck(timm_networks.one_output_network("deit_base_patch16_224"), WIDTH, dropout=0.5)


def _small() -> nn.Module:
    """The small DeiT with a bottleneck before the output."""
    from detectors.architectures import timm_networks

    return timm_networks.add_bottleneck(timm_networks.small_deit(), SMALL_WIDTH, dropout=0.2)


@dataclass(frozen=True)
class YuDeit(NetworkRecipe):
    """Recipe of the modified DeiT. The output of whatever weights fitting starts from is replaced.

    Attributes:
        tune: As for every network, but the "top", the bottleneck and the output, unless another value is given.
    """

    tune: Literal["all", "top", "staged"] = "top"

    card: ClassVar[Card] = Card(
        name="yu_deit",
        family="network",
        year=2024,
        version=2,
        title="Modified DeiT (Yu et al.)",
        paper="Yu et al., AI generated image detection: a deep learning approach, slides, CUHK-Shenzhen, 2024;"
        " network: Touvron et al., ICML 2021, arXiv 2012.12877",
        upstream="none: no code was published",
        licence="Apache-2.0 (own implementation, network of timm); ImageNet weights: Apache-2.0 (DeiT)",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="bottleneck and output: the train subset of the run; transformer: ImageNet",
            input_size="224x224",
            input_policy="shorter side resized to 256, bicubic, then centre crop",
            size=Size(85_995_777, 17.6),
            view=PAPER_VIEW,
            network=_large,
            kind="transformer",
            stages=DEIT_STAGES,
            plan=Plan(SCHEDULE, "adam", weight_decay=0, batch=32, epochs=50, validation=0.1),
            start=HubFile("timm/deit_base_patch16_224.fb_in1k"),
        ),
        "small": NetworkVariant(
            trained_on="bottleneck and output: the train subset of the run; transformer: rendered photographs",
            input_size="128x128",
            input_policy="whole image resized bilinearly to a square",
            size=Size(169_105, 0.125),
            view=SMALL_VIEW,
            network=_small,
            kind="transformer",
            stages=SMALL_DEIT_STAGES,
            plan=Plan(SCHEDULE, "adam", weight_decay=0, batch=32, epochs=50, validation=0.15, threads=1),
            start=ShippedFile("small_deit"),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new output, and with a new bottleneck where they have none."""
        del network
        random = random_init(self.network, seed)
        start = read(weights)
        return with_new_parts(random, start, optional=("head.bottleneck.",), replaced=OUTPUT_LAYERS), weights.path
