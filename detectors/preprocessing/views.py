"""Views of images other than blurred and compressed crops: squares, rescaled, rotated and zoomed images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from PIL import Image as PillowImage

from detectors.api import Image
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD, ChannelValues, padded_centre
from detectors.preprocessing.crops import centre_square

if TYPE_CHECKING:
    from torch import Tensor

Channels = Literal["rgb", "bgr"]
Library = Literal["opencv", "pillow"]
UniformRange = tuple[float, float]  # lower and upper end
UNIT_MEAN: ChannelValues = (0.0, 0.0, 0.0)  # leaves values in [0, 1]
UNIT_STD: ChannelValues = (1.0, 1.0, 1.0)
SYMMETRIC: ChannelValues = (0.5, 0.5, 0.5)  # as mean and deviation: brings values to [-1, 1]
BYTE_STD: ChannelValues = (1 / 255, 1 / 255, 1 / 255)  # brings values back to 0..255


def resize_to_square(pixels: Image, side: int, library: Library) -> Image:
    """The whole image as a square, uint8 (side, side, 3), bilinear: OpenCV's filter never averages, Pillow's does."""
    if pixels.shape[:2] == (side, side):
        return pixels
    if library == "opencv":
        return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (side, side)), np.uint8)
    return np.asarray(PillowImage.fromarray(pixels).resize((side, side), PillowImage.Resampling.BILINEAR))


def rotate_and_scale(pixels: Image, degrees: float, scale: float, *, mirrored: bool) -> Image:
    """An image rotated and scaled about its centre, bilinear, reflected at its edges, then mirrored."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, scale)
    rotated = cv2.warpAffine(np.ascontiguousarray(pixels), matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(rotated[:, ::-1] if mirrored else rotated, dtype=np.uint8)


def reorder_channels(pixels: Image, channels: Channels) -> Image:
    """RGB pixels in the order of channels that a network expects."""
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
        channels: Order of the channels that the network expects.
        mean: Of ImageNet, by default, in that order.
        std: Of ImageNet, by default, in that order.
    """

    side: int
    crop: int
    test_crop: int
    mirror: bool
    library: Library = "pillow"
    channels: Channels = "rgb"
    mean: ChannelValues = IMAGENET_MEAN
    std: ChannelValues = IMAGENET_STD

    @property
    def varies(self) -> bool:
        """Whether an image is shown in other ways from epoch to epoch."""
        return self.mirror or self.crop < self.side

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A crop at a random position, uint8 (crop, crop, 3)."""
        top, left = rng.integers(0, self.side - self.crop + 1, 2)
        mirrored = bool(rng.random() < 0.5) and self.mirror
        return self.apply(pixels, int(top), int(left), mirrored=mirrored)

    def apply(self, pixels: Image, top: int, left: int, *, mirrored: bool) -> Image:
        """The crop at a position in the square."""
        square = resize_to_square(pixels, self.side, self.library)[top : top + self.crop, left : left + self.crop]
        return reorder_channels(square[:, ::-1] if mirrored else square, self.channels)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre of the square, uint8 (test_crop, test_crop, 3)."""
        return reorder_channels(
            centre_square(resize_to_square(pixels, self.side, self.library), self.test_crop), self.channels
        )

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        resampling: float_images.TensorResampling = "opencv bilinear" if self.library == "opencv" else "pillow bilinear"
        square = float_images.resize(images, self.side, self.side, resampling)
        shown = float_images.centre_square(square, self.test_crop)
        return shown if self.channels == "rgb" else shown.flip(1)


@dataclass(frozen=True, slots=True)
class RescaledView:
    """The whole image as a square of BGR values 0 to 255, in training resized to a random size before.

    Attributes:
        side: Side of the square.
        min_side: Smallest side of the random size.
        max_side: Largest side of the random size.
    """

    side: int
    min_side: int
    max_side: int

    @property
    def mean(self) -> ChannelValues:
        """Nothing is subtracted."""
        return UNIT_MEAN

    @property
    def std(self) -> ChannelValues:
        """Values go from 0 to 255."""
        return BYTE_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The square after resizing to a random size, uint8 (side, side, 3)."""
        return self.test(resize_to_square(pixels, int(rng.integers(self.min_side, self.max_side + 1)), "opencv"))

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in training."""
        return self.training(pixels, rng)

    def test(self, pixels: Image) -> Image:
        """The square, uint8 (side, side, 3)."""
        return reorder_channels(resize_to_square(pixels, self.side, "opencv"), "bgr")

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        return float_images.resize(images, self.side, self.side, "opencv bilinear").flip(1)


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
    mean: ChannelValues = IMAGENET_MEAN
    std: ChannelValues = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """The square, rotated, scaled and mirrored, uint8 (side, side, 3)."""
        degrees = rng.uniform(-self.degrees, self.degrees)
        scale = rng.uniform(1 - self.zoom, 1 + self.zoom)
        return rotate_and_scale(self.test(pixels), degrees, scale, mirrored=bool(rng.random() < 0.5))

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The square, uint8 (side, side, 3)."""
        return resize_to_square(pixels, self.side, "pillow")

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        return float_images.resize(images, self.side, self.side, "pillow bilinear")


@dataclass(frozen=True, slots=True)
class QuarterTurnView:
    """The whole image brought to a square; random crops, turned by quarters and mirrored, in training.

    Attributes:
        side: Side of the square.
        crop: Side of the crops; of the centre one in validation and test.
        mean: Of ImageNet, by default.
        std: Of ImageNet, by default.
    """

    side: int
    crop: int
    mean: ChannelValues = IMAGENET_MEAN
    std: ChannelValues = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A crop at a random place, turned and mirrored, uint8 (crop, crop, 3)."""
        square = resize_to_square(pixels, self.side, "pillow")
        top, left = rng.integers(0, self.side - self.crop + 1, 2)
        turned = np.rot90(square[top : top + self.crop, left : left + self.crop], int(rng.integers(4)))
        return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre of the square, uint8 (crop, crop, 3)."""
        return np.ascontiguousarray(centre_square(resize_to_square(pixels, self.side, "pillow"), self.crop))

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        square = float_images.resize(images, self.side, self.side, "pillow bilinear")
        return float_images.centre_square(square, self.crop)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in an image, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def crop(self, pixels: Image) -> Image:
        """The part of an image in it, as a view of the same memory."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]


def random_box(
    rng: np.random.Generator, height: int, width: int, share: UniformRange, ratio: UniformRange
) -> Box | None:
    """A random rectangle in an image: its share of the area is uniform, its ratio of sides log-uniform.

    Returns:
        The first of ten that fits; None where none does.
    """
    for _ in range(10):
        area, aspect = rng.uniform(*share) * height * width, np.exp(rng.uniform(*np.log(ratio)))
        rows, columns = round(float(np.sqrt(area / aspect))), round(float(np.sqrt(area * aspect)))
        if 0 < rows <= height and 0 < columns <= width:
            return Box(int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1)), rows, columns)
    return None


def resize_bicubic(pixels: Image, height: int, width: int) -> Image:
    """An image resized by Pillow's bicubic filter, which averages where it shrinks."""
    if pixels.shape[:2] == (height, width):
        return pixels
    resized = PillowImage.fromarray(np.ascontiguousarray(pixels)).resize(
        (width, height), PillowImage.Resampling.BICUBIC
    )
    return np.asarray(resized, np.uint8)


@dataclass(frozen=True, slots=True)
class ZoomedView:
    """The shorter side resized and the centre cropped; in training a random part, as in timm.

    A part of random area and aspect ratio is resized to the crop and mirrored in half of the images; in some a
    rectangle of 0.02 to 1/3 of the area and of an aspect ratio from 0.3 to 1/0.3 is replaced by noise (Zhong et al.,
    "Random Erasing Data Augmentation", AAAI 2020): normal, with `mean` and `std`.

    Attributes:
        resize: Shorter side in pixels before the centre crop.
        crop: Side of the crops.
        min_share: Smallest share of an image that a training crop shows.
        erase: Probability that a training crop is partly erased.
        mean: Of ImageNet, by default.
        std: Of ImageNet, by default.
    """

    resize: int
    crop: int
    min_share: float = 0.08
    erase: float = 0.0
    mean: ChannelValues = IMAGENET_MEAN
    std: ChannelValues = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A random part, uint8 (crop, crop, 3); the centre as in the test where no part fits."""
        part = random_box(rng, pixels.shape[0], pixels.shape[1], (self.min_share, 1.0), (3 / 4, 4 / 3))
        erased = random_box(rng, self.crop, self.crop, (0.02, 1 / 3), (0.3, 1 / 0.3))
        mirror, erase = rng.random() < 0.5, rng.random() < self.erase
        crop = self.test(pixels) if part is None else resize_bicubic(part.crop(pixels), self.crop, self.crop)
        crop = np.array(crop[:, ::-1] if mirror else crop)
        if erase and erased is not None:
            noise = rng.normal(self.mean, self.std, (erased.height, erased.width, 3))
            erased.crop(crop)[:] = np.clip(np.rint(255 * noise), 0, 255)
        return crop

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre of the resized image, uint8 (crop, crop, 3); the longer side is rounded down."""
        height, width = pixels.shape[:2]
        shorter = min(height, width)
        resized = resize_bicubic(pixels, self.resize * height // shorter, self.resize * width // shorter)
        return np.ascontiguousarray(padded_centre(resized, self.crop))

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        from detectors.preprocessing import float_images

        resized = float_images.resize_shorter_side(images, self.resize, "pillow bicubic")
        return float_images.padded_centre(resized, self.crop)
