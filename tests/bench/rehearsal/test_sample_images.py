"""The photographs that rates are measured on."""

import pytest

from bench.images.decoding.decoder import decode
from bench.rehearsal.sample_images import ENCODINGS, SIDE, encoded, repeated, sample_images


def test_they_are_different_photographs_of_one_size():
    samples = sample_images()
    assert len(samples) % 2 == 0
    assert {sample.pixels.shape for sample in samples} == {(SIDE, SIDE, 3)}
    assert len({sample.pixels.tobytes() for sample in samples}) == len(samples)
    assert [one is samples[0] for one in repeated(samples, len(samples) + 1)] == [True, *[False] * 7, True]


@pytest.mark.parametrize("file_format", ENCODINGS)
def test_their_files_are_of_the_format_and_can_be_decoded(file_format):
    found = decode(encoded(sample_images()[0].pixels, file_format), "file")
    assert found.facts.format == file_format
    assert found.pixels.shape == (SIDE, SIDE, 3)
