"""Noise against scikit-image with the same draws, or against the distribution that it is said to have."""

from hashlib import sha256

import numpy as np
import pytest
from scipy.stats import chisquare, poisson
from skimage.util import random_noise

from detectors.checks import sample
from protocols.degradations import parse_degradation
from tests.support.pictures import photograph

PICTURE = photograph("noise", 60, 80)


@pytest.mark.parametrize(("kind", "mode"), [("gaussian_noise", "gaussian"), ("speckle_noise", "speckle")])
def test_normal_noise_is_what_scikit_image_adds(kind, mode):
    seed = sha256(f"60x80/{kind}/0.07".encode() + PICTURE.tobytes()).digest()
    expected = random_noise(PICTURE / 255, mode, rng=np.random.default_rng(list(seed)), var=0.07**2) * 255
    found = parse_degradation(f"{kind}:0.07")(sample(PICTURE)).pixels
    assert np.abs(found - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(("photons", "level"), [(255, 100), (20, 255), (50, 51)])
def test_poisson_noise_has_the_probabilities_of_counts(photons, level):
    flat = np.full((200, 200, 3), level, np.uint8)
    found = parse_degradation(f"poisson_noise:{photons}")(sample(flat)).pixels
    mean = level * photons / 255
    counts = np.arange(int(mean) * 4)
    levels = np.clip(np.rint(counts * 255 / photons), 0, 255).astype(int)
    expected = np.bincount(levels, poisson.pmf(counts, mean), 256) * found.size
    seen = np.bincount(found.ravel(), minlength=256)
    assert seen[expected == 0].sum() == 0
    common = expected > 5
    assert seen[~common].sum() < expected[~common].sum() + 30
    assert chisquare(seen[common], expected[common] * seen[common].sum() / expected[common].sum()).pvalue > 1e-3


def test_fewer_photons_are_seen_in_the_dark_and_none_in_black():
    found = parse_degradation("poisson_noise:50")(sample(np.zeros((20, 20, 3), np.uint8))).pixels
    assert (found == 0).all()


def test_impulses_replace_whole_pixels_half_by_black_and_half_by_white():
    grey = np.full((300, 300, 3), 120, np.uint8)
    found = parse_degradation("impulse_noise:0.1")(sample(grey)).pixels
    assert (found == found[..., :1]).all()
    shares = [np.mean(found[..., 0] == level) for level in (0, 255, 120)]
    tolerance = 4 * (0.05 * 0.95 / 90_000) ** 0.5
    assert shares == pytest.approx([0.05, 0.05, 0.9], abs=2 * tolerance)


@pytest.mark.parametrize("kind", ["gaussian_noise", "poisson_noise", "speckle_noise", "impulse_noise"])
def test_each_image_and_each_channel_has_noise_of_its_own(kind):
    first, second = (np.full((40, 40, 3), level, np.uint8) for level in (128, 129))
    strength = "50" if kind == "poisson_noise" else "0.2"
    noise = [parse_degradation(f"{kind}:{strength}")(sample(one)).pixels - one.astype(float) for one in (first, second)]
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
    if kind != "impulse_noise":
        assert abs(np.corrcoef(noise[0][..., 0].ravel(), noise[0][..., 1].ravel())[0, 1]) < 0.15
