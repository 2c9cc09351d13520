"""The pass over images."""

from __future__ import annotations

from weakref import finalize

import numpy as np
import pytest
from numpy.typing import NDArray

import bench.engine.image_pass as image_pass_module
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


@pytest.mark.parametrize("inputs", [image_pass_module.INPUT_MEMORY, 1])
def test_steps_that_chains_begin_with_are_taken_once_and_change_no_answer(
    monkeypatch: pytest.MonkeyPatch, inputs: int
) -> None:
    monkeypatch.setattr(image_pass_module, "INPUT_MEMORY", inputs)  # 1: each condition is a part of its own
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
    parts = list(image_pass(reader, [np.arange(1)], requests))
    assert len(parts) == (1 if inputs > 1 else len(CHAINS))
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert sum(part.decoded for part in parts) == 1
    results = {key: result for part in parts for key, result in part.results.items()}
    steps = ["longest:40", "jpeg:70", "blur:1", "webp:50", "gaussian_noise:0.05", "random:jpeg", "jpeg:70", "jp2:20"]
    assert sorted(taken) == sorted((step, parse_degradation(step).key) for step in [*steps, "longest:4"])
    for request in requests:
        found = results[request.key][0]
        if request.degradation.name in expected:
            assert (found.pixels == expected[request.degradation.name].pixels).all()
            assert found.facts == expected[request.degradation.name].facts
        else:
            assert isinstance(found, ValueError)
            assert "jp2:20 misses its rate" in str(found)


SIDE, IMAGES, CONDITIONS = 32, 8, [f"jpeg:{quality}" for quality in range(40, 64, 2)]
ONE = SIDE * SIDE * 3 * 4  # bytes of a prepared array


class Held:
    """Counts the bytes of prepared arrays that anything still refers to, and the work behind them."""

    def __init__(self) -> None:
        self.bytes = self.most = 0
        self.read: list[int] = []
        self.pictures = [photograph(f"held{index}", SIDE, SIDE) for index in range(2 * IMAGES)]

    def decode(self, image: int) -> Sample:
        self.read.append(image)
        return Sample(self.pictures[image], Facts("PNG", SIDE, SIDE, 30))

    def prepare(self, sample: Sample) -> NDArray[np.float32]:
        array = sample.pixels.astype(np.float32)
        self.bytes += array.nbytes
        self.most = max(self.most, self.bytes)
        finalize(array, self.release, array.nbytes)
        return array

    def release(self, count: int) -> None:
        self.bytes -= count

    def requests(self) -> list[PreparationRequest]:
        return [
            PreparationRequest(consumer, parse_degradation(condition), self.prepare, np.arange(2 * IMAGES))
            for consumer in ("one", "other")
            for condition in CONDITIONS
        ]


def sums(held: Held, *, ahead: bool) -> dict[tuple[object, int], float]:
    """The sum of each prepared array, by preparation and image; no part is kept beside the next."""
    reader = ImageReader(held.decode, 2 * IMAGES, 1, ahead=ahead)
    found = {}
    for part in image_pass(reader, split_into_chunks(np.arange(2 * IMAGES), IMAGES), held.requests()):
        assert {name for _, name in part.results} == part.conditions
        found |= {(key, image): float(one.sum()) for key, by in part.results.items() for image, one in by.items()}
        del part  # as consumers do
    return found


@pytest.mark.parametrize("ahead", [False, True])
def test_inputs_of_many_conditions_are_held_some_at_a_time(monkeypatch: pytest.MonkeyPatch, ahead: bool) -> None:  # noqa: FBT001
    whole = Held()
    expected = sums(whole, ahead=False)
    assert whole.most == 2 * IMAGES * len(CONDITIONS) * ONE
    limit = (3 if not ahead else 9) * 2 * IMAGES * ONE
    monkeypatch.setattr(image_pass_module, "INPUT_MEMORY", limit)
    monkeypatch.setattr(image_pass_module, "USUAL_INPUT", ONE)
    some = Held()
    assert sums(some, ahead=ahead) == expected
    assert some.most <= limit < whole.most
    assert sorted(some.read) == list(range(2 * IMAGES))
    assert some.bytes == 0


def test_images_for_which_there_is_no_room_are_prepared_at_once_and_decoded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = sums(Held(), ahead=False)
    monkeypatch.setattr(image_pass_module, "INPUT_MEMORY", 1)
    monkeypatch.setattr(image_pass_module, "PIXEL_MEMORY", 3 * SIDE * SIDE * 3)  # of three images
    few = Held()
    assert sums(few, ahead=False) == expected
    assert sorted(few.read) == list(range(2 * IMAGES))
    assert few.most < 2 * IMAGES * len(CONDITIONS) * ONE


def test_a_crop_does_not_keep_its_image_alive() -> None:
    request = PreparationRequest("crop", parse_degradation("none"), lambda sample: sample.pixels[:4, :4], np.arange(1))
    held = Held()
    (chunk,) = image_pass(ImageReader(held.decode, 1, 1, ahead=False), [np.arange(1)], [request])
    (crop,) = chunk.batch(request.key, [0])
    assert (crop == held.pictures[0][:4, :4]).all()
    assert crop.base is None or crop.base.nbytes == crop.nbytes
    assert not crop.flags.writeable


def test_an_image_that_cannot_be_decoded_is_tried_once_and_told_in_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def read(image: int) -> Sample:
        tried.append(image)
        msg = "a hole in it"
        raise OSError(2, msg)

    monkeypatch.setattr(image_pass_module, "INPUT_MEMORY", 1)
    reader = ImageReader(read, 2 * IMAGES, 1, ahead=False)
    parts = list(image_pass(reader, [np.arange(1)], Held().requests()[:3]))
    assert tried == [0]
    assert [part.unread for part in parts] == [{0: "it cannot be read: a hole in it"}] * 3
    assert [part.decoded for part in parts] == [1, 0, 0]
