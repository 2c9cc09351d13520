"""The modified CNN of Yu et al.: a plain convolutional network on augmented images, from random weights.

Yu, Tanuwijaya, Liu and Liu, "AI generated image detection: a deep learning approach", slides, CUHK-Shenzhen, 2024.

The slides give: 4 to 5 convolutions, each followed by max-pooling; 32 filters that double; kernels of 2x2 that grow by
one; a dense layer of 256 that halves twice; dropout; a softmax of two; rotation, scale and flip; early stopping; and,
for another network of theirs, at most 50 epochs with batches of 32 at 1e-3. They do not give the rest, which is chosen
here: 4 convolutions, images resized to 128x128 (the size of their HoG), no padding and ReLU, pooling of 2x2, dropout of
0.5 after each dense layer, rotation by up to 20 degrees, scale by up to a fifth, horizontal flip, reflection at the
edges, Adam, and the end after 5 epochs without better accuracy on a tenth of the training images. The 50 epochs, the
batches and the rate are taken over from that other network.

The small setting is the same method at the size of the embedded corpus: 16 filters that double and a dense layer of 64
that halves twice, from random weights that let the signal through (`small_plain_cnn`). It sees crops of 96 pixels at
any place, turned by quarters and mirrored, for a rotation or a scale between resamples images, which hides what
generators leave; nothing is dropped out, since three layers of dropout kept 340 images at chance; and the rate falls
over a fixed number of epochs, of which the best is kept, since five epochs without improvement end a training before it
has begun to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from detectors.api import Card, Setting, Size
from detectors.preprocessing.views import QuarterTurnView, RotatedView
from detectors.training.network_recipe import NetworkRecipe, NetworkVariant
from detectors.training.plan import Plan
from detectors.training.schedules import CosineSchedule, EarlyStopping

if TYPE_CHECKING:
    from torch import nn

SIDE = 128
SCHEDULE = EarlyStopping(rate=1e-3, patience=5, first_margin=1e-9, lowest_rate=1e-3)
SMALL_SCHEDULE = CosineSchedule(rate=2e-3, epochs=40)


def _large() -> nn.Module:
    from detectors.architectures.plain_cnn import PlainCnn

    return PlainCnn(SIDE, filters=32, layers=4, dense=256, dropout=0.5)


def _small() -> nn.Module:
    from detectors.architectures.plain_cnn import small_plain_cnn

    return small_plain_cnn()


VARIANT = NetworkVariant(
    trained_on="the train subset of the run, from random weights",
    input_size="128x128",
    input_policy="whole image resized bilinearly to a square",
    size=Size(2_059_682, 0.238),
    view=RotatedView(side=SIDE, degrees=20, zoom=0.2),
    network=_large,
    stages=(("fc",), ("dense",)),
    plan=Plan(SCHEDULE, "adam", weight_decay=0, batch=32, epochs=50, validation=0.1),
)


@dataclass(frozen=True)
class YuCnn(NetworkRecipe):
    """Recipe of the modified CNN."""

    card: ClassVar[Card] = Card(
        name="yu_cnn",
        family="network",
        year=2024,
        version=2,
        title="Modified CNN (Yu et al.)",
        paper="Yu et al., AI generated image detection: a deep learning approach, slides, CUHK-Shenzhen, 2024",
        upstream="none: no code was published",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, NetworkVariant]] = {
        "paper": VARIANT,
        "small": replace(
            VARIANT,
            size=Size(278_082, 0.028),
            input_size="96x96",
            input_policy="whole image resized bilinearly to a square of 128 pixels, centre crop",
            view=QuarterTurnView(SIDE, crop=96),
            network=_small,
            plan=Plan(SMALL_SCHEDULE, "adam", weight_decay=0, batch=32, epochs=40, validation=0.15, threads=1),
        ),
    }
