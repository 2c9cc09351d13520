"""Plain backbones, fine-tuned as they are: the baselines that detectors are compared with.

`Resnet18` is the residual network of Yu, Tanuwijaya, Liu and Liu, "AI generated image detection: a deep learning
approach", slides, CUHK-Shenzhen, 2024: 15 epochs, batches of 32, a rate of 1e-4. The slides do not give the rest, which
is chosen here: ImageNet weights with a new last layer, whole images resized to 224x224, mirroring, Adam, a rate that
stays, and the last weights. The loop sets a tenth of the training images aside; nothing is chosen on them.

The embedded setting is the same method at the size of the embedded corpus: the small residual network, whose start is
not ImageNet but a classification of rendered photographs; crops of 64 pixels without a resize, mirroring; AdamW from
2e-3 along half a cosine, 10 epochs with batches of 16, and the weights of the best one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting
from detectors.augment import BlurJpeg, View
from detectors.imagenet import imagenet
from detectors.sources import Shipped, Source
from detectors.stopping import Cosine, Stepped
from detectors.trained import NetworkRecipe
from detectors.views import Squared
from detectors.weights import Weights, read

if TYPE_CHECKING:
    from torch import Tensor, nn

    from detectors.training import Plan

SPREAD = 0.02  # of the new last layer's weights
PAPER_VIEW = Squared(side=224, crop=224, test_crop=224, mirror=True)
EMBEDDED_VIEW = BlurJpeg(probability=0, resize=None, crop=64, test_crop=128, pad=False)


@dataclass(frozen=True)
class Resnet18(NetworkRecipe):
    """Recipe of a fine-tuned ResNet-18. The last layer of whatever weights fitting starts from is replaced."""

    starts: ClassVar[Mapping[Setting, Source]] = {"paper": imagenet("resnet18"), "embedded": Shipped("small_resnet")}
    stages: ClassVar[tuple[tuple[str, ...], ...]] = (("fc",), ("layer4",), ("layer3",), ("layer2",), ("layer1",))
    card: ClassVar[Card] = Card(
        name="resnet18",
        family="network",
        year=2024,
        version=1,
        title="ResNet-18",
        paper="Yu et al., AI generated image detection: a deep learning approach, slides, CUHK-Shenzhen, 2024;"
        " network: He et al., CVPR 2016, arXiv 1512.03385",
        upstream="none: no code was published",
        licence="Apache-2.0 (own implementation); ImageNet weights: BSD-3-Clause (torchvision)",
        trained_on="the train subset of the run, after ImageNet (embedded: after rendered photographs)",
        input_size="224x224 (embedded: 128x128)",
        input_policy="whole image resized bilinearly to a square (embedded: centre crop without resize; smaller images"
        " are enlarged bilinearly)",
    )

    @property
    def view(self) -> View:
        """Squares, or crops."""
        return PAPER_VIEW if self.setting == "paper" else EMBEDDED_VIEW

    def network(self) -> nn.Module:
        """ResNet-18, or the small one."""
        from torchvision.models import resnet18

        from detectors.nets import SmallResNet

        return resnet18(num_classes=1) if self.setting == "paper" else SmallResNet()

    def gone_on(self, network: nn.Module, weights: Weights, seed: int) -> tuple[dict[str, Tensor], object]:
        """Any weights, with a new last layer."""
        from detectors import nets

        return nets.fresh_head(network, read(weights), SPREAD, seed), weights.path

    def plan(self) -> Plan:
        """The numbers of the slides, or those for seconds on one core."""
        from detectors.training import Plan

        if self.setting == "paper":
            return Plan(Stepped(rate=1e-4), "adam", weight_decay=0, batch=32, epochs=15, validation=0.1)
        quick = Cosine(rate=2e-3, epochs=10)
        return Plan(quick, "adamw", weight_decay=0.02, batch=16, epochs=10, validation=0.15, threads=1)
