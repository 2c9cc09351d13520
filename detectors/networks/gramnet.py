"""Gram-Net: a residual network that also reads the texture of its feature maps, as Gram matrices.

Liu, Qi and Torr, "Global Texture Enhancement for Fake Face Detection In the Wild", CVPR 2020, arXiv 2002.00133. A Gram
matrix holds the mean product of every two channels over all positions: global texture, independent of position.

Two networks go by this name and share every tensor but the last layer:
- the original, the paper setting: BGR values 0 to 255, whole images resized to 512x512 by OpenCV's bilinear filter, two
  outputs of which the first is "fake". Trained from ImageNet's ResNet-18 on images brought to a random side of 64 to
  256 and back to 512, Adam at 1e-5, weight decay 1e-4, batches of 14, 5 epochs. Its checkpoints are pickled modules,
  which are not read here, for reading one runs its code; a state dict of one is.
- the port of AIGCDetectBenchmark and SIDBench: RGB normalised by ImageNet's statistics, one output. `load`
  distinguishes the two by the number of outputs alone; all names and all other shapes are the same.
The port is shown images as by SIDBench's `test.py`, the centre of 224 without a resize; other entry scripts are values
of the option `script`. Of one checkpoint and image their probabilities may differ by some tenths.
The original keeps the weights of the step that do best on test images; here a tenth of the training images is held out
and the weights of its best epoch are kept.

The small setting is the same method at the size of the embedded corpus: Gram blocks on the small residual network of
rendered photographs, randomly initialised beside its pretrained weights; RGB crops of 64 pixels without a resize, for
resizing to another size and back would destroy the texture of images of 128 pixels; one output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.api import Card, Detector, Runtime, Setting, Size, State, TrainSet, Unavailable
from detectors.architectures.gram_names import GRAM_PARTS, SMALL_GRAM_PARTS
from detectors.architectures.support.initial_weights import on_meta_device, random_init, with_new_parts
from detectors.preprocessing.augmentation import SMALL_CROPS, BlurJpeg, View
from detectors.preprocessing.entry_scripts import EntryScript, script_notes
from detectors.preprocessing.views import RescaledView
from detectors.training.network_recipe import NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, EarlyStopping
from detectors.training.scripted_recipe import ScriptedRecipe
from detectors.training.stages import RESNET_STAGES, SMALL_RESNET_STAGES
from detectors.weight_file import HashedFile, hashed_file
from detectors.weights.files import ShippedFile
from detectors.weights.imagenet import imagenet_weights
from detectors.weights.loading import load_state, load_strict
from detectors.weights.reading import read

if TYPE_CHECKING:
    from torch import Tensor, nn

OUTPUT_BIAS = "fcnewr.3.bias"  # one number per output
LAST_LAYERS = ("fc", "fcnewr")
PAPER_VIEW = RescaledView(side=512, min_side=64, max_side=256)
PORT_VIEW = BlurJpeg(probability=0.5, resize=256, crop=224, test_crop=224, pad=True)

PAPER_SCHEDULE = EarlyStopping(rate=1e-5, patience=5, first_margin=0, lowest_rate=1e-5)
SMALL_SCHEDULE = CosineSchedule(rate=2e-3, epochs=7)

GramNetScript = Literal["sidbench_test", "sidbench_evaluate", "aigcdetect", "aigcdetect_whole"]
SCRIPTS: Mapping[str, EntryScript] = {
    "sidbench_test": EntryScript(
        "centre crop without resize; smaller images are padded with black (test.py of SIDBench)"
    ),
    "sidbench_evaluate": EntryScript(
        "whole image resized bilinearly to a square of 256 pixels, centre crop (evaluate.py of SIDBench)", "square"
    ),
    "aigcdetect": EntryScript(
        "shorter side resized bilinearly to 256, centre crop (eval_all.py of AIGCDetectBenchmark)", "shorter side"
    ),
    "aigcdetect_whole": EntryScript(
        "whole image as it is (eval_all.py of AIGCDetectBenchmark with --no_resize --no_crop)", crop=None
    ),
}


def _large() -> nn.Module:
    """ResNet-18 with Gram blocks."""
    from detectors.architectures.gram_networks import GramResNet18

    return GramResNet18()


def _small() -> nn.Module:
    """The small residual network with Gram blocks."""
    from detectors.architectures.gram_networks import SmallGramNet

    return SmallGramNet()


@dataclass(frozen=True)
class GramNet(ScriptedRecipe):
    """Recipe of Gram-Net. The last layers of whatever weights fitting starts from are replaced.

    Attributes:
        script: The entry script that says how test images are shown to a loaded port. "sidbench_test", as None: test.py
            of SIDBench; "sidbench_evaluate": evaluate.py of SIDBench; "aigcdetect": eval_all.py of AIGCDetectBenchmark;
            "aigcdetect_whole": the same with --no_resize --no_crop, as its README has it for another detector.
    """

    script: GramNetScript | None = None
    scripts: ClassVar[Mapping[str, EntryScript]] = SCRIPTS

    card: ClassVar[Card] = Card(
        name="gramnet",
        family="network",
        year=2020,
        version=1,
        title="Gram-Net",
        paper="Liu et al., Global Texture Enhancement for Fake Face Detection In the Wild, CVPR 2020, arXiv 2002.00133",
        upstream="https://github.com/liuzhengzhe/Global_Texture_Enhancement_for_Fake_Face_Detection_in_the-Wild;"
        " port: https://github.com/Ekko-zn/AIGCDetectBenchmark (nothing copied)",
        licence="Apache-2.0; upstream has no licence file",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": NetworkVariant(
            trained_on="the train subset of the run, after ImageNet; a loaded checkpoint: faces by StyleGAN or PGGAN"
            " (the port's: ProGAN)",
            input_size="512x512 (a loaded port: 224x224)",
            input_policy="whole image resized bilinearly to a square (a loaded port: centre crop without resize,"
            " smaller images padded with black, as test.py of SIDBench; others by the option script)",
            size=Size(11_734_723, 12.1),
            notes=script_notes(SCRIPTS),
            view=PAPER_VIEW,
            network=_large,
            stages=(("fcnewr", *GRAM_PARTS), *RESNET_STAGES[1:]),
            plan=Plan(PAPER_SCHEDULE, "adam", weight_decay=1e-4, batch=14, epochs=5, validation=0.1),
            start=imagenet_weights("resnet18"),
            published=True,
        ),
        "small": NetworkVariant(
            trained_on="the train subset of the run, after rendered photographs",
            input_size="128x128",
            input_policy="centre crop without resize; smaller images are enlarged bilinearly",
            size=Size(324_930, 0.224),
            view=SMALL_CROPS,
            network=_small,
            stages=(("fc", *SMALL_GRAM_PARTS), *SMALL_RESNET_STAGES[1:]),
            plan=Plan(SMALL_SCHEDULE, "adamw", weight_decay=0.02, batch=16, epochs=7, validation=0.15, threads=1),
            start=ShippedFile("small_resnet"),
        ),
    }

    def warm_start(self, network: nn.Module, weights: HashedFile, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with new last layers, and with new Gram blocks where they have none."""
        del network
        random = random_init(self.network, seed)
        start = read(weights)
        return with_new_parts(random, start, optional=GRAM_PARTS, replaced=LAST_LAYERS), weights.path

    def scripted(self, view: View) -> View:
        """A view with the test of the script that was chosen, which is always of the port."""
        return view if self.script is None else super().scripted(PORT_VIEW)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """As every network. Raises `Unavailable` with a script: what is trained is the original."""
        if self.script is not None:
            raise self._script_of_port()
        return super().fit(train, seed, runtime)

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a state dict of the original or a checkpoint of the port strictly, each with its own view of images.

        Raises:
            Unavailable: There is no such file, the setting is not the paper's, or a script is given for the original.
            WrongWeights: The file does not hold exactly the weights of one of the two.
        """
        if not self.variant.published:
            return super().load(weights, runtime)
        tensors = read(hashed_file(weights))
        network, view = self._network_and_view(ported=OUTPUT_BIAS in tensors and tensors[OUTPUT_BIAS].shape == (1,))
        load_strict(network, tensors, weights)
        return _detector(network, view, runtime)

    def restore(self, state: State, runtime: Runtime) -> Detector:
        """The detector with these weights, which may be those of a loaded port."""
        network, view = self._network_and_view(ported=OUTPUT_BIAS in state and state[OUTPUT_BIAS].shape == (1,))
        load_state(network, state)
        return _detector(network, view, runtime)

    def _network_and_view(self, *, ported: bool) -> tuple[nn.Module, View]:
        from detectors.architectures import gram_networks

        if ported:
            return on_meta_device(lambda: gram_networks.GramResNet18(outputs=1)), self.scripted(PORT_VIEW)
        if self.script is not None:
            raise self._script_of_port()
        return self.build(), self.view

    def _script_of_port(self) -> Unavailable:
        msg = f"script={self.script} shows images to the port of Gram-Net with one output, not to the original"
        return Unavailable(f"{msg} with two: leave it out, or load a checkpoint of the port")


def _detector(network: nn.Module, view: View, runtime: Runtime) -> Detector:
    from detectors.training.network_detector import NetworkDetector

    return NetworkDetector(network, view, runtime)
