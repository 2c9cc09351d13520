"""F3Net: an image as bands of its own frequencies, and how strong frequencies are from place to place.

Qian, Yin, Sheng, Chen and Shao, "Thinking in Frequency: Face Forgery Detection by Mining Frequency-aware Clues", ECCV
2020, arXiv 2007.09355. Its authors published no code. Two ports are in use, whose checkpoints and bands differ:

- `f3net` is the personal port of yyk-wew in its default mode: the decomposition alone, in front of one Xception; bands
  of i + j from 0 to 106, 106 to 149, 149 to 598, and all, both ends included, so that neighbours share the coefficients
  between them; one output. By its README its other branch is wrong and its results are below the paper's.
- `f3net_genimage` is the port in GenImage's list, by Leminhbinh0209: both branches, two Xceptions and two blocks of
  cross-attention between them; bands above 0 to 18, above 18 to 37, above 37 to 299, and all above 0, so that the mean
  is in none and the high-high corner, i + j above 299, in the last alone; two outputs. It names neither: by GenImage's
  folders, as in the first port, 1 is "generated". One version of it is set to images of 128 pixels; here it is the one
  of 299, as in the paper.

The local statistics of `f3net_genimage` are logarithms of coefficients of which many vanish, in flat windows all but
the mean: in single precision, as published, logarithms of rounding errors. With random weights, the published code
moves by up to 0.25 in probability over 30 images where that part is given double precision (0.03 in the mean); from
that, this module differs by up to 0.055 (0.005), in images with flat areas.

In both, each coefficient's weight in each band is learnt, from 0 or 1 plus or minus about 0.05, by at most 1; images
are whole, resized to 299x299 by Pillow's bicubic filter (the default of `Image.resize`), values from -1 to 1; each
branch starts from ImageNet's Xception, its first convolution repeated for all bands and divided by their number.

Training in the paper setting: `f3net` by its port's numbers, Adam at 2e-4, batches of 12, mirroring, 5 epochs, the last
weights. `f3net_genimage` has no training code, so it follows the paper: SGD with momentum 0.9 at 0.002 along a cosine,
batches of 128, 150,000 steps, which with GenImage's 324,000 images of one generator are 66 epochs. The rate 0.002 was
not checked against the paper; a commented-out line of the first port has it as well. Mirroring is chosen here. The
first port draws as many real images as generated ones for every batch, which is not done here. A tenth of the images is
held out: nothing is chosen on it for `f3net`, and the best epoch for `f3net_genimage`.

The small setting is the same method at the size of the embedded corpus: squares of 64 pixels, random in training and
four an image in the test, are decomposed with the bands at their size; the small residual network of rendered
photographs stands in for Xception, its first convolution repeated likewise (from random weights nothing was learnt in
the time); and both branches are mixed after its last two blocks. AdamW from 2e-3 along half a cosine, batches of 16, 10
epochs for one branch and 5 for both, and the weights of the best one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image as PillowImage

from detectors.api import Card, Image, Setting, Size
from detectors.architectures.support.initial_weights import random_init, with_new_parts
from detectors.preprocessing.augmentation import SMALL_CROPS, ChannelValues
from detectors.preprocessing.views import SYMMETRIC
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.training.stages import Stages
from detectors.weight_file import HashedFile, WrongWeights
from detectors.weights.files import HubFile, ShippedFile
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER = "Qian et al., Thinking in Frequency: Face Forgery Detection by Mining Frequency-aware Clues, ECCV 2020, arXiv"
LICENCE = "Apache-2.0 (own implementation; ImageNet weights: Apache-2.0, timm); upstream has no licence file"


@dataclass(frozen=True, slots=True)
class WholeImageView:
    """The whole image brought to a square by Pillow's bicubic filter; half of them are mirrored in training.

    Attributes:
        side: Side of the square.
        mean: Brings values to [-1, 1], by default.
        std: Brings values to [-1, 1], by default.
    """

    side: int
    mean: ChannelValues = SYMMETRIC
    std: ChannelValues = SYMMETRIC

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The square, maybe mirrored, uint8 (side, side, 3)."""
        square = self.test(pixels)
        return np.ascontiguousarray(square[:, ::-1]) if rng.random() < 0.5 else square

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The square, uint8 (side, side, 3)."""
        return np.asarray(PillowImage.fromarray(pixels).resize((self.side, self.side), PillowImage.Resampling.BICUBIC))

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        return float_images.resize(images, self.side, self.side, "pillow bicubic")


PAPER_VIEW = WholeImageView(299)
SMALL_VIEW = replace(SMALL_CROPS, mean=SYMMETRIC, std=SYMMETRIC)

XCEPTION, SMALL_RESNET = HubFile("timm/legacy_xception.tf_in1k"), ShippedFile("small_resnet")
SQUARE = "whole image resized bicubically to a square"
CROP = "centre crop without resize; smaller images are enlarged bilinearly"
ONE_BRANCH = (
    "the port's decomposition branch alone, which its author measured below the paper; `f3net_genimage` has both"
    " branches"
)
FLAT_WINDOWS = (
    "the published code takes logarithms of rounding errors, in flat windows most, so that its probabilities of images"
    " with flat areas cannot agree with these: here local statistics are computed in float64, and what vanishes is 0"
)
PAPER_MIXED_SCHEDULE = CosineSchedule(rate=0.002, epochs=66)
SMALL_FAD_SCHEDULE, SMALL_MIXED_SCHEDULE = CosineSchedule(rate=2e-3, epochs=10), CosineSchedule(rate=2e-3, epochs=5)


@dataclass(frozen=True, kw_only=True)
class BranchVariant(NetworkVariant):
    """A network of branches, each of which starts from the weights of a network of images.

    Attributes:
        branches: Names of the branches.
    """

    branches: tuple[str, ...]


def _fad() -> nn.Module:
    """Xception behind the decomposition."""
    from detectors.architectures.f3net import F3NetFad

    return F3NetFad()


def _small_fad() -> nn.Module:
    """The small network behind the decomposition."""
    from detectors.architectures.f3net import SmallFadNet

    return SmallFadNet()


def _mixed() -> nn.Module:
    """Two Xceptions, mixed."""
    from detectors.architectures.f3net import TwoBranchF3Net

    return TwoBranchF3Net()


def _small_mixed() -> nn.Module:
    """Two small networks, mixed."""
    from detectors.architectures.f3net import SmallTwoBranchNet

    return SmallTwoBranchNet()


def _xception_stages(*top: str, branches: tuple[str, ...]) -> Stages:
    """The stages of a network on Xceptions: these parts, the last convolutions of each branch, and its last blocks."""
    return _stages(top, branches, (("conv3", "bn3", "conv4", "bn4"), ("block12",), ("block11",)))


def _trunk_stages(*top: str, branches: tuple[str, ...]) -> Stages:
    """The stages of a network on small residual networks: these parts, and the blocks of each branch."""
    return _stages(top, branches, (("layer3",), ("layer2",), ("layer1",)))


def _stages(top: tuple[str, ...], branches: tuple[str, ...], stages: Stages) -> Stages:
    """Parts of the whole network, then the stages of its branches, together."""
    return top, *(tuple(f"{branch}.{part}" for branch in branches for part in stage) for stage in stages)


@dataclass(frozen=True)
class _F3NetRecipe(NetworkRecipe):
    """A port of F3Net. The last layer of whatever weights fitting starts from is replaced."""

    variants: ClassVar[Mapping[Setting, BranchVariant]]
    new_parts: ClassVar[tuple[str, ...]]  # prefixes of the names that no network of images has

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Weights of this network, or those of a network of images for each branch, with a new last layer."""
        random = random_init(self.network, seed)
        start = read(weights)
        if not any(name.startswith(self.new_parts) for name in start):
            start = self._for_branches(start, network, weights)
        return with_new_parts(random, start, optional=self.new_parts, replaced=("fc.",)), weights.path

    def _for_branches(self, backbone: dict[str, Tensor], network: nn.Module, weights: HashedFile) -> dict[str, Tensor]:
        """Weights of a network of images for each branch, whose first convolution reads several bands of an image."""
        first = backbone.get("conv1.weight")
        if first is None:
            msg = f"{weights.path} is neither {self.card.title} nor a network of images: it has no conv1.weight"
            raise WrongWeights(msg)
        trunk = {name: tensor for name, tensor in backbone.items() if not name.startswith("fc.")}
        start: dict[str, Tensor] = {}
        for branch in self.variant.branches:
            copies = network.get_parameter(f"{branch}.conv1.weight").shape[1] // 3
            own = trunk | {"conv1.weight": first.repeat(1, copies, 1, 1) / copies}
            start |= {f"{branch}.{name}": tensor for name, tensor in own.items()}
        return start


@dataclass(frozen=True)
class F3Net(_F3NetRecipe):
    """Recipe of F3Net by the personal port: the decomposition alone."""

    new_parts: ClassVar[tuple[str, ...]] = ("FAD_head.", "FAD_xcep.fc.")
    card: ClassVar[Card] = Card(
        name="f3net",
        family="network",
        year=2020,
        version=1,
        title="F3-Net (FAD)",
        paper=f"{PAPER} 2007.09355",
        upstream="https://github.com/yyk-wew/F3Net (nothing copied)",
        licence=LICENCE,
    )
    variants: ClassVar[Mapping[Setting, BranchVariant]] = {
        "paper": BranchVariant(
            trained_on="the train subset of the run, after ImageNet; a loaded checkpoint: faces of FaceForensics++",
            input_size="299x299",
            input_policy=SQUARE,
            size=Size(21_171_246, 9.21),
            notes=ONE_BRANCH,
            view=PAPER_VIEW,
            front_end="bands of the DCT, in float32, and their local strength, in float64",
            network=_fad,
            stages=_xception_stages("fc", "FAD_head", branches=("FAD_xcep",)),
            plan=Plan(StepSchedule(rate=2e-4), "adam", weight_decay=0, batch=12, epochs=5, validation=0.1),
            start=XCEPTION,
            published=True,
            branches=("FAD_xcep",),
        ),
        "small": BranchVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy=CROP,
            size=Size(320_673, 0.236),
            notes=ONE_BRANCH,
            view=SMALL_VIEW,
            front_end="bands of the DCT, in float32, and their local strength, in float64",
            network=_small_fad,
            stages=_trunk_stages("fc", "FAD_head", branches=("FAD_trunk",)),
            plan=Plan(SMALL_FAD_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=10, validation=0.15, threads=1),
            start=SMALL_RESNET,
            branches=("FAD_trunk",),
        ),
    }


@dataclass(frozen=True)
class F3NetGenImage(_F3NetRecipe):
    """Recipe of F3Net by the port in GenImage's list: both branches, mixed."""

    new_parts: ClassVar[tuple[str, ...]] = ("fad_head.", "lfs_head.", "mix_block")
    differentiable = False  # logarithms of weak frequencies bend within a hundredth of a level

    card: ClassVar[Card] = Card(
        name="f3net_genimage",
        family="network",
        year=2020,
        version=2,
        title="F3-Net (GenImage's port)",
        paper=f"{PAPER} 2007.09355; as compared in: Zhu et al., GenImage, NeurIPS 2023, arXiv 2306.08571",
        upstream="https://github.com/Leminhbinh0209/F3Net (nothing copied)",
        licence=LICENCE,
    )
    variants: ClassVar[Mapping[Setting, BranchVariant]] = {
        "paper": BranchVariant(
            trained_on="the train subset of the run, after ImageNet",
            input_size="299x299",
            input_policy=SQUARE,
            size=Size(48_319_026, 18.8),
            notes=FLAT_WINDOWS,
            view=PAPER_VIEW,
            front_end="bands of the DCT, in float32, and their local strength, in float64",
            network=_mixed,
            stages=_xception_stages(
                "fc", "fad_head", "lfs_head", "mix_block7", "mix_block12", branches=("fad_excep", "lfs_excep")
            ),
            plan=Plan(PAPER_MIXED_SCHEDULE, "sgd", weight_decay=0, batch=128, epochs=66, validation=0.1),
            start=XCEPTION,
            published=True,
            branches=("fad_excep", "lfs_excep"),
        ),
        "small": BranchVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy=CROP,
            size=Size(709_182, 0.463),
            notes=FLAT_WINDOWS,
            view=SMALL_VIEW,
            front_end="bands of the DCT, in float32, and their local strength, in float64",
            network=_small_mixed,
            stages=_trunk_stages(
                "fc", "fad_head", "lfs_head", "mix_block2", "mix_block3", branches=("fad_trunk", "lfs_trunk")
            ),
            plan=Plan(SMALL_MIXED_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=5, validation=0.15, threads=1),
            start=SMALL_RESNET,
            branches=("fad_trunk", "lfs_trunk"),
        ),
    }
