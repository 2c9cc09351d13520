"""NPR: how neighbouring pixels differ within each cell of two by two.

Tan et al., "Rethinking the Up-Sampling Operations in CNN-based Generative Network for
Generalizable Deepfake Detection", CVPR 2024, arXiv 2312.10461. Upsampling by two makes the pixels of a cell depend on
each other; the input of the network is each image less its own nearest-neighbour down- and upsampling.

The paper setting is the published code: the first two stages of a ResNet-50 from random weights, whole images resized
to 256x256, random crops of 224 and mirroring, Adam at 2e-4, batches of 32, 50 epochs, the last weights kept. The code
counts epochs from 0 and lowers the rate to 0.9 of itself at the end of epochs 10, 20, 30 and 40: the first rate holds
for 11 epochs, the later ones for 10. It departs in holding out a tenth of the training images, on which nothing is
chosen.

Test images are shown as by `test.py` of its authors, resized to 256x256 and not cropped; other entry scripts are values
of the option `script`. Of one checkpoint and image their probabilities may differ by some tenths.

The small setting is the same method at the size of the embedded corpus: one narrow bottleneck on images of 128
pixels without a resize, which would mix the cells; AdamW from 4e-3 along half a cosine, 12 epochs with batches of 16,
and the weights of the best one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.api import Card, Setting, Size
from detectors.preprocessing.augmentation import SMALL_CROPS
from detectors.preprocessing.entry_scripts import EntryScript, script_notes
from detectors.preprocessing.views import SquareView
from detectors.training.network_recipe import NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, StepSchedule
from detectors.training.scripted_recipe import ScriptedRecipe

if TYPE_CHECKING:
    from torch import nn

PAPER_VIEW = SquareView(side=256, crop=224, test_crop=256, mirror=True)
SMALL_VIEW = replace(SMALL_CROPS, crop=128)

PAPER_SCHEDULE = StepSchedule(rate=2e-4, factor=0.9, every=10, delay=1)
SMALL_SCHEDULE = CosineSchedule(rate=4e-3, epochs=12)

NprScript = Literal["npr", "npr_whole", "npr_genimage", "sidbench_test", "sidbench_evaluate"]
SCRIPTS: Mapping[str, EntryScript] = {
    "npr": EntryScript("whole image resized bilinearly to a square (test.py of NPR)", "square", crop=None),
    "npr_whole": EntryScript(
        "whole image as it is, without the last line of an odd side (test.py of NPR as set for AIGCDetectBenchmark and"
        " GANGen-Detection)",
        "repeat",
        side=2,  # an image of one line has no neighbours
        crop=None,
    ),
    "npr_genimage": EntryScript(
        "centre crop without resize; smaller images are repeated side by side first (NPR's README, GenImage)",
        "repeat",
        side=224,
    ),
    "sidbench_test": EntryScript(
        "centre crop without resize; smaller images are padded with black (test.py of SIDBench)"
    ),
    "sidbench_evaluate": EntryScript(
        "whole image resized bilinearly to a square of 256 pixels, centre crop (evaluate.py of SIDBench)", "square"
    ),
}


def _large() -> nn.Module:
    """Half a ResNet-50."""
    from detectors.architectures.npr import NprNet

    return NprNet()


def _small() -> nn.Module:
    """One narrow bottleneck."""
    from detectors.architectures.npr import NprNet

    return NprNet(channels=16, blocks=(1,))


@dataclass(frozen=True)
class Npr(ScriptedRecipe):
    """Recipe of NPR.

    Attributes:
        script: The entry script that says how test images are shown in the paper setting. "npr", as None: test.py of
            its authors; "npr_whole": the same with no_resize, as for AIGCDetectBenchmark and GANGen-Detection;
            "npr_genimage": their README for GenImage; "sidbench_test", "sidbench_evaluate": the two of SIDBench.
    """

    script: NprScript | None = None
    scripts: ClassVar[Mapping[str, EntryScript]] = SCRIPTS

    card: ClassVar[Card] = Card(
        name="npr",
        family="network",
        year=2024,
        version=2,
        title="NPR",
        paper="Tan et al., Rethinking the Up-Sampling Operations in CNN-based Generative Network for Generalizable"
        " Deepfake Detection, CVPR 2024, arXiv 2312.10461",
        upstream="https://github.com/chuangchuangtan/NPR-DeepfakeDetection (nothing copied)",
        licence="Apache-2.0; upstream has no licence file",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, from random weights; a loaded checkpoint: ProGAN",
            input_size="256x256",
            input_policy="whole image resized bilinearly to a square (test.py of NPR; others by the option script)",
            size=Size(1_437_761, 2.24),
            notes=script_notes(SCRIPTS),
            view=PAPER_VIEW,
            front_end="differences of neighbouring pixels, in float32",
            network=_large,
            stages=(("fc1",), ("layer2",), ("layer1",)),
            plan=Plan(PAPER_SCHEDULE, "adam", weight_decay=0, batch=32, epochs=50, validation=0.1),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, from random weights",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(5_457, 0.00649),
            view=SMALL_VIEW,
            front_end="differences of neighbouring pixels, in float32",
            network=_small,
            stages=(("fc1",), ("layer1",)),
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1),
        ),
    }
