"""A residual network on log DCT coefficients: FreDect as benchmarks use it.

Frank et al., "Leveraging Frequency Analysis for Deep Fake Image Recognition", ICML 2020, arXiv 2003.08685, classify the
log discrete cosine transform of an image by lines and small networks; `fredect` is their line. AIGCDetectBenchmark
(Zhong et al., arXiv 2311.12397) and SIDBench report another detector by this name, which is this one: the shorter side
of the image resized to 256 (Pillow's bilinear filter), the centre of 224, the type-II transform (orthonormal) of each
channel in grey levels along rows and columns, log(|x| + 1e-12), each coefficient scaled by its mean and variance over
the train images, torchvision's ResNet-50 from random weights with one output.

A published checkpoint is three files of one folder: the weights, under `netC` and maybe with `module.` before their
names, and mean and variance, each one tensor (3, 224, 224) in a file of `torch.save`, which is a zip archive: SIDBench
calls them `dct_mean.zip` and `dct_var.zip`. AIGCDetectBenchmark calls them `dct_mean` and `dct_var` and keeps them in
a folder of their own, `weights/auxiliary`: put them beside the weights. `load` needs all three.

Test images are shown as by AIGCDetectBenchmark's `eval_all.py` and by SIDBench's `evaluate.py`; other entry scripts are
values of the option `script`. Of one checkpoint and image their probabilities may differ by some tenths. The original
code has none for this network.

Training in the paper setting is AIGCDetectBenchmark's: Adam at 1e-4, batches of 64, a tenth of the rate after 5 epochs
without improvement of validation accuracy, down to 1e-6, at most 1,000 epochs, and no augmentation: its blur, JPEG and
mirroring do not reach this detector. (The original trains its small network at 1e-3 with batches of 32 and stops after
5 epochs without improvement, 50 at most.) Here a tenth of the training images is held out for validation. The ports
give no code for mean and variance: here they are those of the images that the network is trained on, the variance
divided by N, as in the original code. A coefficient that vanishes, as nearly all of a flat image do, is 0 here and a
rounding error of up to 1e-11 there.

The small setting is the same method at the size of the embedded corpus: whole images of 128 pixels, and two
convolutions and a linear layer in place of the ResNet-50. They read coefficients averaged over cells of 4x4
frequencies, after the scaling: with 300 images, networks that read each coefficient or cells of 2x2 overfitted (0.80
and 0.76 on held-out folds of gan_ps, where this one has 0.92).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from detectors.api import Card, Detector, Image, Runtime, Setting, Size, TrainSet, Unavailable
from detectors.architectures.support.initial_weights import random_init, with_new_parts
from detectors.preprocessing.augmentation import SMALL_CROPS, ChannelValues, padded_centre, resize_shorter_side
from detectors.preprocessing.entry_scripts import EntryScript, script_notes
from detectors.preprocessing.views import UNIT_MEAN, UNIT_STD
from detectors.training.network_recipe import NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, EarlyStopping
from detectors.training.scripted_recipe import ScriptedRecipe
from detectors.training.stages import CELL_NET_STAGES, RESNET_STAGES
from detectors.weight_file import HashedFile, hashed_file
from detectors.weights.loading import load_strict
from detectors.weights.reading import read, read_tensor
from detectors.weights.released import companions_of, doubtful_companion

if TYPE_CHECKING:
    from torch import Tensor, nn

SIDE, SMALL_SIDE = 224, 128
STATISTICS_FILES = {"dct.mean": "dct_mean.zip", "dct.var": "dct_var.zip"}  # beside the weights, by names in the network


@dataclass(frozen=True, slots=True)
class ShorterSideView:
    """The centre of an image whose shorter side was resized, values from 0 to 1; the same in training and test.

    Attributes:
        shorter: Pixels of the shorter side.
        crop: Side of the centre crop.
    """

    shorter: int
    crop: int

    @property
    def mean(self) -> ChannelValues:
        """Nothing is subtracted."""
        return UNIT_MEAN

    @property
    def std(self) -> ChannelValues:
        """Values go from 0 to 1."""
        return UNIT_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test: nothing is drawn."""
        del rng
        return self.test(pixels)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre, uint8 (crop, crop, 3)."""
        return padded_centre(resize_shorter_side(pixels, self.shorter), self.crop)


PAPER_VIEW = ShorterSideView(shorter=256, crop=SIDE)
SMALL_VIEW = replace(SMALL_CROPS, crop=SMALL_SIDE, mean=UNIT_MEAN, std=UNIT_STD)
SMALL_SCHEDULE = CosineSchedule(rate=2e-3, epochs=8)

FreDectScript = Literal["aigcdetect", "sidbench_test", "sidbench_evaluate"]
SHORTER_SIDE = "shorter side resized bilinearly to 256, centre crop"
SCRIPTS: Mapping[str, EntryScript] = {
    "aigcdetect": EntryScript(f"{SHORTER_SIDE} (eval_all.py of AIGCDetectBenchmark)", "shorter side"),
    "sidbench_test": EntryScript(
        "centre crop without resize; smaller images are padded with black (test.py of SIDBench)"
    ),
    "sidbench_evaluate": EntryScript(f"{SHORTER_SIDE} (evaluate.py of SIDBench)", "shorter side"),
}


def _large() -> nn.Module:
    """ResNet-50 on scaled coefficients."""
    from detectors.architectures.dct_networks import DctResNet50

    return DctResNet50(SIDE)


def _small() -> nn.Module:
    """Two convolutions on scaled coefficients."""
    from detectors.architectures.dct_networks import SmallDctNet

    return SmallDctNet(SMALL_SIDE, dropout=0.5)


@dataclass(frozen=True)
class FreDectNet(ScriptedRecipe):
    """Recipe of FreDect's network. Mean and variance are always those of the images it is fitted on.

    Attributes:
        script: The entry script that says how test images are shown in the paper setting. "aigcdetect", as None:
            eval_all.py of AIGCDetectBenchmark; "sidbench_evaluate": evaluate.py of SIDBench, which does the same;
            "sidbench_test": test.py of SIDBench, which resizes nothing.
    """

    script: FreDectScript | None = None
    differentiable = False  # its front end rounds to grey levels, whose gradient is 0
    scripts: ClassVar[Mapping[str, EntryScript]] = SCRIPTS

    card: ClassVar[Card] = Card(
        name="fredect_net",
        family="frequency",
        year=2020,
        version=1,
        title="FreDect: log DCT + ResNet-50",
        paper="Frank et al., Leveraging Frequency Analysis for Deep Fake Image Recognition, ICML 2020,"
        " arXiv 2003.08685; with this network: Zhong et al., arXiv 2311.12397",
        upstream="https://github.com/Ekko-zn/AIGCDetectBenchmark and https://github.com/mever-team/sidbench, after"
        " https://github.com/RUB-SysSec/GANDCTAnalysis (nothing copied)",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN",
            input_size="224x224",
            input_policy=f"{SHORTER_SIDE} (eval_all.py of AIGCDetectBenchmark, evaluate.py of SIDBench; others by the"
            " option script)",
            size=Size(23_510_081, 4.15),
            notes=script_notes(SCRIPTS),
            view=PAPER_VIEW,
            front_end="logarithm of the DCT, in float64",
            network=_large,
            stages=RESNET_STAGES,
            plan=Plan(EarlyStopping(), "adam", weight_decay=0, batch=64, epochs=1000, validation=0.1),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(6_897, 0.0136),
            view=SMALL_VIEW,
            front_end="logarithm of the DCT, in float64",
            network=_small,
            stages=CELL_NET_STAGES,
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.05, batch=16, epochs=8, validation=0.15, threads=1),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with or without mean and variance, which fitting replaces."""
        del network
        start = read(weights)
        random = random_init(self.network, seed)
        return with_new_parts(random, start, optional=("dct.",), replaced=()), weights.path

    def input_statistics(self, train: TrainSet, seed: int, runtime: Runtime) -> dict[str, Tensor]:
        """Mean and variance of the part of `train` that is not held out."""
        from detectors.architectures.dct_networks import log_dct
        from detectors.architectures.support.torch_contexts import torch_threads
        from detectors.training.input_statistics import mean_and_variance
        from detectors.training.loop import validation_split

        plan = self.plan
        fitting, _ = validation_split(train, plan, seed)
        with torch_threads(plan.threads):
            mean, variance = mean_and_variance(train, fitting, self.view, runtime, log_dct)
        return {"dct.mean": mean, "dct.var": variance}

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a published checkpoint strictly, with mean and variance from the two files beside it.

        Raises:
            Unavailable: One of the three files is missing or there twice, or the setting is not the paper's.
            WrongWeights: One of them does not hold exactly the expected tensors.
        """
        from detectors.training.network_detector import NetworkDetector

        if not self.variant.published:
            return super().load(weights, runtime)
        network = self.build()
        tensors = read(hashed_file(weights), network.state_dict())
        paths = companions_of(weights, STATISTICS_FILES.values())
        if absent := [path.name for path in paths if not path.is_file()]:
            msg = (
                f"{' and '.join(absent)} missing beside {weights}: published checkpoints come with both, in"
                " weights/freqdetect of SIDBench, and as dct_mean and dct_var in weights/auxiliary of"
                " AIGCDetectBenchmark"
            )
            raise Unavailable(msg)
        if doubt := doubtful_companion(weights, STATISTICS_FILES.values()):
            raise Unavailable(doubt)
        statistics = {name: read_tensor(hashed_file(path)) for name, path in zip(STATISTICS_FILES, paths, strict=True)}
        load_strict(network, tensors | statistics, weights)
        return NetworkDetector(network, self.view, runtime)
