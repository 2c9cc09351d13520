import numpy as np
import pytest

from bench.metrics.decisions import accuracy
from bench.metrics.metric import CellImages
from bench.metrics.seen_images import seen_images
from bench.platform.errors import InputError

N = 40
LABELS = np.repeat([0, 1], N)
NAMES = np.array([f"image{place}" for place in range(2 * N)])
SOURCES = np.array([f"photograph{place % N}" for place in range(2 * N)])  # each photograph and its reconstruction


def test_half_are_real_and_no_twin_of_a_seen_image_is_measured():
    seen = seen_images(LABELS, NAMES, SOURCES, 10, seed=0)
    assert np.bincount(LABELS[seen.chosen]).tolist() == [5, 5]
    assert not set(SOURCES[seen.left_out]) & set(SOURCES[~seen.left_out])
    assert (seen.left_out | ~seen.chosen).all()
    assert seen.left_out.sum() == 10  # both classes of the same five photographs, and nothing more


def test_it_depends_on_names_and_the_seed_and_on_no_order():
    seen = seen_images(LABELS, NAMES, SOURCES, 10, seed=0)
    turned = np.random.default_rng(1).permutation(2 * N)
    again = seen_images(LABELS[turned], NAMES[turned], SOURCES[turned], 10, seed=0)
    assert set(NAMES[turned][again.chosen]) == set(NAMES[seen.chosen])
    assert set(NAMES[seen_images(LABELS, NAMES, SOURCES, 10, seed=1).chosen]) != set(NAMES[seen.chosen])


def test_more_images_add_to_fewer():
    few, many = (seen_images(LABELS, NAMES, SOURCES, count, seed=0).chosen for count in (6, 20))
    assert (many | ~few).all()


def test_a_source_of_many_images_gives_one():
    sources = np.where(np.arange(2 * N) % N < 30, "one video", SOURCES)
    seen = seen_images(LABELS, NAMES, sources, 10, seed=3)
    assert max(np.unique(sources[seen.chosen & (LABELS == 0)], return_counts=True)[1]) == 1


def test_a_shifted_threshold_repairs_what_orders_rightly():
    scores = np.concatenate([np.linspace(0.6, 0.7, N), np.linspace(0.8, 0.9, N)]).astype(np.float32)
    images = CellImages(LABELS, scores)
    seen = seen_images(LABELS, NAMES, SOURCES, 4, seed=0)
    assert images.decisions.mean() == 1
    measured = ~seen.left_out
    assert accuracy(LABELS[measured], images.order[measured] > seen.threshold(images)) == 1
    assert 0.7 < seen.threshold(images) < 0.8


@pytest.mark.parametrize("count", [0, 1, 7, -2])
def test_halves_are_whole(count):
    with pytest.raises(InputError, match="give an even number from 2 on, half real, half generated"):
        seen_images(LABELS, NAMES, SOURCES, count, seed=0)


@pytest.mark.parametrize("count", [2 * N, 4 * N])
def test_too_many_leave_nothing_to_measure(count):
    with pytest.raises(InputError, match=r"leave 0 of 40 real images to measure: give a smaller number"):
        seen_images(LABELS, NAMES, SOURCES, count, seed=0)
    with pytest.raises(InputError, match="leave 0 of 80 real"):
        seen_images(np.arange(160) % 2, np.arange(160).astype(str), np.full(160, "one video"), 2, seed=0)
