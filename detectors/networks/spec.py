"""Spec: a residual network on the logarithm of an image's spectrum, AutoGAN's classifier.

Zhang, Karaman and Chang, "Detecting and Simulating Artifacts in GAN Fake Images" (AutoGAN), WIFS 2019, arXiv
1907.06515. Upsampling repeats the spectrum of its input; the network reads log moduli of the Fourier transform
of each channel, spread from -1 at the 5th percentile to 1 at the 95th, with frequency 0 in the corner.

The paper setting is the published code: BGR images of 256x256 (others are resized to it by OpenCV's bilinear filter), a
crop of 224, at random in training and of the centre otherwise, ResNet-34 from ImageNet weights with two outputs of
which the second is "real", SGD, weight decay 1e-4, batches of 16, 20 epochs, the last weights kept. The code sets a
rate of 0.01 and a dampening of 0.9, which multiplies every gradient but the first by 0.1: the loop here has no
dampening and a rate of 0.001 instead, which differs in the weight of the first gradient alone. A tenth of the training
images is held out, on which nothing is chosen. The code resizes where the height is not 256; here, where either side
is not.

The small setting is the same method at the size of the embedded corpus: whole images of 128 pixels, and two
convolutions and a linear layer in place of the ResNet-34, from random weights. They read the spectrum averaged over
cells of 4x4 frequencies: one periodogram is mostly noise, and with 400 images a network that read each frequency
overfitted to the noise (0.65 on a held-out fold of gan_ps, where this one has 0.93).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.architectures.support.initial_weights import with_new_head
from detectors.preprocessing.augmentation import SMALL_CROPS
from detectors.preprocessing.views import UNIT_MEAN, UNIT_STD, SquareView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.training.stages import CELL_NET_STAGES, RESNET_STAGES
from detectors.weight_file import HashedFile
from detectors.weights.imagenet import imagenet_weights
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

SIDE = 128
PAPER_VIEW = SquareView(256, 224, 224, mirror=False, library="opencv", channels="bgr", mean=UNIT_MEAN, std=UNIT_STD)
SMALL_VIEW = replace(SMALL_CROPS, crop=SIDE, mean=UNIT_MEAN, std=UNIT_STD)

SMALL_SCHEDULE = CosineSchedule(rate=2e-3, epochs=10)


def _large() -> nn.Module:
    """ResNet-34 on spectra."""
    from detectors.architectures.spectrum_networks import SpecResNet34

    return SpecResNet34()


def _small() -> nn.Module:
    """Two convolutions on spectra."""
    from detectors.architectures.spectrum_networks import SmallSpecNet

    return SmallSpecNet(SIDE, dropout=0.5)


@dataclass(frozen=True)
class Spec(NetworkRecipe):
    """Recipe of Spec. The last layer of whatever weights fitting starts from is replaced."""

    differentiable = False  # logarithms of weak frequencies bend within a hundredth of a level

    card: ClassVar[Card] = Card(
        name="spec",
        family="frequency",
        year=2019,
        version=2,
        title="Spec (AutoGAN's classifier)",
        paper="Zhang et al., Detecting and Simulating Artifacts in GAN Fake Images, WIFS 2019, arXiv 1907.06515",
        upstream="https://github.com/ColumbiaDVMM/AutoGAN (nothing copied)",
        licence="Apache-2.0; upstream code BSD",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, after ImageNet; a loaded checkpoint: whatever upstream's training"
            " was given",
            input_size="224x224",
            input_policy="whole image resized bilinearly to 256x256, centre crop",
            size=Size(21_285_698, 3.66),
            view=PAPER_VIEW,
            front_end="logarithm of the Fourier spectrum, in float64",
            network=_large,
            stages=RESNET_STAGES,
            plan=Plan(StepSchedule(rate=1e-3), "sgd", weight_decay=1e-4, batch=16, epochs=20, validation=0.1),
            start=imagenet_weights("resnet34"),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(10_994, 0.00104),
            view=SMALL_VIEW,
            front_end="logarithm of the Fourier spectrum, in float64",
            network=_small,
            stages=CELL_NET_STAGES,
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.05, batch=16, epochs=10, validation=0.15, threads=1),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new last layer."""
        return with_new_head(network, read(weights), seed), weights.path
