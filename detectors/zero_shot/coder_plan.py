"""The coder of coding_cost, its view of images and its training, as values; torch is not imported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.api import Image
from detectors.preprocessing.augmentation import ChannelValues
from detectors.preprocessing.crops import centre_square
from detectors.preprocessing.views import UNIT_MEAN, UNIT_STD

GRID = 8  # sides are multiples of it: three times halved
SMALLEST_SIDE = 2 * GRID


@dataclass(frozen=True, slots=True)
class CoderPlan:
    """A coder and how it is trained.

    Attributes:
        levels: How often images are halved.
        width: Channels.
        depth: Residual blocks per coded pixel.
        components: Logistics in a mixture.
        side: Largest side of an image that is scored.
        crop: Largest side of a crop in training.
        batch: Crops per step.
        epochs: Crops per image.
        rate: Highest learning rate.
        threads: Threads that a CPU trains with; None is all.
    """

    levels: int
    width: int
    depth: int
    components: int
    side: int
    crop: int
    batch: int
    epochs: int
    rate: float
    threads: int | None = None


PAPER_PLAN = CoderPlan(3, 64, 5, 10, side=512, crop=128, batch=32, epochs=50, rate=1e-4)
SMALL_PLAN = CoderPlan(2, 16, 1, 2, side=128, crop=32, batch=8, epochs=32, rate=1.2e-2, threads=1)


@dataclass(frozen=True, slots=True)
class NativeSquareView:
    """Squares cut from images, no pixel resampled: values stay 0 to 255.

    Attributes:
        side: Largest side in the test.
        crop: Largest side in training.
        mean: Leaves the values as they are.
        std: Leaves the values as they are.
    """

    side: int
    crop: int
    mean: ChannelValues = UNIT_MEAN
    std: ChannelValues = UNIT_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A random square, mirrored or not, uint8 (s, s, 3)."""
        whole = pixels if min(pixels.shape[:2]) >= SMALLEST_SIDE else self.test(pixels)
        side = _square_side(whole, self.crop)
        top, left = (int(rng.integers(0, length - side + 1)) for length in whole.shape[:2])
        square = whole[top : top + side, left : left + side]
        return np.ascontiguousarray(square[:, ::-1] if rng.random() < 0.5 else square)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre, uint8 (s, s, 3), s a multiple of 8 from 16 to `side`; smaller images are enlarged to 16."""
        return centre_square(pixels, _square_side(pixels, self.side))


def _square_side(pixels: Image, largest: int) -> int:
    """Side of the largest square within an image, a multiple of 8 from 16 to `largest`."""
    height, width = pixels.shape[:2]
    return int(max(SMALLEST_SIDE, min(largest, height, width) // GRID * GRID))
