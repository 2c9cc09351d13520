"""Augmentation for training networks: random parameters are drawn per image and epoch, then pure functions apply them.

They depend on the image's name, the epoch and the seed alone, so neither the order of the images nor the number of
workers changes the augmented images.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import cv2
import numpy as np
from PIL import Image as PillowImage

from detectors.api import Image
from detectors.preprocessing.crops import centre_square

if TYPE_CHECKING:
    from torch import Tensor

Encoder = Literal["opencv", "pillow"]
ENCODERS: tuple[Encoder, ...] = ("opencv", "pillow")
ChannelValues = tuple[float, float, float]
IMAGENET_MEAN: ChannelValues = (0.485, 0.456, 0.406)
IMAGENET_STD: ChannelValues = (0.229, 0.224, 0.225)
CLIP_MEAN: ChannelValues = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: ChannelValues = (0.26862954, 0.26130258, 0.27577711)
StatisticsName = Literal["openai", "imagenet", "inception", "none"]
NAMED_STATISTICS: Mapping[StatisticsName, tuple[ChannelValues, ChannelValues]] = {  # mean and deviation
    "openai": (CLIP_MEAN, CLIP_STD),
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
    "inception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


def image_rng(seed: int, name: str, epoch: int) -> np.random.Generator:
    """The random generator of one image in one epoch."""
    return np.random.default_rng(list(sha256(f"{seed}/{epoch}/{name}".encode()).digest()))


class View(Protocol):
    """How an image is shown to a network: from uint8 (H, W, 3) of any size to uint8 of one size.

    A view is a value: equal views transform images equally.
    """

    def __hash__(self) -> int: ...
    @property
    def mean(self) -> ChannelValues:
        """Subtracted from the input of the network, per channel in [0, 1]."""

    @property
    def std(self) -> ChannelValues:
        """By which the difference is divided, per channel."""

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The image for training, randomly augmented."""

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The image for early stopping."""

    def test(self, pixels: Image) -> Image:
        """The image for a fitted detector."""


@runtime_checkable
class FloatView(View, Protocol):
    """A view that also shows images as tensors, through which gradients flow."""

    def test_floats(self, images: Tensor) -> Tensor:
        """As `test`, but nothing is rounded to 8 bits: float (N, 3, H', W') of float (N, 3, H, W), both in [0, 1]."""


@dataclass(frozen=True, slots=True)
class AugmentationDraw:
    """The random parameters of one image.

    Attributes:
        sigma: Of the blur, in pixels; None for no blur.
        quality: Of JPEG; None for no compression.
        encoder: Of JPEG.
        top: Position of the crop, as a share in [0, 1) of the possible ones.
        left: Likewise.
        mirrored: Whether the crop is mirrored.
    """

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
        probability: Of blur, and of JPEG, independently.
        resize: Shorter side in pixels before anything else in training and validation; None leaves the size.
        crop: Side of the training crop.
        test_crop: Side of the centre crop in validation and test.
        pad: Whether smaller images are padded with black, as published, or enlarged.
        mean: Of ImageNet, by default.
        std: Of ImageNet, by default.
    """

    probability: float
    resize: int | None
    crop: int
    test_crop: int
    pad: bool
    mean: ChannelValues = IMAGENET_MEAN
    std: ChannelValues = IMAGENET_STD

    def draw(self, rng: np.random.Generator) -> AugmentationDraw:
        """Draw blur sigma from U(0, 3), JPEG quality from 30..100, an encoder, a position and mirroring."""
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

    def apply(self, pixels: Image, draw: AugmentationDraw) -> Image:
        """Resize, blur, compress, crop and mirror, in this order."""
        degraded = self._degrade(pixels, draw.sigma, draw.quality, draw.encoder)
        whole = degraded if min(degraded.shape[:2]) >= self.crop else centre_square(degraded, self.crop)
        height, width = whole.shape[:2]
        top, left = int(draw.top * (height - self.crop + 1)), int(draw.left * (width - self.crop + 1))
        crop = whole[top : top + self.crop, left : left + self.crop]
        return np.ascontiguousarray(crop[:, ::-1] if draw.mirrored else crop)

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """One random crop, uint8 (crop, crop, 3)."""
        return self.apply(pixels, self.draw(rng))

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The centre as in the test, but blurred and compressed as often as in training: sigma 1.5, Pillow at 65."""
        draw = self.draw(rng)
        sigma = None if draw.sigma is None else 1.5
        quality = None if draw.quality is None else 65
        return self.test(self._degrade(pixels, sigma, quality, "pillow"))

    def test(self, pixels: Image) -> Image:
        """The centre, never resized where it is large enough, uint8 (test_crop, test_crop, 3)."""
        return padded_centre(pixels, self.test_crop) if self.pad else centre_square(pixels, self.test_crop)

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        crop = float_images.padded_centre if self.pad else float_images.centre_square
        return crop(images, self.test_crop)

    def _degrade(self, pixels: Image, sigma: float | None, quality: int | None, encoder: Encoder) -> Image:
        if self.resize is not None:
            pixels = resize_shorter_side(pixels, self.resize)
        if sigma is not None:
            pixels = gaussian_blur(pixels, sigma)
        return pixels if quality is None else jpeg_round_trip(pixels, quality, encoder)


def resize_shorter_side(pixels: Image, side: int) -> Image:
    """Resize so that the shorter side has `side` pixels: Pillow's bilinear filter, the longer side rounded down."""
    height, width = pixels.shape[:2]
    if min(height, width) == side:
        return pixels
    size = (side, side * height // width) if width <= height else (side * width // height, side)
    return np.asarray(PillowImage.fromarray(pixels).resize(size, PillowImage.Resampling.BILINEAR))


def gaussian_blur(pixels: Image, sigma: float) -> Image:
    """Gaussian blur of each channel separately, rounded towards 0 after each axis as SciPy does on uint8."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(pixels, (sigma, sigma, 0)), np.uint8)


def jpeg_round_trip(pixels: Image, quality: int, encoder: Encoder) -> Image:
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
    pad_top, pad_left = max(side - height, 0) // 2, max(side - width, 0) // 2
    top, left = round(max(height - side, 0) / 2), round(max(width - side, 0) / 2)
    centre = pixels[top : top + side, left : left + side]
    padded = np.zeros((side, side, 3), np.uint8)
    padded[pad_top : pad_top + centre.shape[0], pad_left : pad_left + centre.shape[1]] = centre
    return padded


SMALL_CROPS = BlurJpeg(probability=0, resize=None, crop=64, test_crop=128, pad=False)  # mirrored, nothing resampled
