"""The pass over images."""

from __future__ import annotations

import numpy as np
import pytest

from bench.engine.image_pass import ImageReader, PreparationRequest, image_pass, split_into_chunks
from detectors.api import Sample
from detectors.types import Facts
from protocols.degradations import parse_degradation


@pytest.mark.parametrize("workers", [1, 4])
def test_without_reading_ahead_the_next_chunk_waits(workers: int) -> None:
    read_images = []
    pixels = np.zeros((2, 2, 3), np.uint8)

    def read(image: int) -> Sample:
        read_images.append(image)
        return Sample(pixels, Facts("PNG", 2, 2, 30))

    images = np.arange(10)
    request = PreparationRequest("pixels", parse_degradation("none"), lambda sample: sample.pixels, images)
    reader = ImageReader(read, len(images), workers, ahead=False)
    seen = [
        (chunk.images.tolist(), sorted(read_images))
        for chunk in image_pass(reader, split_into_chunks(images, 4), [request])
    ]
    assert seen == [([0, 1, 2, 3], list(range(4))), ([4, 5, 6, 7], list(range(8))), ([8, 9], list(range(10)))]


def test_reading_ahead_gives_the_same_chunks() -> None:
    pixels = np.arange(10 * 12, dtype=np.uint8).reshape(10, 2, 2, 3)
    images = np.arange(10)
    request = PreparationRequest("pixels", parse_degradation("none"), lambda sample: sample.pixels, images)
    found = [
        [
            np.stack(chunk.batch(request.key, chunk.images)).tolist()
            for chunk in image_pass(
                ImageReader(lambda image: Sample(pixels[image], Facts("PNG", 2, 2, 30)), len(images), 2, ahead=ahead),
                split_into_chunks(images, 4),
                [request],
            )
        ]
        for ahead in (False, True)
    ]
    assert found[0] == found[1] == [pixels[start : start + 4].tolist() for start in (0, 4, 8)]
