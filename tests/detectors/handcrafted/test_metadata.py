"""The metadata baseline finds what files give away, and never looks at a pixel."""

import numpy as np
import pytest

from detectors.api import Runtime, Sample
from detectors.checks import texture
from detectors.handcrafted.metadata import Metadata, MetadataEmbedder, file_features
from detectors.types import Facts
from protocols.degradations import parse_degradation

SMALL = 100  # images in a train set: 50 real and 50 generated


class Files:
    """A train set of facts alone."""

    def __init__(self, facts, labels):
        self.facts = facts
        self.labels = labels
        self.names = [str(index) for index in range(len(facts))]
        self.generators = ["g" if label else "" for label in labels]

    def __len__(self):
        return len(self.facts)

    def __getitem__(self, index):
        return Sample(None, self.facts[index])

    def embed(self, embedder):
        return embedder.embed([embedder.prepare(self[index]) for index in range(len(self))])


def ordinary(rng):
    """A photograph as it comes: JPEG of varying size, quality and compression."""
    width = round(2 ** rng.normal(8.5, 0.5))
    height = round(width * rng.choice([0.667, 0.75, 1, 1.333, 1.5]))
    return width, height, int(rng.choice([75, 80, 85, 90, 92, 95, 96])), 2 ** rng.normal(-1.5, 0.5)


def plain(rng, label):
    width, height, quality, density = ordinary(rng)
    return Facts("JPEG", width, height, round(width * height * density), quality)


def png_against_jpeg(rng, label):
    width, height, quality, density = ordinary(rng)
    return Facts("PNG" if label else "JPEG", width, height, round(width * height * density), None if label else quality)


def a_tenth_smaller(rng, label):
    _, _, quality, density = ordinary(rng)
    width, height = (450, 338) if label else (500, 375)
    return Facts("JPEG", width, height, round(width * height * density), quality)


def quality_75_against_96(rng, label):
    width, height, _, density = ordinary(rng)
    return Facts("JPEG", width, height, round(width * height * density), 75 if label else 96)


def one_size_among_many(rng, label):
    width, height, quality, density = ordinary(rng)
    width, height = (512, 512) if label else (width, height)
    return Facts("JPEG", width, height, round(width * height * density), quality)


def twice_the_bytes(rng, label):
    width, height, _, density = ordinary(rng)
    return Facts("PNG", width, height, round(width * height * density**0.5 * (4 if label else 1)), None)


def files(kind, size, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(size) % 2)
    return Files([kind(rng, label) for label in labels], labels)


def accuracy(kind, seed=0, train=SMALL, test=1000):
    probe = Metadata("small").fit(files(kind, train, seed), 0, Runtime())
    unseen = files(kind, test, seed + 1000)
    scores = probe.score([probe.prepare(unseen[index]) for index in range(test)])
    return ((scores > 0.5) == unseen.labels).mean()


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        (png_against_jpeg, 0.999),
        (a_tenth_smaller, 0.999),
        (quality_75_against_96, 0.999),
        (one_size_among_many, 0.95),
        (twice_the_bytes, 0.95),
    ],
)
def test_what_files_give_away_is_found_in_a_hundred_of_them(kind, least):
    assert accuracy(kind) >= least


def test_files_that_give_nothing_away_leave_it_at_chance():
    found = np.mean([accuracy(plain, seed) for seed in range(10)])
    assert abs(found - 0.5) < 4 * 0.5 / np.sqrt(10 * 1000)


def test_files_that_are_all_alike_score_a_half():
    alike = Files([Facts("JPEG", 128, 128, 5000, 90)] * 20, np.arange(20) % 2)
    probe = Metadata().fit(alike, 0, Runtime())
    scores = probe.score([probe.prepare(alike[0]), probe.prepare(Sample(None, Facts("PNG", 1, 1, 70)))])
    np.testing.assert_allclose(scores, 0.5, atol=1e-6)


def test_no_pixel_is_read():
    class Untouchable:
        def __getattribute__(self, name):
            raise AssertionError(name)

    facts = Facts("JPEG", 500, 375, 40_000, 96)
    samples = [Sample(pixels, facts) for pixels in (texture("b"), None, texture("a"))]
    object.__setattr__(samples[0], "pixels", Untouchable())
    seen = [MetadataEmbedder().prepare(sample) for sample in samples]
    assert (seen[0] == seen[1]).all()
    assert (seen[0] == seen[2]).all()


def test_every_fact_changes_the_embedding_and_an_unknown_format_is_a_format():
    base = Facts("JPEG", 512, 512, 40_000, 96)
    others = [
        Facts("PNG", 512, 512, 40_000, 96),
        Facts("JPEG", 511, 512, 40_000, 96),
        Facts("JPEG", 512, 511, 40_000, 96),
        Facts("JPEG", 512, 512, 40_400, 96),
        Facts("JPEG", 512, 512, 40_000, 95),
        Facts("JPEG", 512, 512, 40_000, None),
        Facts("JPEG2000", 512, 512, 40_000, 96),
    ]
    embeddings = np.stack([file_features(facts) for facts in (base, *others)])
    assert len(np.unique(embeddings, axis=0)) == len(embeddings)
    assert file_features(Facts("MPO", 9, 9, 9))[:9].tolist() == [0] * 8 + [1]


@pytest.mark.parametrize("facts", [Facts("RAW", 1, 1, 3), Facts("X", 1, 1, 0), Facts("PNG", 60_000, 2, 10**9)])
def test_extreme_files_have_finite_embeddings(facts):
    found = MetadataEmbedder().embed([file_features(facts)])
    assert found.shape == (1, MetadataEmbedder.dim)
    assert np.isfinite(found).all()


def test_a_degradation_of_both_classes_hides_format_and_quality():
    hidden = parse_degradation("jpeg:65")
    samples = [Sample(texture("a", 40, 40), facts) for facts in (Facts("PNG", 40, 40, 9), Facts("JPEG", 40, 40, 8, 96))]
    assert (file_features(hidden(samples[0]).facts) == file_features(hidden(samples[1]).facts)).all()


def test_it_is_called_a_baseline():
    assert Metadata.card.shortcut == "the format, size and compression of the files"
    assert not Metadata.card.missing()
