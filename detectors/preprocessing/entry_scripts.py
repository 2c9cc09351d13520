"""How entry scripts of published code show an image to a network: resized, cropped, both or neither.

The same network is tested by its authors and by benchmarks on different pixels, and its probabilities differ by several
tenths between them. All scripts here read RGB; resizing is Pillow's bilinear filter, which averages where it shrinks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from detectors.api import Image
from detectors.preprocessing.augmentation import ChannelValues, View, padded_centre, resize_shorter_side
from detectors.preprocessing.views import resize_to_square

if TYPE_CHECKING:
    from torch import Tensor

Fitting = Literal["none", "shorter side", "square", "repeat"]


@dataclass(frozen=True, slots=True)
class EntryScript:
    """What one script does to an image before a network reads it.

    Attributes:
        text: Whose script it is and what it does, for cards.
        fitting: What comes before the crop: nothing; the shorter side resized to `side`; the whole image squeezed to a
            square of `side`; or the image laid beside itself until no side is below `side`.
        side: In pixels.
        crop: Side of the centre crop, with black around what is smaller; None keeps the whole.
    """

    text: str
    fitting: Fitting = "none"
    side: int = 256
    crop: int | None = 224

    @property
    def input_size(self) -> str:
        """Of what the network reads, for cards."""
        side = self.crop or (self.side if self.fitting == "square" else 0)
        return f"{side}x{side}" if side else "that of the image"

    def show(self, pixels: Image) -> Image:
        """What the network reads of an image uint8 (H, W, 3): uint8 (crop, crop, 3), or of any size without a crop."""
        fitted = self._fitted(pixels)
        return fitted if self.crop is None else padded_centre(fitted, self.crop)

    def _fitted(self, pixels: Image) -> Image:
        match self.fitting:
            case "none":
                return pixels
            case "shorter side":
                return resize_shorter_side(pixels, self.side)
            case "square":
                return resize_to_square(pixels, self.side, "pillow")
            case "repeat":
                return repeat_to(pixels, self.side)

    def show_floats(self, images: Tensor) -> Tensor:
        """As `show` of images as tensors, float (N, 3, H, W) in [0, 1]: nothing is rounded, and gradients flow."""
        from detectors.preprocessing import float_images

        fitted = self._fitted_floats(images)
        return fitted if self.crop is None else float_images.padded_centre(fitted, self.crop)

    def _fitted_floats(self, images: Tensor) -> Tensor:
        from detectors.preprocessing import float_images

        match self.fitting:
            case "none":
                return images
            case "shorter side":
                return float_images.resize_shorter_side(images, self.side, "pillow bilinear")
            case "square":
                return float_images.resize(images, self.side, self.side, "pillow bilinear")
            case "repeat":
                return float_images.repeat_to(images, self.side)


def script_notes(scripts: Mapping[str, EntryScript]) -> str:
    """What each value of the option `script` does, for cards."""
    return "; ".join(f"script={name}: {script.text}" for name, script in scripts.items())


@dataclass(frozen=True, slots=True)
class ScriptView:
    """A view whose test is that of an entry script; training and validation are those of another view.

    Attributes:
        trained: The other view, whose mean and deviation it has.
        script: The script.
    """

    trained: View
    script: EntryScript

    @property
    def mean(self) -> ChannelValues:
        """That of the other view."""
        return self.trained.mean

    @property
    def std(self) -> ChannelValues:
        """That of the other view."""
        return self.trained.std

    def training(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As the other view."""
        return self.trained.training(pixels, rng)

    def validation(self, pixels: Image, rng: np.random.Generator) -> Image:
        """As the other view."""
        return self.trained.validation(pixels, rng)

    def test(self, pixels: Image) -> Image:
        """As the script shows it."""
        return self.script.show(pixels)

    def test_floats(self, images: Tensor) -> Tensor:
        """As `FloatView.test_floats`."""
        return self.script.show_floats(images)


def repeat_to(pixels: Image, side: int) -> Image:
    """An image laid beside and below itself until no side is below `side`; as it is where none is."""
    height, width = pixels.shape[:2]
    return np.tile(pixels, (-(-side // height), -(-side // width), 1)) if min(height, width) < side else pixels
