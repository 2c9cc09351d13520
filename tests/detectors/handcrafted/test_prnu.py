import numpy as np
import pytest
import pywt
from scipy.ndimage import uniform_filter

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.handcrafted.prnu import (
    NoiseEmbedder,
    Prnu,
    min_local_mean,
    subtract_phase_means,
    suppress_periodic,
    wavelet_noise,
)


def wiener(waves, variance):
    """The filter of the published toolbox: noise variance over the smallest local energy above it."""
    energies = [uniform_filter(waves**2, size, mode="constant") for size in (3, 5, 7, 9)]
    return waves * variance / (np.maximum(np.min(energies, 0) - variance, 0) + variance)


def slow_noise(image, levels=4):
    """The denoiser's residual of one channel, in double precision, level by level."""
    if not levels:
        return np.zeros_like(image)
    scene, details = pywt.dwt2(image, "db4", "symmetric")
    kept = slow_noise(scene, levels - 1), [wiener(waves, 25.0) for waves in details]
    return pywt.idwt2(kept, "db4", "symmetric")[: len(image), : len(image)]


def slow_residual(image):
    noise = [slow_noise(image[:, :, channel].astype(float)) for channel in range(3)]
    grey = np.tensordot([0.29893602, 0.58704307, 0.11402090], noise, 1)
    for top in (0, 1):
        for left in (0, 1):
            phase = grey[top::2, left::2] - grey[top::2, left::2].mean()
            grey[top::2, left::2] = phase - phase.mean(1, keepdims=True) - phase.mean(0, keepdims=True)
    waves = np.fft.fft2(grey)
    size = np.abs(waves) / len(grey)
    return np.real(np.fft.ifft2(waves * wiener(size, grey.std(ddof=1) ** 2) / np.maximum(size, 1e-300)))


@pytest.mark.parametrize("name", ["texture", "noise"])
def test_equals_the_slow_chain(name):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    image = noise if name == "noise" else texture("slow", 128, 128)
    embedder = Prnu("paper").embedder(Runtime())
    found = embedder.embed([embedder.prepare(sample(image))])[0]
    assert found.shape == (embedder.dim,) == (128 * 128,)
    expected = slow_residual(image).ravel()
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_window_means_equal_those_of_scipy():
    energy = np.random.default_rng(0).exponential(3, (17, 23, 3))
    means = [uniform_filter(energy, (size, size, 1), mode="constant") for size in (3, 5, 7, 9)]
    np.testing.assert_allclose(min_local_mean(energy), np.min(means, 0), rtol=1e-10)


@pytest.mark.parametrize("shape", [(4, 4, 3), (64, 64, 3), (67, 90, 3)])
def test_noise_is_taken_from_every_size_at_the_depth_it_bears(shape):
    image = np.random.default_rng(0).normal(128, 3, shape).astype(np.float32)
    noise = wavelet_noise(image)
    assert noise.shape == shape
    assert noise.dtype == np.float32
    assert noise.any() == (min(shape[:2]) >= 14)  # a shorter side bears no level


def test_noise_passes_and_edges_stay():
    """Faint noise is the residual almost whole; of a step of the scene little is left."""
    rng = np.random.default_rng(0)
    faint = rng.normal(0, 2, (128, 128))
    step = np.where(np.arange(128) < 61, 40.0, 200.0) * np.ones((128, 1))
    left = wavelet_noise(np.stack([faint, step, faint + step], 2))
    assert np.corrcoef(left[:, :, 0].ravel(), faint.ravel())[0, 1] > 0.95
    assert left[:, :, 1].std() < 0.05 * step.std()
    assert np.corrcoef(left[:, :, 2].ravel(), faint.ravel())[0, 1] > 0.7


def test_rows_and_columns_have_no_mean_in_any_phase():
    phases = subtract_phase_means(np.random.default_rng(0).normal(5, 2, (16, 16))).reshape(8, 2, 8, 2)
    assert np.abs(phases.mean(2)).max() < 1e-12
    assert np.abs(phases.mean(0)).max() < 1e-12


def test_a_wave_that_repeats_is_taken_out():
    noise = np.random.default_rng(0).normal(0, 1, (64, 64))
    wave = 3 * np.cos(2 * np.pi * 5 * np.arange(64) / 64)[:, None] * np.cos(2 * np.pi * 7 * np.arange(64) / 64)
    left = suppress_periodic(noise + wave)
    assert (left * wave).sum() < 0.5 * ((noise + wave) * wave).sum()


def test_a_flat_image_leaves_nothing():
    assert not NoiseEmbedder(64).prepare(sample(np.full((64, 64, 3), 91, np.uint8))).any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (127, 129), (60, 400)])
def test_any_size_is_read(shape):
    embedder = Prnu("small").embedder(Runtime())
    assert np.isfinite(embedder.embed([embedder.prepare(sample(texture("size", *shape)))])).all()


def test_learns():
    train = ToyTrainSet(80)
    probe = Prnu("small").fit(train, 0, Runtime())
    scores = probe.score([probe.prepare(train[index]) for index in range(len(train))])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
