"""Thinned curves: bounds on their points and on how far they moved."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.analyses.scores.thinning import thinned


def distances(x, y, kept):
    """Of each point from the nearest of the segments that are left, in a slow way."""
    ends = [(np.array([x[a], y[a]]), np.array([x[b], y[b]])) for a, b in pairwise(kept)]
    found = []
    for point in np.stack([x, y], axis=1):
        nearest = np.inf
        for start, stop in ends:
            along = stop - start
            share = np.clip((point - start) @ along / max(along @ along, 1e-300), 0, 1)
            nearest = min(nearest, float(np.linalg.norm(point - start - share * along)))
        found.append(nearest)
    return np.array(found)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 120), st.integers(2, 30), st.integers(0, 10_000))
def test_no_point_is_farther_than_is_said(points, most, seed):
    random = np.random.default_rng(seed)
    x, y = np.sort(random.random(points).round(2)), random.random(points).round(2)
    kept, deviation = thinned(x, y, most)
    assert len(kept) <= most
    assert (kept[0], kept[-1]) == (0, points - 1)
    assert (np.diff(kept) > 0).all()
    assert distances(x, y, kept).max() <= deviation + 1e-12


def test_corners_stay_and_straight_lines_lose_their_points():
    x = np.array([0, 0, 0, 0.1, 0.2, 0.5, 1])
    y = np.array([0, 0.4, 0.9, 0.9, 0.9, 0.9, 1])
    kept, deviation = thinned(x, y)
    assert list(kept) == [0, 2, 5, 6]
    assert deviation == 0


def test_a_long_staircase_moves_by_little():
    random = np.random.default_rng(3)
    right = np.sort(random.random(20_000))
    steps = np.cumsum(random.random(20_000) < 1 - right)
    kept, deviation = thinned(right, steps / steps[-1])
    assert len(kept) == 200
    assert deviation < 0.002


def test_a_curve_of_one_place_has_its_ends():
    kept, deviation = thinned(np.zeros(3), np.zeros(3))
    assert (list(kept), deviation) == ([0, 2], 0)
    assert deviation == pytest.approx(0)
