"""Views of images other than blurred and compressed crops: squares, rescaled, turned and zoomed.

As in `augment`, randomness is drawn first, then pure functions of the pixels and the draw apply it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image as PillowImage

from detectors.api import Image
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD, Statistics, padded_centre
from detectors.preprocessing.crops import centre_square

Channels = Literal["rgb", "bgr"]
Library = Literal["opencv", "pillow"]
UniformRange = tuple[float, float]  # the least and the most
UNIT_MEAN: Statistics = (0.0, 0.0, 0.0)  # leaves values in [0, 1]
UNIT_STD: Statistics = (1.0, 1.0, 1.0)
BYTE_STD: Statistics = (1 / 255, 1 / 255, 1 / 255)  # brings values back to 0..255


def squared(pixels: Image, side: int, library: Library) -> Image:
    """The whole image as a square, uint8 (side, side, 3), bilinear: OpenCV's filter never averages, Pillow's does."""
    if pixels.shape[:2] == (side, side):
        return pixels
    if library == "opencv":
        return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (side, side)), np.uint8)
    return np.asarray(PillowImage.fromarray(pixels).resize((side, side), PillowImage.Resampling.BILINEAR))


def turned(pixels: Image, degrees: float, scale: float, *, mirrored: bool) -> Image:
    """An image rotated and scaled about its centre, bilinear, reflected at its edges, then mirrored."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale)
    moved = cv2.warpAffine(np.ascontiguousarray(pixels), matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(moved[:, ::-1] if mirrored else moved, dtype=np.uint8)


def ordered(pixels: Image, channels: Channels) -> Image:
    """RGB pixels in the order that a network reads."""
    return np.ascontiguousarray(pixels if channels == "rgb" else pixels[:, :, ::-1])


@dataclass(frozen=True, slots=True)
class SquareView:
    """The whole image brought to a square; a random crop of it in training.

    Attributes:
        side: Side of the square.
        crop: Side of the training crop.
        test_crop: Side of the centre crop in validation and test.
        mirror: Whether training mirrors half of the images.
        library: Whose bilinear filter resizes.
        channels: Order of the channels as the network reads them.
        mean: Of ImageNet, by default, in that order.
        std: Of ImageNet, by default, in that order.
    """

    side: int
    crop: int
    test_crop: int
    mirror: bool
    library: Library = "pillow"
    channels: Channels = "rgb"
    mean: Statistics = IMAGENET_MEAN
    std: Statistics = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A crop at a random place, uint8 (crop, crop, 3)."""
        top, left = rng.integers(0, self.side - self.crop + 1, 2)
        mirrored = bool(rng.random() < 0.5) and self.mirror
        return self.apply(pixels, int(top), int(left), mirrored=mirrored)

    def apply(self, pixels: Image, top: int, left: int, *, mirrored: bool) -> Image:
        """The crop at a place of the square."""
        square = squared(pixels, self.side, self.library)[top : top + self.crop, left : left + self.crop]
        return ordered(square[:, ::-1] if mirrored else square, self.channels)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre of the square, uint8 (test_crop, test_crop, 3)."""
        return ordered(centre_square(squared(pixels, self.side, self.library), self.test_crop), self.channels)


@dataclass(frozen=True, slots=True)
class RescaledView:
    """The whole image as a square of BGR values 0 to 255, after a detour over a random size in training.

    Attributes:
        side: Side of the square.
        least: Shortest side of the detour.
        most: Longest side of the detour.
    """

    side: int
    least: int
    most: int

    @property
    def mean(self) -> Statistics:
        """Nothing is subtracted."""
        return UNIT_MEAN

    @property
    def std(self) -> Statistics:
        """Values go from 0 to 255."""
        return BYTE_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The square after the detour, uint8 (side, side, 3)."""
        return self.test(squared(pixels, int(rng.integers(self.least, self.most + 1)), "opencv"))

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in training."""
        return self.training(pixels, rng)

    def test(self, pixels: Image) -> Image:
        """The square, uint8 (side, side, 3)."""
        return ordered(squared(pixels, self.side, "opencv"), "bgr")


@dataclass(frozen=True, slots=True)
class RotatedView:
    """The whole image brought to a square; rotated, scaled and mirrored at random in training.

    Attributes:
        side: Side of the square.
        degrees: Largest angle of rotation, either way.
        zoom: Largest change of scale, as a share, either way.
        mean: Of ImageNet, by default.
        std: Of ImageNet, by default.
    """

    side: int
    degrees: float
    zoom: float
    mean: Statistics = IMAGENET_MEAN
    std: Statistics = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The square, rotated, scaled and mirrored, uint8 (side, side, 3)."""
        degrees = rng.uniform(-self.degrees, self.degrees)
        scale = rng.uniform(1 - self.zoom, 1 + self.zoom)
        return turned(self.test(pixels), degrees, scale, mirrored=bool(rng.random() < 0.5))

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The square, uint8 (side, side, 3)."""
        return squared(pixels, self.side, "pillow")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, pixels: Image) -> Image:
        """What lies in it."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]


def random_box(
    rng: np.random.Generator, height: int, width: int, share: UniformRange, ratio: UniformRange
) -> Box | None:
    """A rectangle somewhere in an image: its share of the area is uniform, its ratio of sides log-uniform.

    Returns:
        The first of ten that fits; None where none does.
    """
    for _ in range(10):
        area, shape = rng.uniform(*share) * height * width, np.exp(rng.uniform(*np.log(ratio)))
        rows, columns = round(float(np.sqrt(area / shape))), round(float(np.sqrt(area * shape)))
        if 0 < rows <= height and 0 < columns <= width:
            return Box(int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1)), rows, columns)
    return None


def bicubic(pixels: Image, height: int, width: int) -> Image:
    """An image resized by Pillow's bicubic filter, which averages where it shrinks."""
    if pixels.shape[:2] == (height, width):
        return pixels
    resized = PillowImage.fromarray(np.ascontiguousarray(pixels)).resize(
        (width, height), PillowImage.Resampling.BICUBIC
    )
    return np.asarray(resized, np.uint8)


@dataclass(frozen=True, slots=True)
class ZoomedView:
    """The shorter side resized and the centre cropped; in training a random part, as timm shows images.

    A part of a random share and shape is resized to the crop, mirrored in half of the images, and in some a rectangle
    of 0.02 to 1/3 of the area and of sides from 0.3 to 1/0.3 becomes noise (Zhong et al., "Random Erasing Data
    Augmentation", AAAI 2020): normal, with the mean and deviation that the network expects.

    Attributes:
        resize: Shorter side in pixels before the centre crop.
        crop: Side of the crops.
        least: Smallest share of an image that a training crop shows.
        erase: Probability that a training crop is partly erased.
        mean: Of ImageNet, by default.
        std: Of ImageNet, by default.
    """

    resize: int
    crop: int
    least: float = 0.08
    erase: float = 0.0
    mean: Statistics = IMAGENET_MEAN
    std: Statistics = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A random part, uint8 (crop, crop, 3); the centre as in the test where no part fits."""
        part = random_box(rng, pixels.shape[0], pixels.shape[1], (self.least, 1.0), (3 / 4, 4 / 3))
        hole = random_box(rng, self.crop, self.crop, (0.02, 1 / 3), (0.3, 1 / 0.3))
        mirrored, erasing = rng.random() < 0.5, rng.random() < self.erase
        shown = self.test(pixels) if part is None else bicubic(part.of(pixels), self.crop, self.crop)
        shown = np.array(shown[:, ::-1] if mirrored else shown)
        if erasing and hole is not None:
            noise = rng.normal(self.mean, self.std, (hole.height, hole.width, 3))
            hole.of(shown)[:] = np.clip(np.rint(255 * noise), 0, 255)
        return shown

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre of the resized image, uint8 (crop, crop, 3); the longer side is rounded down."""
        height, width = pixels.shape[:2]
        shorter = min(height, width)
        resized = bicubic(pixels, self.resize * height // shorter, self.resize * width // shorter)
        return np.ascontiguousarray(padded_centre(resized, self.crop))
