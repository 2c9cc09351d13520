"""Fingerprints of sources: an image belongs to the one that it correlates with most."""

import numpy as np
import pytest

from detectors.heads.fingerprints import Fingerprints, fit


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
