"""Crops and resizes of images as tensors, through which gradients flow; import this module inside functions only.

They are the twins of those of 8-bit images, without rounding. Images are float (N, 3, H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor
from torch.nn import functional

TensorResampling = Literal[
    "opencv bilinear", "pillow bilinear", "pillow bicubic"
]  # Pillow's filters average, OpenCV's not
MODES: Mapping[TensorResampling, tuple[str, bool]] = {  # torch's mode, and whether it averages where it shrinks
    "opencv bilinear": ("bilinear", False),
    "pillow bilinear": ("bilinear", True),
    "pillow bicubic": ("bicubic", True),
}


def resize(images: Tensor, height: int, width: int, resampling: TensorResampling) -> Tensor:
    """Images of another size, float (N, 3, height, width)."""
    if images.shape[2:] == (height, width):
        return images
    mode, averages = MODES[resampling]
    resized: Tensor = functional.interpolate(
        images, (height, width), mode=mode, align_corners=False, antialias=averages
    )
    return resized.clamp(0, 1)  # a bicubic filter overshoots, and 8 bits do not hold that


def resize_shorter_side(images: Tensor, side: int, resampling: TensorResampling) -> Tensor:
    """Images whose shorter side has `side` pixels, and the longer one is rounded down."""
    height, width = images.shape[2:]
    shorter = min(height, width)
    return resize(images, side * height // shorter, side * width // shorter, resampling)


def padded_centre(images: Tensor, side: int) -> Tensor:
    """The centre, (N, 3, side, side), with black around what is smaller: `augmentation.padded_centre`."""
    height, width = images.shape[2:]
    top, left = round(max(height - side, 0) / 2), round(max(width - side, 0) / 2)
    centre = images[:, :, top : top + side, left : left + side]
    pad_top, pad_left = max(side - height, 0) // 2, max(side - width, 0) // 2
    pad_bottom, pad_right = side - centre.shape[2] - pad_top, side - centre.shape[3] - pad_left
    return functional.pad(centre, (pad_left, pad_right, pad_top, pad_bottom))


def centre_square(images: Tensor, size: int) -> Tensor:
    """The centre, (N, 3, size, size), enlarged where the image is smaller: `crops.centre_square`."""
    side = min(size, *images.shape[2:])
    top, left = (images.shape[2] - side) // 2, (images.shape[3] - side) // 2
    return resize(images[:, :, top : top + side, left : left + side], size, size, "opencv bilinear")


def repeat_to(images: Tensor, side: int) -> Tensor:
    """Images laid beside and below themselves until no side is below `side`: `entry_scripts.repeat_to`."""
    height, width = images.shape[2:]
    return images.repeat(1, 1, -(-side // height), -(-side // width)) if min(height, width) < side else images
