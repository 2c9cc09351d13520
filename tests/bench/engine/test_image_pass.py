"""The pass over images."""

from __future__ import annotations

import numpy as np
import pytest

from bench.engine.image_pass import ImageReader, image_pass, split_into_chunks
from bench.engine.prepared_image import PreparationRequest
from detectors.api import Sample
from detectors.types import Facts
from protocols.degradations import Degradation, parse_degradation
from tests.support.pictures import photograph


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


CHAINS = [
    "longest:40+jpeg:70",
    "none",
    "longest:40",
    "gaussian_noise:0.05+random:jpeg",
    "longest:40+webp:50",
    "jpeg:70",
    "longest:40+jpeg:70+blur:1",
    "jp2:20+blur:1",
    "gaussian_noise:0.05",
    "jp2:20",
    "longest:4",
]


def test_steps_that_chains_begin_with_are_taken_once_and_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Sample(photograph("chains", 50, 60), Facts("JPEG", 60, 50, 900, 80))
    requests = [
        PreparationRequest(consumer, parse_degradation(chain), lambda sample: sample, np.arange(1))
        for consumer in ("one", "other")
        for chain in CHAINS
    ]
    expected = {chain: parse_degradation(chain)(picture) for chain in CHAINS if "jp2" not in chain}
    taken, degrade = [], Degradation.__call__
    monkeypatch.setattr(
        Degradation, "__call__", lambda one, sample: taken.append((one.name, one.key)) or degrade(one, sample)
    )
    reader = ImageReader(lambda _: picture, 1, 1, ahead=False)
    (chunk,) = image_pass(reader, [np.arange(1)], requests)
    steps = ["longest:40", "jpeg:70", "blur:1", "webp:50", "gaussian_noise:0.05", "random:jpeg", "jpeg:70", "jp2:20"]
    assert sorted(taken) == sorted((step, parse_degradation(step).key) for step in [*steps, "longest:4"])
    for request in requests:
        found = chunk.results[request.key][0]
        if request.degradation.name in expected:
            assert (found.pixels == expected[request.degradation.name].pixels).all()
            assert found.facts == expected[request.degradation.name].facts
        else:
            assert isinstance(found, ValueError)
            assert "jp2:20 misses its rate" in str(found)
