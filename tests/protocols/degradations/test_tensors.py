"""What degradations by torch are made of: filters are exact matrices, blends and luma are those of Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from protocols.degradations.tensors import ONE, TILE, LineFilter, blended, luma


@pytest.mark.parametrize("count", [1, TILE - 1, TILE, 3 * TILE + 5])
@pytest.mark.parametrize("step", [0.3, 1, 4.6])
def test_a_filter_is_the_matrix_of_its_weights(count, step):
    rng, taps = np.random.default_rng(count), 7
    first = (np.arange(count) * step).astype(int)
    inputs = rng.integers(0, 50, first[-1] + taps - 2)  # the last output ends two inputs early
    weights = rng.integers(-ONE, ONE, (count, taps)).astype(float)
    weights[-1, -2:] = 0
    weights[(first[:, None] + np.arange(taps)) >= len(inputs)] = 0
    matrix = np.zeros((50, count), object)  # of Python's own numbers, which have no end
    for output in range(count):
        for tap, place in enumerate(inputs[first[output] : first[output] + taps]):
            matrix[place, output] += int(weights[output, tap])
    lines = rng.integers(0, 256, (2, 3, 50))
    found = LineFilter.of(inputs, first, weights)(torch.tensor(lines, dtype=torch.float64))
    assert (found.numpy() == lines.astype(object) @ matrix).all()


@pytest.mark.parametrize("factor", [0, 0.3, 0.55, 1, 1.7, 4])
def test_a_blend_is_that_of_pillow_for_every_pair_of_levels(factor):
    grey, levels = np.mgrid[:256, :256].astype(np.uint8)
    expected = Image.blend(Image.fromarray(grey), Image.fromarray(levels), factor)
    assert (blended(torch.tensor(grey), torch.tensor(levels), factor).numpy() == np.asarray(expected)).all()


def test_luma_is_that_of_pillow():
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert (luma(torch.tensor(pixels))[:, :, 0].numpy() == np.asarray(Image.fromarray(pixels).convert("L"))).all()
