"""Augmentation for training networks: randomness is drawn first, per image and epoch, then plain functions apply it.

Draws come from the image's name, the epoch and the seed alone, so neither the order of the images nor the number of
workers changes what a network is shown.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, Protocol

import cv2
import numpy as np
from PIL import Image as PillowImage

from detectors.api import Image
from detectors.preprocessing.crops import centre_square

Encoder = Literal["opencv", "pillow"]
ENCODERS: tuple[Encoder, ...] = ("opencv", "pillow")
Statistics = tuple[float, float, float]
IMAGENET_MEAN: Statistics = (0.485, 0.456, 0.406)
IMAGENET_STD: Statistics = (0.229, 0.224, 0.225)


def image_rng(seed: int, name: str, epoch: int) -> np.random.Generator:
    """The random numbers of one image in one epoch."""
    return np.random.default_rng(list(sha256(f"{seed}/{epoch}/{name}".encode()).digest()))


class View(Protocol):
    """How images are shown to a network: uint8 (H, W, 3) of any size in, uint8 of one size out.

    A view is a value: views that are equal show alike.
    """

    def __hash__(self) -> int: ...
    @property
    def mean(self) -> Statistics:
        """What the network expects to be subtracted, per channel in [0, 1]."""

    @property
    def std(self) -> Statistics:
        """What it expects the rest to be divided by."""

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As the network is trained on it."""

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As early stopping sees it."""

    def test(self, pixels: Image) -> Image:
        """As a fitted detector sees it."""


@dataclass(frozen=True, slots=True)
class AugmentationDraw:
    """What was drawn for one image: None where blur or JPEG does not happen; places are shares of the free room."""

    sigma: float | None
    quality: int | None
    encoder: Encoder
    top: float
    left: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class BlurJpeg:
    """Blur, JPEG, crop and mirror, as CNNSpot augments (Wang et al., CVPR 2020).

    Attributes:
        probability: Of blur, and of JPEG, each on its own.
        resize: Shorter side in pixels before anything else in training and validation; None leaves the size.
        crop: Side of the training crop.
        test_crop: Side of the centre crop in validation and test.
        pad: Whether smaller images are framed in black, as published, or enlarged.
        mean: Of ImageNet, by default.
        std: Of ImageNet, by default.
    """

    probability: float
    resize: int | None
    crop: int
    test_crop: int
    pad: bool
    mean: Statistics = IMAGENET_MEAN
    std: Statistics = IMAGENET_STD

    def draw(self, rng: np.random.Generator) -> AugmentationDraw:
        """Draw blur sigma from U(0, 3), JPEG quality from 30..100, an encoder, a place and a side."""
        blur, compress, mirror = rng.random(3)
        sigma, quality = rng.uniform(0, 3), int(rng.integers(30, 101))
        encoder = ENCODERS[rng.integers(len(ENCODERS))]
        top, left = rng.random(2)
        return AugmentationDraw(
            sigma if blur < self.probability else None,
            quality if compress < self.probability else None,
            encoder,
            top,
            left,
            bool(mirror < 0.5),
        )

    def apply(self, pixels: Image, drawn: AugmentationDraw) -> Image:
        """Resize, blur, compress, crop and mirror, in this order."""
        degraded = self._degraded(pixels, drawn.sigma, drawn.quality, drawn.encoder)
        whole = degraded if min(degraded.shape[:2]) >= self.crop else centre_square(degraded, self.crop)
        height, width = whole.shape[:2]
        top, left = int(drawn.top * (height - self.crop + 1)), int(drawn.left * (width - self.crop + 1))
        cropped = whole[top : top + self.crop, left : left + self.crop]
        return np.ascontiguousarray(cropped[:, ::-1] if drawn.mirrored else cropped)

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """One random crop, uint8 (crop, crop, 3)."""
        return self.apply(pixels, self.draw(rng))

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The centre as in the test, but blurred and compressed as often as in training: sigma 1.5, Pillow at 65."""
        drawn = self.draw(rng)
        sigma = None if drawn.sigma is None else 1.5
        quality = None if drawn.quality is None else 65
        return self.test(self._degraded(pixels, sigma, quality, "pillow"))

    def test(self, pixels: Image) -> Image:
        """The centre, never resized where it is large enough, uint8 (test_crop, test_crop, 3)."""
        return padded_centre(pixels, self.test_crop) if self.pad else centre_square(pixels, self.test_crop)

    def _degraded(self, pixels: Image, sigma: float | None, quality: int | None, encoder: Encoder) -> Image:
        if self.resize is not None:
            pixels = shorter_side(pixels, self.resize)
        if sigma is not None:
            pixels = blurred(pixels, sigma)
        return pixels if quality is None else recompressed(pixels, quality, encoder)


def shorter_side(pixels: Image, side: int) -> Image:
    """Resize so that the shorter side has `side` pixels: Pillow's bilinear filter, the longer side rounded down."""
    height, width = pixels.shape[:2]
    if min(height, width) == side:
        return pixels
    size = (side, side * height // width) if width <= height else (side * width // height, side)
    return np.asarray(PillowImage.fromarray(pixels).resize(size, PillowImage.Resampling.BILINEAR))


def blurred(pixels: Image, sigma: float) -> Image:
    """Gaussian blur of each channel on its own, rounded towards 0 after each axis as SciPy does on uint8."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(pixels, (sigma, sigma, 0)), np.uint8)


def recompressed(pixels: Image, quality: int, encoder: Encoder) -> Image:
    """An image after a JPEG round trip of quality 1 to 100, 4:2:0, with the encoder and decoder of one library."""
    if encoder == "opencv":
        _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(
            cv2.cvtColor(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB), np.uint8
        )
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(PillowImage.open(stream))


def padded_centre(pixels: Image, side: int) -> Image:
    """The centre crop of torchvision, uint8 (side, side, 3): black around what is smaller."""
    height, width = pixels.shape[:2]
    above, before = max(side - height, 0) // 2, max(side - width, 0) // 2
    top, left = round(max(height - side, 0) / 2), round(max(width - side, 0) / 2)
    centre = pixels[top : top + side, left : left + side]
    framed = np.zeros((side, side, 3), np.uint8)
    framed[above : above + centre.shape[0], before : before + centre.shape[1]] = centre
    return framed
