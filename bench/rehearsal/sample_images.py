"""The images that rates are measured on: crops of the photographs that scikit-image ships, the same everywhere."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow

from detectors.api import Image, Sample
from detectors.types import Facts

SIDE = 256  # pixels
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
ENCODINGS = {"JPEG": {"quality": 95}, "PNG": {}}  # of the files that are decoded, by format


def sample_images() -> list[Sample]:
    """Two crops of each photograph, (SIDE, SIDE, 3), as if they came from JPEG files."""
    from skimage import data

    found = []
    for name in PHOTOGRAPHS:
        pixels = np.asarray(getattr(data, name)())[:, :, :3]
        for top, left in ((0, 0), (pixels.shape[0] - SIDE, pixels.shape[1] - SIDE)):
            crop = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
            crop.flags.writeable = False
            found.append(Sample(crop, Facts("JPEG", SIDE, SIDE, len(encoded(crop, "JPEG")), 95)))
    return found


def encoded(pixels: Image, file_format: str) -> bytes:
    """An image file of one of the `ENCODINGS`."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, file_format, **ENCODINGS[file_format])
    return file.getvalue()


def repeated(samples: Sequence[Sample], count: int) -> list[Sample]:
    """So many samples, each as often as it takes."""
    return [samples[index % len(samples)] for index in range(count)]
