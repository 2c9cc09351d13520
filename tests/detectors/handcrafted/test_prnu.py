import numpy as np
import pytest
import pywt
from scipy.ndimage import uniform_filter

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, check, sample, texture
from detectors.handcrafted.prnu import (
    NoiseEmbedder,
    Prnu,
    min_local_mean,
    subtract_phase_means,
    suppress_periodic,
    wavelet_noise,
)
from detectors.heads.fingerprints import Fingerprints, fit


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


def patterns(size=60, columns=400, strength=0.3, seed=0):
    """Residuals of three sources, each with its own faint pattern."""
    rng = np.random.default_rng(seed)
    own = np.random.default_rng(7).normal(0, strength, (3, columns))
    source = np.arange(size) % 3
    return (rng.normal(0, 1, (size, columns)) + own[source]).astype(np.float32), source


def test_an_image_belongs_to_the_fingerprint_it_correlates_with_most():
    residuals, source = patterns()
    names = ["", "gan", "diffusion"]
    labels = (source > 0).astype(np.int64)
    fitted = fit(residuals, labels, [names[one] for one in source], 0)
    fresh, truth = patterns(seed=1)
    means = np.stack([residuals[source == one].mean(0) for one in range(3)])
    correlations = np.array([[np.dot(f, m) / np.linalg.norm(f) / np.linalg.norm(m) for m in means] for f in fresh])
    found = fitted.decide(fresh)
    assert ((found > 0.5) == (correlations.argmax(1) > 0)).all()
    np.testing.assert_allclose(fitted.margins(fresh), correlations[:, 1:].max(1) - correlations[:, 0], atol=1e-6)
    assert ((found > 0.5) == (truth > 0)).mean() > 0.9


def test_one_fingerprint_for_all_generators_is_not_enough():
    """Patterns that cancel out: the mean over both generators shows neither."""
    rng = np.random.default_rng(0)
    pattern = rng.normal(0, 0.5, 400)
    source = np.arange(90) % 3
    signs = np.array([0, 1, -1])[source]
    residuals = (rng.normal(0, 1, (90, 400)) + signs[:, None] * pattern).astype(np.float32)
    labels = (source > 0).astype(np.int64)
    apart = fit(residuals[:60], labels[:60], [["", "a", "b"][one] for one in source[:60]], 0).decide(residuals[60:])
    together = fit(residuals[:60], labels[:60], ["ai" if one else "" for one in labels[:60]], 0).decide(residuals[60:])
    truth = labels[60:]
    assert ((apart > 0.5) == truth).mean() > ((together > 0.5) == truth).mean() + 0.1


def test_a_residual_of_nothing_is_undecided():
    residuals, source = patterns()
    fitted = fit(residuals, (source > 0).astype(np.int64), ["" if one == 0 else "gan" for one in source], 0)
    assert (fitted.decide(np.zeros((2, 400), np.float32)) == 0.5).all()


def test_the_slope_comes_from_images_that_were_held_out():
    """Where the sources leave nothing, training images still correlate with their own means: stay unsure."""
    rng = np.random.default_rng(0)
    residuals = rng.normal(0, 1, (60, 400)).astype(np.float32)
    labels = np.arange(60) % 2
    fitted = fit(residuals, labels, ["gan" if one else "" for one in labels], 0)
    margins = fitted.margins(residuals)
    assert (np.sign(margins) == 2 * labels - 1).mean() > 0.9
    assert np.abs(fitted.decide(rng.normal(0, 1, (60, 400)).astype(np.float32)) - 0.5).mean() < 0.1
    assert fitted.slope * np.abs(margins).mean() < 2  # their own margins would have given a slope many times as steep


def test_one_class_is_refused():
    residuals, _ = patterns()
    with pytest.raises(ValueError, match="found 60 real and 0 generated"):
        fit(residuals, np.zeros(60, np.int64), [""] * 60, 0)


def test_patterns_have_unit_length():
    residuals, source = patterns()
    labels, generators = (source > 0).astype(np.int64), [["", "a", "b"][number] for number in source]
    fitted = Fingerprints.from_residuals(residuals, labels, generators)
    np.testing.assert_allclose(np.linalg.norm(fitted.patterns, axis=1), 1, rtol=1e-5)
    assert fitted.generated.tolist() == [0, 1, 1]


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (127, 129), (60, 400)])
def test_any_size_is_read(shape):
    embedder = Prnu("small").embedder(Runtime())
    assert np.isfinite(embedder.embed([embedder.prepare(sample(texture("size", *shape)))])).all()


def test_keeps_the_contract():
    check(Prnu("small"))


def test_learns():
    train = ToyTrainSet(80)
    probe = Prnu("small").fit(train, 0, Runtime())
    scores = probe.score([probe.prepare(train[index]) for index in range(len(train))])
    assert ((scores > 0.5) == train.labels).mean() > 0.9
