import numpy as np
import pytest

from bench.engine.source_draw import drawn_images
from protocols.api import SourceDraw

N = 100
LABELS = np.repeat([0, 1], N)
PAIRED = np.array([f"photograph{place % N}" for place in range(2 * N)])
HASHES = np.random.default_rng(0).integers(0, 256, (2 * N, 32), np.uint8)


def draw(share=0.2, seed=0, labels=LABELS, sources=PAIRED, hashes=HASHES):
    return drawn_images(SourceDraw(share, seed, drawn=True), labels, sources, hashes)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_sources_stay_whole_and_each_class_gives_its_share(share):
    drawn = draw(share)
    assert not set(PAIRED[drawn]) & set(PAIRED[~drawn])
    assert np.bincount(LABELS[drawn]).tolist() == [share * N] * 2
    apart = draw(share, sources=np.arange(2 * N).astype(str))
    assert np.bincount(LABELS[apart]).tolist() == [share * N] * 2


def test_it_depends_on_contents_and_the_seed_and_on_no_name_or_order():
    drawn = draw()
    turned = np.random.default_rng(1).permutation(2 * N)
    renamed = np.array([f"x{name}" for name in PAIRED])[turned]
    assert (draw(labels=LABELS[turned], sources=renamed, hashes=HASHES[turned]) == drawn[turned]).all()
    assert (draw(seed=1) != drawn).any()


def test_a_smaller_share_is_part_of_a_larger_one():
    assert (draw(0.3) | ~draw(0.1)).all()


def test_a_class_gives_one_image_at_least_and_a_large_source_is_not_divided():
    sources = np.where(np.arange(2 * N) % N < 90, "one video", PAIRED)
    drawn = draw(0.01, sources=sources)
    assert len(set(sources[drawn])) == 1
    assert set(LABELS[drawn]) == {0, 1}


def test_every_image_of_the_only_source_is_drawn():
    assert draw(sources=np.full(2 * N, "one video")).all()
