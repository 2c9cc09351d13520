"""A view of luma and chroma: crops that are rotated, mirrored and partly erased in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from detectors.api import Image
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD, ChannelValues, padded_centre
from detectors.preprocessing.crops import centre_square
from detectors.preprocessing.views import UniformRange, random_box


def to_ycbcr(pixels: Image) -> Image:
    """Luma and chroma as JPEG has them, uint8 (H, W, 3), by Pillow."""
    return np.asarray(PillowImage.fromarray(np.ascontiguousarray(pixels)).convert("YCbCr"))


@dataclass(frozen=True, slots=True)
class YCbCrCrops:
    """The centre in YCbCr; in training a random crop, rotated, mirrored and partly erased.

    Attributes:
        crop: Side of the training crops.
        test_crop: Side of the centre in validation and test.
        pad: Whether smaller images are padded with zeros in YCbCr, as published, or enlarged.
        degrees: Largest angle of the rotation, either way; nearest pixels, zeros where there is none.
        erase: Probability that a rectangle of a training crop is set to zero.
        erased_share: Smallest and largest share of the area that it has.
        erased_ratio: Smallest and largest ratio of its sides.
        mean: Of ImageNet by default, whatever the meaning of the channels.
        std: Likewise.
    """

    crop: int
    test_crop: int
    pad: bool
    degrees: float = 10.0
    erase: float = 0.5
    erased_share: UniformRange = (0.3, 0.6)
    erased_ratio: UniformRange = (0.3, 1.3)
    mean: ChannelValues = IMAGENET_MEAN
    std: ChannelValues = IMAGENET_STD

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """A random crop, uint8 (crop, crop, 3)."""
        whole = pixels if min(pixels.shape[:2]) >= self.crop else centre_square(pixels, self.crop)
        top, left = (int(rng.integers(size - self.crop + 1)) for size in whole.shape[:2])
        ycbcr = PillowImage.fromarray(to_ycbcr(whole[top : top + self.crop, left : left + self.crop]))
        turned = np.array(ycbcr.rotate(rng.uniform(-self.degrees, self.degrees)))
        crop = np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)
        box = random_box(rng, self.crop, self.crop, self.erased_share, self.erased_ratio)
        if rng.random() < self.erase and box is not None:
            box.crop(crop)[:] = 0
        return crop

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As in the test."""
        del rng
        return self.test(pixels)

    def test(self, pixels: Image) -> Image:
        """The centre, uint8 (test_crop, test_crop, 3): zero in all three channels around what is smaller."""
        return (
            padded_centre(to_ycbcr(pixels), self.test_crop)
            if self.pad
            else to_ycbcr(centre_square(pixels, self.test_crop))
        )
