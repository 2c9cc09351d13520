from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.embedders.co_occurrences import symmetry_classes
from detectors.handcrafted.residual import CLASSES, RUN, RUNS, TRUNCATION, Residual, ResidualEmbedder
from detectors.preprocessing.crops import luma


def merged(run):
    """The one that stands for a run, its negative and their mirror images."""
    negative = tuple(-symbol for symbol in run)
    return min(run, negative, run[::-1], negative[::-1])


ALL_RUNS = [(a, b, c) for a in range(-2, 3) for b in range(-2, 3) for c in range(-2, 3)]
ALL_CLASSES = sorted({merged(run) for run in ALL_RUNS})


def frequencies(lines):
    """Square roots of the frequencies of merged runs of three along lines of symbols."""
    counts = Counter(merged(tuple(line[start : start + 3])) for line in lines for start in range(len(line) - 2))
    return np.sqrt([counts[one] / counts.total() for one in ALL_CLASSES])


def differences(lines):
    return [[right - left for left, right in pairwise(line)] for line in lines]


def transposed(lines):
    return [list(line) for line in zip(*lines, strict=True)]


def quantised(lines, step):
    return [[max(-2, min(2, round(value / step))) for value in line] for line in lines]


def slow_residual(grey):
    """The features of one image, a pixel at a time."""
    rows, columns = grey.tolist(), grey.T.tolist()
    square = transposed(differences(differences(transposed(differences(differences(rows))))))
    features = []
    for step in (3.0, 9.0):
        for order, centre in ((1, 1), (2, 2)):
            along, across = [], []
            for lines in (rows, columns):
                residual = differences(lines) if order == 1 else differences(differences(lines))
                symbols = quantised(residual, step * centre)
                along += symbols
                across += transposed(symbols)
            features += [frequencies(along), frequencies(across)]
        symbols = quantised(square, step * 4)
        features.append(frequencies(symbols + transposed(symbols)))
    return features


@pytest.fixture
def embedder():
    return ResidualEmbedder(128, Runtime())


def test_runs_that_differ_by_sign_or_direction_share_a_class():
    classes = symmetry_classes(TRUNCATION, RUN)
    assert len(ALL_CLASSES) == CLASSES == classes.max() + 1
    assert len(classes) == RUNS
    assert [ALL_CLASSES[one] for one in classes] == [merged(run) for run in ALL_RUNS]


@pytest.mark.parametrize("name", ["texture", "noise"])
def test_equals_the_slow_loop(name):
    noise = np.random.default_rng(0).normal(128, 4, (40, 40, 3)).astype(np.uint8)
    image = noise if name == "noise" else texture("slow", 40, 40)
    embedder = ResidualEmbedder(40, Runtime())
    found = embedder.embed([embedder.prepare(sample(image))])[0].reshape(10, CLASSES)
    np.testing.assert_allclose(found, slow_residual(luma(image)), atol=1e-6)


def test_histograms_have_unit_length(embedder):
    embeddings = embedder.embed([embedder.prepare(sample(texture(f"unit{index}"))) for index in range(3)])
    np.testing.assert_allclose(np.square(embeddings.reshape(3, 10, CLASSES)).sum(-1), 1, atol=1e-5)


def test_keys_tell_the_settings_apart():
    keys = {Residual(setting).embedder(Runtime()).key for setting in ("paper", "small")}
    assert len(keys) == 2


@pytest.mark.parametrize("rotate", [np.rot90, np.flipud, np.fliplr, lambda image: image.transpose(1, 0, 2)])
def test_rotating_or_mirroring_an_image_changes_nothing(embedder, rotate):
    image = texture("turned")
    plain, rotated = embedder.embed([embedder.prepare(sample(pixels)) for pixels in (image, rotate(image))])
    np.testing.assert_allclose(plain, rotated, atol=1e-6)


def test_brightness_changes_nothing(embedder):
    image = texture("bright") // 2
    plain, brighter = embedder.embed([embedder.prepare(sample(pixels)) for pixels in (image, image + 100)])
    np.testing.assert_array_equal(plain, brighter)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 17])
def test_a_batch_equals_its_images(embedder, size):
    batch = [embedder.prepare(sample(texture(f"batch{index}"))) for index in range(size)]
    embeddings = embedder.embed(batch)
    assert embeddings.shape == (size, embedder.dim) == (size, 390)
    assert embeddings.dtype == np.float32
    for image, embedding in zip(batch, embeddings, strict=True):
        np.testing.assert_allclose(embedder.embed([image])[0], embedding, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (64, 64), (127, 129), (256, 256), (512, 384), (60, 4000)])
@pytest.mark.parametrize("side", [128, 256])
def test_any_size_becomes_a_square(shape, side):
    embedder = ResidualEmbedder(side, Runtime())
    prepared = embedder.prepare(sample(texture("size", *shape)))
    assert prepared.shape == (side, side)
    assert np.isfinite(embedder.embed([prepared])).all()


def test_learns_and_restores():
    train, recipe = ToyTrainSet(), Residual("small")
    probe = recipe.fit(train, 0, Runtime())
    restored = recipe.restore(probe.state(), Runtime())
    batch = [probe.prepare(train[index]) for index in range(len(train))]
    scores = probe.score(batch)
    assert ((scores > 0.5) == train.labels).all()
    assert (scores == restored.score(batch)).all()
