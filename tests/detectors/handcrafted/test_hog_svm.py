import numpy as np
import pytest
import skimage.data
from skimage.feature import hog

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.handcrafted.hog_svm import HogEmbedder, HogSvm
from detectors.preprocessing.crops import luma


@pytest.fixture
def embedder():
    return HogEmbedder(Runtime())


def pictures():
    """Noise, textures, photographs, a flat image, a ramp and a black and white edge: uint8 (128, 128, 3)."""
    rng = np.random.default_rng(0)
    yield from rng.integers(0, 256, (4, 128, 128, 3), dtype=np.uint8)
    yield from (texture(f"hog{index}") for index in range(4))
    for photograph in (skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()):
        yield photograph[100:228, 150:278]
    yield np.full((128, 128, 3), 77, np.uint8)
    ramp = np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None], (128, 128, 3))
    yield ramp
    yield (ramp > 63).astype(np.uint8) * 255


def test_equals_scikit_image(embedder):
    images = list(pictures())
    ours = embedder.embed([embedder.prepare(sample(image)) for image in images])
    theirs = [hog(luma(image), 9, (8, 8), (2, 2), block_norm="L2-Hys") for image in images]
    assert ours.shape == (len(images), embedder.dim) == (len(images), 8100)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 17])
def test_a_batch_equals_its_images(embedder, size):
    batch = [embedder.prepare(sample(texture(f"batch{index}"))) for index in range(size)]
    embeddings = embedder.embed(batch)
    assert embeddings.shape == (size, 8100)
    assert embeddings.dtype == np.float32
    for image, embedding in zip(batch, embeddings, strict=True):
        np.testing.assert_allclose(embedder.embed([image])[0], embedding, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (64, 64), (127, 129), (512, 384), (60, 4000)])
def test_any_size_becomes_128x128(embedder, shape):
    prepared = embedder.prepare(sample(texture("size", *shape)))
    assert prepared.shape == (128, 128)
    assert prepared.dtype == np.uint8


def test_shrinking_averages(embedder):
    checkerboard = np.indices((256, 256)).sum(0) % 2 * np.uint8(200)
    prepared = embedder.prepare(sample(np.repeat(checkerboard[:, :, None], 3, 2).astype(np.uint8)))
    assert (prepared == 100).all()


def test_contrast_barely_matters(embedder):
    image = texture("contrast")
    batch = [embedder.prepare(sample(pixels)) for pixels in (image, image // 2 + 60)]
    full, half = embedder.embed(batch)
    assert np.corrcoef(full, half)[0, 1] > 0.95


@pytest.mark.parametrize("setting", ["paper", "small"])
def test_learns_and_restores(setting):
    train, recipe = ToyTrainSet(), HogSvm(setting)
    probe = recipe.fit(train, 0, Runtime())
    restored = recipe.restore(probe.state(), Runtime())
    batch = [probe.prepare(train[index]) for index in range(len(train))]
    scores = probe.score(batch)
    assert ((scores > 0.5) == train.labels).mean() > 0.9
    assert (scores == restored.score(batch)).all()
