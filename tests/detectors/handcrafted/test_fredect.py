import numpy as np
import pytest
from scipy.optimize import approx_fprime

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, check, sample, texture
from detectors.handcrafted.fredect import DctEmbedder, FreDect, MeanLossLogistic
from detectors.preprocessing.crops import luma


def slow_dct(image):
    """The orthonormal type-II transform of each channel, by its definition."""
    side = len(image)
    places = np.arange(side)
    waves = np.cos(np.pi * (2 * places + 1) * places[:, None] / (2 * side)) * np.sqrt(2 / side)
    waves[0] /= np.sqrt(2)
    return np.stack([waves @ image[:, :, channel].astype(float) @ waves.T for channel in range(3)], -1)


@pytest.mark.parametrize("side", [16, 128])
def test_equals_the_definition(side):
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    embedder = DctEmbedder(side, 3)
    found = embedder.embed([embedder.prepare(sample(image))])[0]
    expected = np.log(np.abs(slow_dct(image)) + 1e-12)
    assert found.shape == (embedder.dim,) == (side * side * 3,)
    np.testing.assert_allclose(found.reshape(side, side, 3), expected, atol=1e-4)


def test_settings_have_the_stated_sizes():
    assert FreDect("paper").embedder(Runtime()).dim == 128 * 128 * 3
    embedder = FreDect("small").embedder(Runtime())
    image = texture("luma", 128, 128)
    assert embedder.dim == 96 * 96
    assert (embedder.prepare(sample(image))[:, :, 0] == luma(image)[16:112, 16:112]).all()


def test_a_checkerboard_shows_in_the_last_coefficient():
    image = texture("board")
    board = image.copy()
    board[::2, ::2] = np.clip(board[::2, ::2] + 6.0, 0, 255)
    board[1::2, 1::2] = np.clip(board[1::2, 1::2] + 6.0, 0, 255)
    embedder = DctEmbedder(128, 3)
    plain, changed = embedder.embed([embedder.prepare(sample(one)) for one in (image, board)])
    gain = (changed - plain).reshape(128, 128, 3)
    assert (gain[-1, -1] > 3).all()
    assert np.median(np.abs(gain)) < 0.1


def test_a_flat_image_meets_the_floor_and_not_rounding():
    embedder = DctEmbedder(32, 3)
    waves = embedder.embed([embedder.prepare(sample(np.full((32, 32, 3), 77, np.uint8)))])[0].reshape(32, 32, 3)
    np.testing.assert_allclose(waves[0, 0], np.log(77 * 32), atol=1e-6)
    assert waves[1:, 1:].max() < np.log(1e-11)


def test_the_penalty_is_weighed_against_the_mean_loss():
    """At the solution the gradient of mean loss + 0.01 |w|^2 is 0, whatever the number of images."""
    rng = np.random.default_rng(0)
    for size in (30, 300):
        points = rng.normal(0, 1, (size, 4)).astype(np.float32)
        order = np.argsort(points[:, 0] + rng.normal(0, 1, size))
        labels = np.zeros(size, np.int64)
        labels[order[size // 2 :]] = 1
        line = MeanLossLogistic(0.01).fit(points, labels, 0)
        scaled = (points - points.mean(0, dtype=np.float64)) / points.std(0, dtype=np.float64)

        def loss(weights, scaled=scaled, labels=labels):
            odds = scaled @ weights[:-1] + weights[-1]
            return np.mean(np.logaddexp(0, odds) - labels * odds) + 0.01 * np.sum(weights[:-1] ** 2)

        found = np.append(line.coef, line.intercept)
        np.testing.assert_allclose(approx_fprime(found, loss), 0, atol=1e-5)


def test_keys_tell_the_settings_apart():
    assert len({FreDect(setting).embedder(Runtime()).key for setting in ("paper", "small")}) == 2


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (127, 129), (60, 400)])
@pytest.mark.parametrize("setting", ["paper", "small"])
def test_any_size_is_read(shape, setting):
    embedder = FreDect(setting).embedder(Runtime())
    assert np.isfinite(embedder.embed([embedder.prepare(sample(texture("size", *shape)))])).all()


def test_keeps_the_contract_in_the_paper_setting_too():
    check(FreDect("paper"))


def test_learns():
    train = ToyTrainSet()
    probe = FreDect("small").fit(train, 0, Runtime())
    scores = probe.score([probe.prepare(train[index]) for index in range(len(train))])
    assert ((scores > 0.5) == train.labels).all()
