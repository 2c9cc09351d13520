"""The four kinds of scenes: the surface at each pixel, and its shading.

Leaves follow the dead-leaves model, whose occlusions and power-law sizes give the statistics of natural images
(Lee, Mumford and Huang, "Occlusion models for natural images", IJCV 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.embedded.scenes.shapes import LabelMap, Outline, fill, outlines

SceneKind = Literal["leaves", "landscape", "objects", "structure"]
KINDS: tuple[SceneKind, ...] = ("leaves", "landscape", "objects", "structure")
SHARES = (0.36, 0.26, 0.20, 0.18)
Shading = NDArray[np.float32]
PixelWindow = tuple[slice, slice]


@dataclass(frozen=True)
class SceneComposition:
    """The surfaces of a scene.

    Attributes:
        labels: int32 (side, side), surface at each pixel, from 0 to `count` - 1.
        count: Number of surfaces.
        shading: float32 (side, side), light relative to an evenly lit plane; None where it is even.
    """

    labels: LabelMap
    count: int
    shading: Shading | None = None


def leaves(rng: np.random.Generator, side: int) -> SceneComposition:
    """25 to 260 shapes that occlude each other, with radii from a power law."""
    labels = np.zeros((side, side), np.int32)
    count = int(np.exp(rng.uniform(np.log(25), np.log(260))))
    largest, smallest = side * rng.uniform(0.15, 0.5), side * rng.uniform(0.01, 0.05)
    radii = 1 / (1 / largest + rng.random(count) * (1 / smallest - 1 / largest))
    for index, outline in enumerate(outlines(rng, rng.uniform(0, side, (count, 2)), radii)):
        fill(labels, outline, index + 1)
    return SceneComposition(labels, count + 1)


def _ridge(rng: np.random.Generator, side: int, height: float, roughness: float) -> NDArray[np.float64]:
    """The skyline of a hill: y per column, a sum of 39 waves whose strength falls with their frequency."""
    order = np.arange(1, 40)[:, None]
    strength = rng.normal(size=(39, 1)) / order ** rng.uniform(1, 1.6, (39, 1))
    phase = 2 * np.pi * order / side * rng.uniform(0.3, 1, (39, 1)) * np.arange(side) + rng.uniform(0, 7, (39, 1))
    waves: NDArray[np.float64] = (strength * np.cos(phase.astype(np.float32))).sum(axis=0)
    return height + roughness * waves


def _ground(ridge: NDArray[np.float64]) -> Outline:
    side = len(ridge)
    skyline = np.stack([np.arange(side), np.ceil(ridge)], axis=-1)
    return np.concatenate([skyline, [[side - 1, 2 * side], [0, 2 * side]]]).astype(np.int32)


def _trees(rng: np.random.Generator, labels: LabelMap, ridge: NDArray[np.float64], label: int) -> int:
    side, count = len(ridge), int(rng.integers(10, 90))
    x = rng.integers(0, side, count)
    y = ridge[x] + side * rng.uniform(-0.08, 0.03, count)
    for outline in outlines(rng, np.stack([x, y], axis=-1), side * rng.uniform(0.01, 0.06, count)):
        fill(labels, outline, label)
        label += 1
    return label


def _houses(rng: np.random.Generator, labels: LabelMap, ridge: NDArray[np.float64], label: int) -> int:
    side = len(ridge)
    for _ in range(rng.integers(1, 8)):
        left, width, height = (
            rng.uniform(-0.1, 0.9) * side,
            side * rng.uniform(0.06, 0.3),
            side * rng.uniform(0.05, 0.4),
        )
        bottom = ridge[int(np.clip(left, 0, side - 1))] + side * 0.03
        cv2.rectangle(labels, (int(left), int(bottom - height)), (int(left + width), int(bottom)), label, -1)
        columns, rows, share = int(rng.integers(1, 7)), int(rng.integers(1, 9)), rng.uniform(0.3, 0.7)
        x = left + width * (np.arange(columns) + 0.5 - share / 2) / columns
        y = bottom - height + height * (np.arange(rows) + 0.5 - share / 2) / rows
        grid = _Grid(x, x + width * share / columns, y, y + height * share / rows)
        for corners in grid.cells():
            cv2.rectangle(labels, *corners, label + 1, -1)
        label += 2
    return label


@dataclass(frozen=True)
class _Grid:
    """Axis-parallel cells: the left and right edges of its columns, the top and bottom edges of its rows."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    def cells(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Upper left and lower right corner of each cell, row by row."""
        columns = list(zip(self.left.astype(int).tolist(), self.right.astype(int).tolist(), strict=True))
        rows = list(zip(self.top.astype(int).tolist(), self.bottom.astype(int).tolist(), strict=True))
        return [((x0, y0), (x1, y1)) for y0, y1 in rows for x0, x1 in columns]


def landscape(rng: np.random.Generator, side: int) -> SceneComposition:
    """One to four ridges under a sky, each bare, with trees or with houses."""
    labels = np.zeros((side, side), np.int32)
    label, height = 1, side * rng.uniform(0.2, 0.55)
    for _ in range(rng.integers(1, 5)):
        ridge = _ridge(rng, side, height, side * rng.uniform(0.01, 0.1))
        fill(labels, _ground(ridge), label)
        label += 1
        growth = rng.integers(0, 4)
        if growth == 1:
            label = _trees(rng, labels, ridge, label)
        elif growth == 2:
            label = _houses(rng, labels, ridge, label)
        height += side * rng.uniform(0.05, 0.25)
    return SceneComposition(labels, label)


def _window(side: int, centre: tuple[float, float], reach: tuple[float, float]) -> PixelWindow:
    """Rows and columns of the pixels within `reach` of `centre`, both (x, y)."""
    (x, y), (width, height) = centre, reach
    rows = slice(max(0, int(y - height)), max(0, min(side, int(y + height) + 2)))
    return rows, slice(max(0, int(x - width)), max(0, min(side, int(x + width) + 2)))


class _TableScene:
    """Objects on a table: each casts a shadow, then covers what is behind it."""

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self.rng, self.side = rng, side
        self.labels = np.zeros((side, side), np.int32)
        self.labels[int(side * rng.uniform(0.2, 0.7)) :] = 1
        self.shading = np.ones((side, side), np.float32)
        self.axis = np.arange(side, dtype=np.float32)
        light = rng.normal(0, 1, 3)
        light[1], light[2] = -abs(light[1]), abs(light[2]) + 0.4
        self.light = light / np.linalg.norm(light)

    def draw_shadow(self, x: float, y: float, radius: float) -> None:
        """Darken a soft ellipse below (x, y), shifted away from the light."""
        across = np.exp(-1.2 * np.square((self.axis - x + self.light[0] * radius * 0.7) / (radius * 1.1)))
        down = np.exp(-1.2 * np.square((self.axis - y - radius * 0.85) / (radius * 0.35)))
        self.shading *= 1 - np.outer(np.float32(self.rng.uniform(0.3, 0.8)) * down, across)

    def draw_ball(self, x: float, y: float, radius: float, label: int) -> None:
        """An ellipsoid with diffuse light and, half of the time, a highlight."""
        stretch = self.rng.uniform(0.6, 1.5)
        exponent, strength = self.rng.uniform(5, 60), self.rng.choice([0, self.rng.uniform(0.5, 4)])
        rows, columns = _window(self.side, (x, y), (radius, radius * stretch))
        across = ((self.axis[columns] - x) / radius)[None]
        down = ((self.axis[rows] - y) / (radius * stretch))[:, None]
        depth = 1 - across * across - down * down
        inside = depth > 0
        towards = np.sqrt(np.maximum(depth, 0))
        facing = across * self.light[0] + down * self.light[1] + towards * self.light[2]
        lit = np.maximum(facing, 0) * 0.9 + 0.12
        if strength:
            lit += np.maximum(2 * facing * towards - self.light[2], 0) ** exponent * strength
        self.labels[rows, columns][inside] = label
        self.shading[rows, columns][inside] = lit[inside]

    def draw_card(self, x: float, y: float, radius: float, label: int) -> None:
        """A flat outline whose light changes evenly from one side to the other."""
        (outline,) = outlines(self.rng, np.array([[x, y]]), np.array([radius]))
        across, down = self.rng.normal(0, 0.3, 2)
        fill(self.labels, outline, label)
        rows, columns = _window(self.side, (x, y), (2 * radius, 2 * radius))
        lit = 0.6 + across * (self.axis[columns] - x)[None] / radius + down * (self.axis[rows] - y)[:, None] / radius
        inside = self.labels[rows, columns] == label
        self.shading[rows, columns][inside] = np.clip(lit, 0.1, 1.5)[inside]


def objects(rng: np.random.Generator, side: int) -> SceneComposition:
    """One to eight lit balls and cards on a table, with shadows."""
    table = _TableScene(rng, side)
    label = 2
    for _ in range(rng.integers(1, 9)):
        radius = side * float(np.exp(rng.uniform(np.log(0.04), np.log(0.28))))
        x, y = rng.uniform(0.1, 0.9) * side, rng.uniform(0.3, 0.95) * side
        table.draw_shadow(x, y, radius)
        (table.draw_ball if rng.random() < 0.65 else table.draw_card)(x, y, radius, label)
        label += 1
    return SceneComposition(table.labels, label, table.shading)


def _write(rng: np.random.Generator, labels: LabelMap, label: int) -> int:
    """One to three words in capitals; text is drawn into a mask of 8 bits, the only depth that OpenCV writes on."""
    side = len(labels)
    for _ in range(rng.integers(1, 4)):
        word = "".join(chr(code) for code in rng.integers(65, 91, rng.integers(2, 7)))
        mask = np.zeros((side, side), np.uint8)
        corner = (int(rng.uniform(0, 0.5) * side), int(rng.uniform(0.2, 0.95) * side))
        font, scale, thickness = int(rng.integers(0, 4)), side / 128 * rng.uniform(0.5, 2), int(rng.integers(1, 6))
        cv2.putText(mask, word, corner, font, scale, 1, thickness)
        labels[mask > 0] = label
        label += 1
    return label


def structure(rng: np.random.Generator, side: int) -> SceneComposition:
    """Tiles, bricks, planks or windows, sometimes with words, seen in perspective."""
    labels = np.zeros((side, side), np.int32)
    rows, columns, joint = int(rng.integers(3, 22)), int(rng.integers(2, 18)), rng.uniform(0.02, 0.15)
    offset = rng.choice([0, 0.5, rng.random()])
    label = 1
    for row in range(rows):
        x = np.arange(-1, columns + 1) + offset * (row % 2) + joint / 2
        y = np.array([row + joint / 2])
        grid = _Grid(
            x / columns * side, (x + 1 - joint) / columns * side, y / rows * side, (y + 1 - joint) / rows * side
        )
        for corners in grid.cells():
            cv2.rectangle(labels, *corners, label, -1)
            label += 1
    if rng.random() < 0.35:
        label = _write(rng, labels, label)
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    moved = square + rng.uniform(-0.35, 0.12, (4, 2)).astype(np.float32) * side * np.sign(side / 2 - square)
    view = cv2.getPerspectiveTransform(square, moved.astype(np.float32))
    seen = cv2.warpPerspective(
        labels.astype(np.int16), view, (side, side), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT
    )
    return SceneComposition(seen.astype(np.int32), label)


def compose(rng: np.random.Generator, kind: SceneKind, side: int) -> SceneComposition:
    """A random scene of one kind."""
    draw = {"leaves": leaves, "landscape": landscape, "objects": objects, "structure": structure}[kind]
    return draw(rng, side)
