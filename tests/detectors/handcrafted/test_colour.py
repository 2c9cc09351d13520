"""The colour baseline finds colours, and nothing of where they are."""

import numpy as np
import pytest

from detectors.api import Runtime, Sample
from detectors.checks import sample, texture
from detectors.handcrafted.colour import Colour, ColourEmbedder, colour_statistics, level_counts

SMALL = 100  # images in a train set: 50 real and 50 generated


class Images:
    """A train set of small textures, of which the generated ones are changed."""

    def __init__(self, change, size, seed):
        self.labels = np.random.default_rng(seed).permutation(np.arange(size) % 2)
        self.names = [f"{seed}/{index}" for index in range(size)]
        self.generators = ["g" if label else "" for label in self.labels]
        self.change = change

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        pixels = texture(self.names[index], 64, 64)
        return sample(self.change(pixels) if self.labels[index] else pixels)

    def embed(self, embedder):
        return embedder.embed([embedder.prepare(self[index]) for index in range(len(self))])


def accuracy(change, seed=0, test=200):
    probe = Colour("small").fit(Images(change, SMALL, seed), 0, Runtime())
    unseen = Images(change, test, seed + 1000)
    scores = probe.score([probe.prepare(unseen[index]) for index in range(test)])
    return ((scores > 0.5) == unseen.labels).mean()


def shuffled(pixels, seed=0):
    order = np.random.default_rng(seed).permutation(pixels.shape[0] * pixels.shape[1])
    return pixels.reshape(-1, 3)[order].reshape(pixels.shape)


def warmer(pixels):
    return np.clip(pixels * np.array([1.15, 1.0, 0.9]), 0, 255).astype(np.uint8)


def paler(pixels):
    grey = pixels.mean(-1, keepdims=True)
    return np.clip(grey + 0.7 * (pixels - grey), 0, 255).astype(np.uint8)


def never_overexposed(pixels):
    return np.minimum(pixels, 240)


@pytest.mark.parametrize("change", [warmer, paler])
def test_a_shift_of_colours_is_found_in_a_hundred_images(change):
    assert accuracy(change) >= 0.9


def test_missing_highlights_are_seen():
    bright = np.clip(texture("bright").astype(int) + 80, 0, 255).astype(np.uint8)
    before, after = ColourEmbedder().embed(
        [colour_statistics(level_counts(one)) for one in (bright, never_overexposed(bright))]
    )
    over = slice(-7, None)
    assert (before[over][:3] > 0.1).all()
    assert (after[over][:3] == 0).all()


def test_a_difference_of_places_alone_leaves_it_at_chance():
    found = np.mean([accuracy(shuffled, seed) for seed in range(5)])
    assert abs(found - 0.5) < 4 * 0.5 / np.sqrt(5 * 200)


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (31, 47), (64, 64), (131, 200)])
def test_shuffling_the_pixels_changes_nothing(shape):
    embedder = ColourEmbedder()
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    assert (embedder.prepare(sample(pixels)) == embedder.prepare(sample(shuffled(pixels)))).all()


def test_counts_and_moments_are_those_of_numpy():
    pixels = texture("moments", 33, 40)
    counts = level_counts(pixels)
    assert (counts.sum(1) == 33 * 40).all()
    for channel in range(3):
        assert (counts[channel] == np.bincount(pixels[..., channel].ravel(), minlength=256)).all()
    bins, rest = np.split(colour_statistics(counts), [7 * 16])
    levels = pixels.reshape(-1, 3).astype(float)
    spread = levels.std(0)
    np.testing.assert_allclose(rest[:3], levels.mean(0), rtol=1e-5)
    np.testing.assert_allclose(rest[7:10], spread, rtol=1e-5)
    np.testing.assert_allclose(rest[14:17], (((levels - levels.mean(0)) / spread) ** 3).mean(0), atol=1e-4)
    np.testing.assert_allclose((bins.reshape(7, 16) ** 2).sum(1), 1, rtol=1e-5)


def test_an_image_of_one_colour_has_finite_statistics():
    flat = np.full((5, 6, 3), 255, np.uint8)
    found = ColourEmbedder().embed([ColourEmbedder().prepare(sample(flat))])
    assert found.shape == (1, ColourEmbedder.dim)
    assert np.isfinite(found).all()


def test_the_file_is_not_read():
    pixels = texture("facts")
    assert (ColourEmbedder().prepare(Sample(pixels, None)) == ColourEmbedder().prepare(sample(pixels))).all()


def test_it_is_called_a_baseline():
    assert Colour.card.shortcut == "colour statistics"
    assert not Colour.card.missing()
