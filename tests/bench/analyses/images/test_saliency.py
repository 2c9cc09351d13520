from itertools import product

import numpy as np
import pytest
import torch
from lineup_checkerboard import Checkerboard
from torch import nn

from bench.analyses.images.saliency import (
    GRADIENT_SPECTRA,
    RINGS,
    SALIENCY,
    FittedDetector,
    centre_share,
    gini,
    gradient_spectrum,
    gradient_spectrum_table,
    ring_frequencies,
    saliency,
    saliency_table,
)
from detectors import catalogue
from detectors.api import Detector, Runtime
from detectors.architectures.support.gradients import odds_and_gradient
from detectors.checks import ToyTrainSet
from detectors.input_policy import with_input_policy


class SmallConvolutions(Detector):
    """Two convolutions in float64."""

    def __init__(self):
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 2, 3, 2), nn.Tanh()).double()

    def odds(self, images):
        return self.network(images.double()).square().mean((1, 2, 3)) * 10

    def odds_and_gradient(self, pixels):
        return odds_and_gradient(self.odds, pixels, "cpu")

    def score(self, batch):
        raise NotImplementedError

    def prepare(self, sample):
        raise NotImplementedError

    def state(self):
        return {}


class Followed(Checkerboard):
    """A recipe that says that its detectors have a gradient."""

    differentiable = True


@pytest.fixture(scope="module")
def small():
    return FittedDetector("small", Followed("small"), SmallConvolutions())


@pytest.fixture(scope="module")
def shipped():
    """A shipped network, fitted for a moment."""
    recipe = catalogue.recipe("npr", "small")
    return FittedDetector("npr", recipe, recipe.fit(ToyTrainSet(), 0, Runtime()))


def test_a_gradient_is_that_of_central_differences_in_float64(small, planted):
    (found,) = saliency([small], planted.images, np.array([7]), 1).maps
    pixels = torch.from_numpy(planted.images[7].pixels / 255).permute(2, 0, 1)[None]
    step = 1e-4
    for y, x, channel in [(0, 0, 0), (1, 5, 2), (30, 31, 1), (63, 63, 0), (40, 2, 2), (17, 50, 1)]:
        shifted = torch.zeros_like(pixels)
        shifted[0, channel, y, x] = step
        with torch.inference_mode():
            above, below = (float(small.detector.odds(pixels + sign * shifted)) for sign in (1, -1))
        assert found.gradient[y, x, channel] == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-9)
    assert (found.values == np.abs(found.gradient).max(axis=2)).all()


def test_the_gradient_of_a_shipped_detector_is_that_of_differences(shipped, planted):
    (found,) = saliency([shipped], planted.images, np.array([3]), 1).maps
    pixels = (planted.images[3].pixels / 255).astype(np.float32)
    strongest = np.argsort(found.values, axis=None)[-6:]
    step = np.float32(2e-4)
    for y, x in zip(*np.unravel_index(strongest, found.values.shape), strict=True):
        channel = int(np.argmax(np.abs(found.gradient[y, x])))
        odds = []
        for sign in (1, -1):
            shifted = pixels.copy()
            shifted[y, x, channel] = np.clip(shifted[y, x, channel] + sign * step, 0, 1)
            odds.append((shifted[y, x, channel], shipped.detector.odds_and_gradient(shifted)[0]))
        slope = (odds[0][1] - odds[1][1]) / float(odds[0][0] - odds[1][0])
        assert slope == pytest.approx(float(found.gradient[y, x, channel]), rel=0.1)


def test_other_threads_and_other_images_beside_it_change_nothing(shipped, planted):
    rows = np.array([1, 20, 60, 90])
    whole = saliency([shipped], planted.images, rows, 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = [saliency([shipped], planted.images, rows[[place]], 1).maps[0] for place in range(4)]
    finally:
        torch.set_num_threads(threads)
    assert [one.name for one in whole.maps] == [planted.images.names[row] for row in rows]
    for one, other in zip(whole.maps, alone, strict=True):
        scale = float(np.abs(one.gradient).max())
        assert one.gradient == pytest.approx(other.gradient, abs=1e-5 * scale)
        assert one.log_odds == pytest.approx(other.log_odds, abs=1e-4)


def test_detectors_without_a_gradient_are_named_with_the_reason(small, planted):
    recipe = Checkerboard("small")
    plain = FittedDetector("plain", recipe, recipe.fit(ToyTrainSet(), 0, Runtime()))
    cropped_recipe = catalogue.recipe("npr", "small", input="crop")
    cropped = with_input_policy(cropped_recipe, cropped_recipe.fit(ToyTrainSet(), 0, Runtime()))
    found = saliency(
        [plain, FittedDetector("cropped", cropped_recipe, cropped), small], planted.images, np.array([0]), 1
    )
    assert [one.detector for one in found.maps] == ["small"]
    assert "have no gradient" in found.without["plain"]
    assert "input=crop" in found.without["cropped"]


def test_images_are_degraded_first(small, planted):
    (plain,), (blurred,) = (
        saliency([small], planted.images, np.array([5]), 1, degradation).maps for degradation in ("none", "blur:2")
    )
    assert (plain.degradation, blurred.degradation) == ("none", "blur:2")
    assert (plain.gradient != blurred.gradient).any()


def test_concentration_of_known_maps():
    assert gini(np.ones((5, 4))) == pytest.approx(0)
    assert gini(np.eye(1, 20)) == pytest.approx(1 - 1 / 20)
    values = np.random.default_rng(0).random((6, 5))
    pairs = [abs(one - other) for one, other in product(values.ravel(), repeat=2)]
    assert gini(values) == pytest.approx(np.mean(pairs) / 2 / values.mean())
    assert centre_share(np.ones((8, 12))) == 0.25
    corner = np.zeros((8, 8))
    corner[0, 0] = 1
    assert centre_share(corner) == 0
    assert np.isnan([gini(np.zeros((3, 3))), centre_share(np.zeros((3, 3)))]).all()


def test_a_gradient_of_one_frequency_has_its_power_there():
    y, x = np.mgrid[:40, :60]
    wave = np.cos(2 * np.pi * (y * 4 / 40 + x * 12 / 60))
    shares = gradient_spectrum(np.stack([wave, -wave, 0 * wave], 2).astype(np.float32))
    ring = int(np.argmax(shares))
    assert shares[ring] == pytest.approx(1)
    assert abs(ring_frequencies()[ring] - np.hypot(0.1, 0.2)) <= np.sqrt(0.5) / RINGS / 2
    checkerboard = np.where((y + x) % 2, 1.0, -1.0)[..., None].repeat(3, 2)
    assert gradient_spectrum(checkerboard)[-1] == pytest.approx(1)
    assert np.isnan(gradient_spectrum(np.zeros((4, 4, 3), np.float32))).all()


def test_tables_have_a_row_per_image_and_per_ring(small, planted):
    rows = np.flatnonzero(planted.images.table["generator"] == "wave")[[0, 1, -1]]
    maps = saliency([small], planted.images, rows, 1).maps
    table, spectra = saliency_table(maps), gradient_spectrum_table(maps)
    assert (tuple(table.columns), tuple(spectra.columns)) == (SALIENCY, GRADIENT_SPECTRA)
    assert table["name"].tolist() == [planted.images.names[row] for row in rows]
    assert table["generator"].tolist() == ["wave", "wave", "real"]
    assert spectra.groupby("label")["power_share"].sum().tolist() == pytest.approx([1, 1])
    assert spectra.groupby("label")["images"].first().tolist() == [1, 2]
    mean = np.mean([gradient_spectrum(one.gradient) for one in maps[:2]], axis=0)
    assert spectra.loc[spectra["label"] == 1, "power_share"].to_numpy() == pytest.approx(mean)
