"""LaDeDa and Tiny-LaDeDa: the mean of what a network says of every small patch of an image.

Cavia, Horwitz, Reiss and Hoshen, "Real-Time Deepfake Detection in the Real-World", arXiv 2406.09398. LaDeDa is a
ResNet-50 whose convolutions are 1x1 but for three, so that each output sees 9x9 pixels; Tiny-LaDeDa has four
convolutions of eight channels. Both read the image after a fixed filter: NPR's residual, or a gradient.

The paper settings are the published code: whole images resized to 256x256, random crops of 224 mirrored in half of the
images, nothing cropped in the test; Adam at 2e-4, batches of 32, the rate a tenth lower after 15 epochs without
improvement, down to 1e-6. They depart in validating on a tenth of the training images. Tiny-LaDeDa is published as a
student of LaDeDa's scores of patches; here it learns from the labels of whole images, as LaDeDa does.

Published files do not say which filter they are for: the option `input_filter` does, else the file where it was kept by
a run, the registry of released checkpoints where it knows the file, and the default of the published code (NPR for
LaDeDa, "right_diag" for Tiny-LaDeDa). Its number is part of the weights of a fitted detector. The same holds of a file
that a training starts from.

The small settings are the same methods at the size of the embedded corpus: crops of 64 pixels without a resize, which
would mix the traces; AdamW along half a cosine, and the weights of the best epoch. Both read the gradient: of NPR's
residual on such crops LaDeDa makes less (60 against 90 % on scenes other than those of the corpus).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

from detectors.api import Card, Runtime, Setting, Size, TrainSet
from detectors.architectures.filter_names import FILTERS, InputFilter
from detectors.preprocessing.augmentation import SMALL_CROPS
from detectors.preprocessing.views import SquareView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, EarlyStopping
from detectors.training.stages import RESNET_STAGES, Stages
from detectors.weight_file import HashedFile, WrongWeights
from detectors.weights.released import released_checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

PAPER_VIEW = SquareView(side=256, crop=224, test_crop=256, mirror=True)
PAPER_PLAN = Plan(
    EarlyStopping(rate=2e-4, patience=15, factor=0.9), "adam", weight_decay=0, batch=32, epochs=1000, validation=0.1
)
TINY_PLAN = Plan(
    CosineSchedule(rate=1e-2, epochs=12), "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1
)
SMALL_PLAN = replace(TINY_PLAN, schedule=CosineSchedule(rate=4e-3, epochs=12))
FILTER = "input_filter"  # the option, and the weight by which a network knows its filter
SMALL_MOMENTUM = 0.1  # there are few batches
TINY_STAGES: Stages = (("fc",), ("layer1",))
PAPER = "Cavia et al., Real-Time Deepfake Detection in the Real-World, arXiv 2406.09398"
UPSTREAM = "https://github.com/barcavia/RealTime-DeepfakeDetection-in-the-RealWorld (nothing copied)"
LICENCE = "Apache-2.0; upstream code and checkpoints for research only"
RESIZED = "whole image resized bilinearly to a square"
CROPPED = "centre crop without resize; smaller images are enlarged bilinearly"


def _large() -> nn.Module:
    from detectors.architectures.ladeda import LaDeDaNet

    return LaDeDaNet()


def _small() -> nn.Module:
    from detectors.architectures.ladeda import LaDeDaNet

    return LaDeDaNet(16, (1, 1), (3, 3), (2, 2), SMALL_MOMENTUM)


def _tiny() -> nn.Module:
    from detectors.architectures.ladeda import TinyLaDeDaNet

    return TinyLaDeDaNet()


def _small_tiny() -> nn.Module:
    from detectors.architectures.ladeda import TinyLaDeDaNet

    return TinyLaDeDaNet(momentum=SMALL_MOMENTUM)


@dataclass(frozen=True, kw_only=True)
class FilteredVariant(NetworkVariant):
    """A network behind a filter in one setting.

    Attributes:
        input_filter: The filter, unless the user chooses or the registry knows the file.
    """

    input_filter: InputFilter


@dataclass(frozen=True)
class FilteredRecipe(NetworkRecipe):
    """A network behind a fixed filter of its input.

    Attributes:
        input_filter: The filter; None is the one that the weights are for which are loaded or started from, else the
            variant's own.
    """

    input_filter: InputFilter | None = None

    variants: ClassVar[Mapping[Setting, FilteredVariant]]

    def input_statistics(self, train: TrainSet, seed: int, runtime: Runtime) -> dict[str, Tensor]:
        """The number of the filter: it is no weight, but a state without it could not be restored."""
        del train, seed, runtime
        if self.weight_files():  # `warm_start` has it
            return {}
        return _filter_tensor(self.input_filter or self.variant.input_filter)

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Those of the file, with the number of the filter that they are for."""
        tensors, origin = super().warm_start(network, weights, seed)
        return self.checkpoint_tensors(tensors, weights), origin

    def checkpoint_tensors(self, tensors: dict[str, Tensor], file: HashedFile) -> dict[str, Tensor]:
        """Those of the file, with the number of the filter: the user's, the file's, the registry's or the variant's.

        Raises:
            WrongWeights: The file has a number that is no filter's.
        """
        if self.input_filter is None and FILTER in tensors:
            _require_filter(tensors[FILTER], file)
            return tensors
        known = released_checkpoint(file.sha256)
        published = cast("InputFilter | None", known.options.get(FILTER)) if known else None
        return tensors | _filter_tensor(self.input_filter or published or self.variant.input_filter)


def _filter_tensor(name: InputFilter) -> dict[str, Tensor]:
    """The weight by which a network knows its filter."""
    import torch

    return {FILTER: torch.tensor(FILTERS.index(name))}


def _require_filter(number: Tensor, file: HashedFile) -> None:
    """Raise `WrongWeights` unless a tensor is the number of a filter."""
    if number.shape or number.is_floating_point() or not 0 <= int(number) < len(FILTERS):
        msg = f"{file.path} says its {FILTER} is {number.tolist()}, not one of 0 to {len(FILTERS) - 1}: give the option"
        raise WrongWeights(f"{msg} {FILTER}, one of {', '.join(FILTERS)}")


@dataclass(frozen=True)
class LaDeDa(FilteredRecipe):
    """Recipe of LaDeDa."""

    card: ClassVar[Card] = Card(
        name="ladeda",
        family="network",
        year=2024,
        version=1,
        title="LaDeDa",
        paper=PAPER,
        upstream=UPSTREAM,
        licence=LICENCE,
    )
    variants: ClassVar[Mapping[Setting, FilteredVariant]] = {
        "paper": FilteredVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN, or WildRF",
            input_size="256x256",
            input_policy=RESIZED,
            size=Size(13_641_793, 21.0),
            view=PAPER_VIEW,
            front_end="fixed filter of the normalised pixels, in float32",
            network=_large,
            stages=RESNET_STAGES,
            plan=PAPER_PLAN,
            input_filter="NPR",
            published=True,
        ),
        "small": FilteredVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy=CROPPED,
            size=Size(31_633, 0.086),
            view=SMALL_CROPS,
            front_end="fixed filter of the normalised pixels, in float32",
            network=_small,
            stages=(("fc",), ("layer2",), ("layer1",)),
            plan=SMALL_PLAN,
            input_filter="right_diag",
        ),
    }


@dataclass(frozen=True)
class TinyLaDeDa(FilteredRecipe):
    """Recipe of Tiny-LaDeDa."""

    card: ClassVar[Card] = replace(LaDeDa.card, name="tiny_ladeda", title="Tiny-LaDeDa")
    variants: ClassVar[Mapping[Setting, FilteredVariant]] = {
        "paper": FilteredVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN, or WildRF",
            input_size="256x256",
            input_policy=RESIZED,
            size=Size(1_297, 0.052),
            view=PAPER_VIEW,
            front_end="fixed filter of the normalised pixels, in float32",
            network=_tiny,
            stages=TINY_STAGES,
            plan=PAPER_PLAN,
            input_filter="right_diag",
            published=True,
        ),
        "small": FilteredVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy=CROPPED,
            size=Size(1_297, 0.0128),
            view=SMALL_CROPS,
            front_end="fixed filter of the normalised pixels, in float32",
            network=_small_tiny,
            stages=TINY_STAGES,
            plan=TINY_PLAN,
            input_filter="right_diag",
        ),
    }
