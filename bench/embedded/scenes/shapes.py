"""Outlines of shapes: ellipses, rectangles, polygons, blobs and leaves, many at a time."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Coordinates = NDArray[np.float64]
Outline = NDArray[np.int32]  # (K, 2), x and y of its vertices in pixels
LabelMap = NDArray[np.int32]  # (side, side), the surface at each pixel

_CIRCLE = np.linspace(0, 2 * np.pi, 28, endpoint=False)
_FINE_CIRCLE = np.linspace(0, 2 * np.pi, 40, endpoint=False)
_HALF_CIRCLE = np.linspace(0, np.pi, 12)
_HARMONICS = np.arange(1, 6)[:, None]


def _ellipses(rng: np.random.Generator, count: int) -> Coordinates:
    y = np.sin(_CIRCLE) * rng.uniform(0.25, 1, (count, 1))
    return np.stack([np.broadcast_to(np.cos(_CIRCLE), y.shape), y], axis=-1)


def _rectangles(rng: np.random.Generator, count: int) -> Coordinates:
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    flattened = np.stack([np.ones(count), rng.uniform(0.2, 1, count)], axis=-1)
    return corners * flattened[:, None]


def _polygons(rng: np.random.Generator, count: int) -> Coordinates:
    """Star-shaped polygons of 3 to 8 vertices; the last vertex is repeated so that all have 8 rows."""
    vertices = rng.integers(3, 9, (count, 1))
    column = np.arange(8)[None]
    angles = np.sort(np.where(column < vertices, rng.uniform(0, 2 * np.pi, (count, 8)), np.inf), axis=1)
    last = np.minimum(column, vertices - 1)
    angles = np.take_along_axis(angles, last, axis=1)
    radii: Coordinates = np.take_along_axis(rng.uniform(0.5, 1, (count, 8)), last, axis=1)
    return np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=-1)


def _blobs(rng: np.random.Generator, count: int) -> Coordinates:
    """Circles whose radius varies by five harmonics of falling strength."""
    strengths = rng.normal(0, 0.25, (count, 5, 1)) / _HARMONICS
    phases = rng.uniform(0, 2 * np.pi, (count, 5, 1))
    radii: Coordinates = 1 + (strengths * np.cos(_HARMONICS * _FINE_CIRCLE + phases)).sum(axis=1)
    return np.stack([np.cos(_FINE_CIRCLE), np.sin(_FINE_CIRCLE)], axis=-1) * radii[..., None]


def _leaves(rng: np.random.Generator, count: int) -> Coordinates:
    """Leaves: a flat arc and its mirror image, pointed at both ends."""
    x = np.cos(np.concatenate([_HALF_CIRCLE, _HALF_CIRCLE[::-1]]))
    arc = np.concatenate([np.sin(_HALF_CIRCLE), -np.sin(_HALF_CIRCLE[::-1])])
    y = rng.uniform(0.08, 0.35, (count, 1)) * arc
    return np.stack([np.broadcast_to(x, y.shape), y], axis=-1)


_SHAPES: tuple[Callable[[np.random.Generator, int], Coordinates], ...] = (
    _ellipses,
    _rectangles,
    _polygons,
    _blobs,
    _leaves,
)


def outlines(rng: np.random.Generator, centres: Coordinates, radii: Coordinates) -> list[Outline]:
    """One outline of random shape and orientation around each centre.

    Args:
        rng: The generator of every choice.
        centres: float64 (N, 2), x and y in pixels.
        radii: float64 (N,), in pixels.

    Returns:
        N outlines in the order of the centres.
    """
    shapes = rng.integers(0, len(_SHAPES), len(radii))
    turns = rng.uniform(0, 2 * np.pi, len(radii))
    cosine, sine = np.cos(turns), np.sin(turns)
    rotations = np.stack([np.stack([cosine, sine], axis=-1), np.stack([-sine, cosine], axis=-1)], axis=-2)
    made: dict[int, Outline] = {}
    for shape, draw in enumerate(_SHAPES):
        members = np.flatnonzero(shapes == shape)
        points = draw(rng, len(members)) @ rotations[members] * radii[members, None, None] + centres[members, None]
        made.update(zip(members.tolist(), np.rint(points).astype(np.int32), strict=True))
    return [made[index] for index in range(len(radii))]


def fill(labels: LabelMap, outline: Outline, label: int) -> None:
    """Fill an outline with a label, in place."""
    cv2.fillPoly(labels, [outline], label)
