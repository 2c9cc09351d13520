"""Randomness of degradations: drawn from what an image shows, so that order, batch and worker change nothing."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from detectors.api import Image
from protocols.degradations.kind import number_text


def content_generator(pixels: Image, name: str, *numbers: float) -> np.random.Generator:
    """A generator seeded with the sha256 of the size and the pixels of an image, a name, and numbers.

    Args:
        pixels: uint8 (H, W, 3).
        name: What is drawn for.
        numbers: Of the degradation; without them, its severities share what is drawn.
    """
    height, width = pixels.shape[:2]
    content = sha256("/".join([f"{height}x{width}", name, *map(number_text, numbers)]).encode())
    content.update(np.ascontiguousarray(pixels).data)
    return np.random.default_rng(list(content.digest()))
