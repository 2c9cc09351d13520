"""FerretNet: what a local median leaves of an image, read by separable convolutions.

Liang et al., "FerretNet: Efficient Synthetic Image Detection via Local Pixel Dependencies", NeurIPS 2025,
arXiv 2509.20890. The median of a pixel's eight neighbours and a zero predicts the pixel; the network reads the
difference, in which pixels that a generator made from each other show.

The paper setting is the published configuration of size S: random crops of 224 mirrored in half of the images, a
centre crop of 256 in the test, black around smaller images, CLIP's mean and deviation; Adam at a constant 2e-4 with
weight decay 5e-4, batches of 32, 100 epochs, the last weights kept. It departs in Adam's first beta (0.9, not 0.937),
in computing in full precision and in holding out a tenth of the training images, on which nothing is chosen. A loaded
checkpoint may be of size S or B: its tensors tell.

The small setting is the same method at the size of the embedded corpus: half the channels and one block in each stage
on crops of 64 pixels, AdamW from 4e-3 along half a cosine, and the weights of the best epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.api import Array, Card, Setting, Size
from detectors.architectures.support.initial_weights import on_meta_device
from detectors.preprocessing.augmentation import CLIP_MEAN, CLIP_STD, SMALL_CROPS, BlurJpeg
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.training.stages import Stages

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_VIEW = BlurJpeg(probability=0, resize=None, crop=224, test_crop=256, pad=True, mean=CLIP_MEAN, std=CLIP_STD)
SMALL_SCHEDULE = CosineSchedule(rate=4e-3, epochs=12)
STAGES: Stages = (("logit",), ("feature.2",), ("feature.1",), ("feature.0",))
CHANNELS = {"S": 32, "B": 96}
SMALL_CHANNELS = {"S": 16, "B": 32}
WIDTH = "cbr2.1.weight"  # has an entry for each channel after the second convolution


def _large() -> nn.Module:
    from detectors.architectures.ferretnet import FerretNet

    return FerretNet(CHANNELS["S"])


def _small() -> nn.Module:
    from detectors.architectures.ferretnet import FerretNet

    return FerretNet(SMALL_CHANNELS["S"], (1, 1), dropout=0.0)


def _wide() -> nn.Module:
    from detectors.architectures.ferretnet import FerretNet

    return FerretNet(CHANNELS["B"])


def _small_wide() -> nn.Module:
    from detectors.architectures.ferretnet import FerretNet

    return FerretNet(SMALL_CHANNELS["B"], (1, 1), dropout=0.0)


@dataclass(frozen=True, kw_only=True)
class FerretVariant(NetworkVariant):
    """FerretNet in one setting.

    Attributes:
        wide: Makes the network of size B; `network` that of size S.
        wide_channels: Channels after its second convolution.
    """

    wide: Callable[[], nn.Module]
    wide_channels: int


@dataclass(frozen=True)
class FerretNetRecipe(NetworkRecipe):
    """Recipe of FerretNet.

    Attributes:
        size: Of the network; None is S, or whatever a loaded checkpoint is.
    """

    size: Literal["S", "B"] | None = None

    card: ClassVar[Card] = Card(
        name="ferretnet",
        family="network",
        year=2025,
        version=1,
        title="FerretNet",
        paper="Liang et al., FerretNet: Efficient Synthetic Image Detection via Local Pixel Dependencies, NeurIPS 2025,"
        " arXiv 2509.20890",
        upstream="https://github.com/xigua7105/FerretNet (nothing copied)",
        licence="Apache-2.0, as upstream code and checkpoints",
    )
    variants: ClassVar[Mapping[Setting, FerretVariant]] = {
        "paper": FerretVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN, 4 classes",
            input_size="256x256",
            input_policy="centre crop without resize; smaller images are padded with black",
            size=Size(126_289, 0.293),
            view=PAPER_VIEW,
            front_end="differences from a local median, in float32",
            network=_large,
            wide=_wide,
            wide_channels=CHANNELS["B"],
            stages=STAGES,
            plan=Plan(StepSchedule(rate=2e-4), "adam", weight_decay=5e-4, batch=32, epochs=100, validation=0.1),
            published=True,
        ),
        "small": FerretVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(21_641, 0.0159),
            view=SMALL_CROPS,
            front_end="differences from a local median, in float32",
            network=_small,
            wide=_small_wide,
            wide_channels=SMALL_CHANNELS["B"],
            stages=STAGES,
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1),
        ),
    }

    def network(self) -> nn.Module:
        """The network of this setting and size, with randomly initialised weights."""
        return self.variant.wide() if self.size == "B" else self.variant.network()

    def build_for(self, tensors: Mapping[str, Tensor | Array]) -> nn.Module:
        """The network that these weights are of, unless a size is chosen."""
        found = tuple(tensors[WIDTH].shape) if WIDTH in tensors else ()
        if self.size is None and found == (self.variant.wide_channels,):
            return on_meta_device(self.variant.wide)
        return self.build()
