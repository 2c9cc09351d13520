"""The coder of coding_cost and how it is trained, as values; torch is not imported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.api import (
    Image,
)
from detectors.preprocessing.augmentation import Statistics
from detectors.preprocessing.crops import centre_square
from detectors.preprocessing.views import UNIT_MEAN, UNIT_STD


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


PAPER = CoderPlan(3, 64, 5, 10, side=512, crop=128, batch=32, epochs=50, rate=1e-4)


SMALL = CoderPlan(2, 16, 1, 2, side=128, crop=32, batch=8, epochs=32, rate=1.2e-2, threads=1)


@dataclass(frozen=True, slots=True)
class NativeSquareView:
    """Squares of images as they are, no pixel resampled: values stay 0 to 255.

    Attributes:
        side: Largest side in the test.
        crop: Largest side in training.
    """

    side: int
    crop: int
    mean: Statistics = UNIT_MEAN
    std: Statistics = UNIT_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A random square, mirrored or not, uint8 (s, s, 3)."""
        whole = pixels if min(pixels.shape[:2]) >= SMALLEST else self.test(pixels)
        side = _side(whole, self.crop)
        top, left = (int(rng.integers(0, free - side + 1)) for free in whole.shape[:2])
        square = whole[top : top + side, left : left + side]
        return np.ascontiguousarray(square[:, ::-1] if rng.random() < 0.5 else square)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre, uint8 (s, s, 3), s a multiple of 8 from 16 to `side`."""
        return centre_square(pixels, _side(pixels, self.side))


def _side(pixels: Image, most: int) -> int:
    """The largest side, a multiple of 8, of a square within an image."""
    height, width = pixels.shape[:2]
    return int(max(SMALLEST, min(most, height, width) // GRID * GRID))


GRID = 8  # sides are multiples of it: three times halved


SMALLEST = 2 * GRID
