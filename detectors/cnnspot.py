"""CNNSpot: a pretrained residual network, fine-tuned on blurred and JPEG-compressed images.

Wang, Wang, Zhang, Owens and Efros, "CNN-generated images are surprisingly easy to spot... for now", CVPR 2020,
arXiv 1912.11035.

The paper setting is the published one: ResNet-50 from ImageNet weights, blur and JPEG each with probability 0.5, Adam
at 1e-4, batches of 64, early stopping on accuracy. It departs in where it validates: on a tenth of the training images,
so that no test generator is ever looked at.

The embedded setting is the same method at the size of the embedded corpus: a small residual network, whose start is not
ImageNet but a classification of rendered photographs by content and camera; random crops of 64 pixels without a resize;
blur and JPEG each with probability 0.1, as in the second published model; AdamW at 2e-3 with batches of 16, and the
same rule of early stopping with less patience. Images smaller than the crop are enlarged, not framed in black.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Detector, Recipe, Runtime, State, TrainSet, Unavailable
from detectors.augment import BlurJpeg
from detectors.stopping import EarlyStopping
from detectors.weights import (
    SHIPPED,
    Weights,
    from_state,
    hub,
    identity,
    load_strict,
    local,
    read,
    shipped,
    torch_hub_cache,
)

if TYPE_CHECKING:
    from torch import nn

    from detectors.training import Plan

SPREAD = 0.02  # of the new last layer's weights
PAPER_VIEW = BlurJpeg(probability=0.5, resize=256, crop=224, test_crop=224, pad=True)
EMBEDDED_VIEW = BlurJpeg(probability=0.1, resize=None, crop=64, test_crop=128, pad=False)


@dataclass(frozen=True)
class CnnSpot(Recipe):
    """Recipe of CNNSpot.

    Attributes:
        start: Path of weights to fine-tune instead of the setting's own. Whatever their last layer `fc` is, it is
            replaced.
    """

    start: str | None = None
    card: ClassVar[Card] = Card(
        name="cnnspot",
        family="network",
        version=1,
        title="CNNSpot",
        paper="Wang et al., CNN-generated images are surprisingly easy to spot... for now, CVPR 2020, arXiv 1912.11035",
        upstream="https://github.com/PeterWang512/CNNDetection (nothing copied)",
        licence="Apache-2.0; upstream code and checkpoints CC BY-NC-SA 4.0",
        trained_on="the train subset of the run, after ImageNet (embedded: after rendered photographs);"
        " a loaded checkpoint: ProGAN",
        input_size="224x224 (embedded: 128x128)",
        input_policy="centre crop without resize; smaller images are padded with black (embedded: enlarged bilinearly)",
    )

    @property
    def key(self) -> str:
        """The base key and the weights that fitting starts from."""
        if self.start is not None:
            return f"{super().key}.{identity(Path(self.start))}"
        if self.setting == "embedded":
            return f"{super().key}.{identity(SHIPPED / 'small_resnet.safetensors')}"
        return super().key

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """Fine-tune on `train`.

        Raises:
            Unavailable: The weights to start from are not here.
            ValueError: Fewer than two images of a class.
        """
        from detectors import nets, training
        from detectors.network import NetworkDetector

        found = self._start()
        network = self._build()
        load_strict(network, nets.fresh_head(network, read(found), SPREAD, seed), found.path)
        history = training.train(network, train, self._view, self._plan(), seed, runtime)
        return NetworkDetector(network, self._view, runtime, history)

    def restore(self, state: State, runtime: Runtime) -> Detector:
        """The detector with these weights."""
        from detectors.network import NetworkDetector

        network = self._build()
        from_state(network, state)
        return NetworkDetector(network, self._view, runtime)

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a published checkpoint: a dict whose `model` holds a ResNet-50 with one output, or these tensors alone.

        Raises:
            Unavailable: There is no such file, or the setting is the embedded one.
            WrongWeights: The file holds anything more, less or else.
        """
        from detectors.network import NetworkDetector

        if self.setting != "paper":
            msg = "published CNNSpot checkpoints are ResNet-50s: load them in the paper setting"
            raise Unavailable(msg)
        network = self._build()
        load_strict(network, read(local(weights), "model"), weights)
        return NetworkDetector(network, self._view, runtime)

    @property
    def _view(self) -> BlurJpeg:
        return PAPER_VIEW if self.setting == "paper" else EMBEDDED_VIEW

    def _build(self) -> nn.Module:
        from detectors import nets

        build: Callable[[], nn.Module] = nets.resnet50 if self.setting == "paper" else nets.small_resnet
        return build()

    def _plan(self) -> Plan:
        from detectors.training import Plan

        if self.setting == "paper":
            return Plan(EarlyStopping(), "adam", weight_decay=0, batch=64, epochs=10_000, validation=0.1)
        quick = EarlyStopping(rate=2e-3, patience=2, lowest_rate=1e-4)
        return Plan(quick, "adamw", weight_decay=0.02, batch=16, epochs=12, validation=0.15, threads=1)

    def _start(self) -> Weights:
        """The weights that fitting starts from."""
        if self.start is not None:
            return local(Path(self.start))
        if self.setting == "embedded":
            return shipped("small_resnet")
        cached = torch_hub_cache("resnet50-0676ba61.pth", "resnet50-19c8e357.pth")
        return cached or hub("timm/resnet50.tv_in1k", "model.safetensors")
