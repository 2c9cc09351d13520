from collections import Counter
from itertools import product

import numpy as np
import pytest
from scipy.signal import correlate2d

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.embedders.co_occurrences import symmetry_classes
from detectors.handcrafted.srm import (
    CLASSES,
    FILTER_CLASSES,
    HISTOGRAMS,
    RUN,
    TRUNCATION,
    Srm,
    SrmEmbedder,
    filter_bank,
)
from detectors.preprocessing.crops import luma


def framed(rows):
    return np.pad(np.array(rows), (5 - len(rows)) // 2)


def merged(run):
    """The one that stands for a run, its negative and their mirror images."""
    negative = tuple(-symbol for symbol in run)
    return min(run, negative, run[::-1], negative[::-1])


ALL_RUNS = list(product(range(-2, 3), repeat=4))
ALL_CLASSES = sorted({merged(run) for run in ALL_RUNS})


def frequencies(lines):
    counts = Counter(merged(tuple(line[start : start + 4])) for line in lines for start in range(len(line) - 3))
    return np.sqrt([counts[one] / counts.total() for one in ALL_CLASSES])


def symbols_of(grey, kernel, divisor):
    ratio = correlate2d(grey.astype(float), kernel, "valid") / divisor
    away = np.sign(ratio) * np.floor(np.abs(ratio) + 0.5)
    return np.clip(away, -2, 2).astype(int).tolist()


def slow_srm(grey, step):
    """The features of one image, a run at a time: what lies is read along rows, what stands along columns."""
    features = []
    for kind in FILTER_CLASSES:
        along, across = [], []
        for rotation in range(kind.rotations):
            rows = symbols_of(grey, np.rot90(framed(kind.kernel), rotation), kind.centre * step)
            columns = [list(line) for line in zip(*rows, strict=True)]
            stands = kind.directed and rotation % 2
            along += columns if stands else rows
            across += rows if stands else columns
        features += [frequencies(along), frequencies(across)] if kind.directed else [frequencies(along + across)]
    return features


@pytest.mark.parametrize("step", [1.0, 2.0])
@pytest.mark.parametrize("name", ["texture", "noise"])
def test_equals_the_slow_loop(name, step):
    noise = np.random.default_rng(0).normal(128, 3, (30, 30, 3)).astype(np.uint8)
    image = noise if name == "noise" else texture("slow", 30, 30)
    embedder = SrmEmbedder(30, (step,), Runtime())
    found = embedder.embed([embedder.prepare(sample(image))])[0].reshape(HISTOGRAMS, CLASSES)
    np.testing.assert_allclose(found, slow_srm(luma(image), step), atol=1e-6)


def test_steps_lie_one_after_the_other():
    image = texture("steps")
    both = SrmEmbedder(64, (1.0, 2.0), Runtime())
    prepared = both.prepare(sample(image))
    parts = [SrmEmbedder(64, (step,), Runtime()).embed([prepared])[0] for step in (1.0, 2.0)]
    np.testing.assert_array_equal(both.embed([prepared])[0], np.concatenate(parts))


def test_the_bank_is_the_published_one():
    """The 30 filters: 8, 4 and 8 of the first three orders, 4 + 4 edges, 2 squares. Ours are these, each once."""
    kernels, centres, _, _ = filter_bank()
    assert len(FILTER_CLASSES) == 10
    assert kernels.shape == (22, 1, 5, 5)
    assert (kernels.sum((1, 2, 3)) == 0).all()
    np.testing.assert_array_equal(np.abs(kernels[:, 0, 2, 2]), centres[:, 0, 0])
    doubled = {1: 2, 3: 2}  # each of these and its opposite
    assert sum(doubled.get(int(centre), 1) for centre in centres.ravel()) == 30
    assert len({kernel.tobytes() for kernel in kernels}) == 22
    square = framed(((-1, 2, -1), (2, -4, 2), (-1, 2, -1)))
    assert (kernels[16 + 4, 0] == square).all()


def test_an_opposite_filter_says_nothing_new():
    grey = luma(texture("opposite", 40, 40))
    right, left = framed(((0, 0, 0), (0, -1, 1), (0, 0, 0))), framed(((0, 0, 0), (1, -1, 0), (0, 0, 0)))
    there, back = symbols_of(grey[:, :-1], right, 1), symbols_of(grey[:, 1:], left, 1)
    assert (np.array(there) == -np.array(back)).all()
    np.testing.assert_array_equal(frequencies(there), frequencies(back))


def test_runs_that_differ_by_sign_or_direction_share_a_class():
    classes = symmetry_classes(TRUNCATION, RUN)
    assert len(ALL_CLASSES) == CLASSES == classes.max() + 1
    assert [ALL_CLASSES[one] for one in classes] == [merged(run) for run in ALL_RUNS]


@pytest.mark.parametrize("rotate", [np.rot90, np.flipud, np.fliplr, lambda image: image.transpose(1, 0, 2)])
def test_rotating_or_mirroring_an_image_changes_nothing(rotate):
    embedder, image = SrmEmbedder(64, (2.0,), Runtime()), texture("turned", 64, 64)
    plain, rotated = embedder.embed([embedder.prepare(sample(pixels)) for pixels in (image, rotate(image))])
    if rotate is not np.rot90:  # a mirrored filter of odd order is its opposite: one row of the image apart
        np.testing.assert_allclose(plain, rotated, atol=0.02)
    assert np.abs(plain - rotated).mean() < 2e-3


def test_brightness_changes_nothing():
    embedder, image = SrmEmbedder(64, (2.0,), Runtime()), texture("bright") // 2
    plain, brighter = embedder.embed([embedder.prepare(sample(pixels)) for pixels in (image, image + 100)])
    np.testing.assert_array_equal(plain, brighter)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9])
def test_a_batch_equals_its_images(size):
    embedder = SrmEmbedder(64, (2.0,), Runtime())
    batch = [embedder.prepare(sample(texture(f"batch{index}"))) for index in range(size)]
    embeddings = embedder.embed(batch)
    assert embeddings.shape == (size, embedder.dim) == (size, 15 * 169)
    for image, embedding in zip(batch, embeddings, strict=True):
        np.testing.assert_array_equal(embedder.embed([image])[0], embedding)


def test_settings_differ_in_size_and_steps():
    paper, small = (Srm(setting).embedder(Runtime()) for setting in ("paper", "small"))
    assert (paper.side, small.side) == (256, 96)
    assert paper.dim == 2 * small.dim
    assert paper.key != small.key


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (95, 97), (300, 256)])
@pytest.mark.parametrize("setting", ["paper", "small"])
def test_any_size_is_read(shape, setting):
    embedder = Srm(setting).embedder(Runtime())
    assert np.isfinite(embedder.embed([embedder.prepare(sample(texture("size", *shape)))])).all()


def test_learns():
    train = ToyTrainSet()
    probe = Srm("small").fit(train, 0, Runtime())
    scores = probe.score([probe.prepare(train[index]) for index in range(len(train))])
    assert ((scores > 0.5) == train.labels).all()
