import numpy as np
import pytest

from bench.analyses.images.residuals import (
    FLOOR,
    LUMA,
    SIGMA,
    TooSmall,
    decibels,
    frequencies,
    power,
    radial_profile,
    residual,
    transfer,
)
from detectors.checks import texture


def slow_residual(pixels, side):
    """Of every pixel by itself: its luma minus the weighted luma of its neighbours, mirrored at the borders."""
    luma = (pixels.astype(float) * LUMA).sum(axis=2)
    weights = np.exp(-(np.arange(-4, 5) ** 2) / (2 * SIGMA**2))
    weights = np.outer(weights, weights) / weights.sum() ** 2
    padded = np.pad(luma, 4, mode="reflect")
    whole = np.array(
        [
            [luma[y, x] - (padded[y : y + 9, x : x + 9] * weights).sum() for x in range(luma.shape[1])]
            for y in range(luma.shape[0])
        ]
    )
    top, left = ((size - side) // 2 for size in luma.shape)
    return whole[top : top + side, left : left + side]


@pytest.mark.parametrize("shape", [(40, 33), (32, 32), (36, 60)])
def test_a_residual_is_that_of_a_loop_over_pixels(shape):
    pixels = texture("residual", *shape)
    assert residual(pixels, 32) == pytest.approx(slow_residual(pixels, 32), abs=1e-9)


def test_a_wave_keeps_the_share_that_is_stated():
    y, x = np.mgrid[:64, :64]
    for step in (2, 8, 20, 32):
        wave = 100 + 60 * np.cos(2 * np.pi * step * x / 64)
        image = np.repeat(np.rint(wave).astype(np.uint8)[..., None], 3, axis=2)
        kept = residual(np.tile(image, (2, 2, 1)), 64)
        amplitude = np.sqrt(power(kept)[32, 32 + step if step < 32 else 0] / 64**2) * (1 if step == 32 else 2)
        assert amplitude == pytest.approx(60 * transfer(step / 64), abs=0.7)
    assert transfer(0.5) > 0.99
    assert y.shape == x.shape


def test_power_is_that_of_sums_over_pixels_and_its_mean_is_the_mean_square():
    values = np.random.default_rng(3).normal(size=(8, 8))
    y, x = np.mgrid[:8, :8]
    slow = [
        [abs((values * np.exp(-2j * np.pi * (v * y + u * x) / 8)).sum()) ** 2 / 64 for u in range(-4, 4)]
        for v in range(-4, 4)
    ]
    assert power(values) == pytest.approx(np.array(slow))
    assert power(values).mean() == pytest.approx(np.square(values).mean())
    assert decibels(np.zeros((2, 2))) == pytest.approx(np.full((2, 2), 10 * np.log10(FLOOR)))


def test_a_profile_averages_over_rings():
    spectrum = np.random.default_rng(4).normal(size=(16, 16))
    rings = {}
    for row in range(16):
        for column in range(16):
            rings.setdefault(round(np.hypot(row - 8, column - 8)), []).append(spectrum[row, column])
    assert radial_profile(spectrum) == pytest.approx([np.mean(rings[ring]) for ring in range(9)])
    assert frequencies(16)[-1] == 0.5


def test_an_image_without_such_a_crop_is_told_of():
    with pytest.raises(TooSmall, match="it has 30x40 pixels, and a crop of 32x32 is asked for"):
        residual(texture("small", 40, 30), 32)
