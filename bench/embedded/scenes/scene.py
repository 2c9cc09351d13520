"""Rendered scenes: the real class of the embedded corpus. A scene is a pure function of its seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.embedded.filters import FloatMaps, Light, Pixels, blurred, power, resized, scaled
from bench.embedded.scenes.camera import CameraSettings, photograph
from bench.embedded.scenes.composition import KINDS, SHARES, SceneComposition, SceneKind, layout
from bench.embedded.scenes.textures import reflectances, texture

SIDE = 128
NAMESPACE = 4_711  # sets the random numbers of scenes apart from those that other stages draw for the same seed
Resampling = Literal["none", "area", "cubic", "linear"]
_RESAMPLINGS: tuple[tuple[Resampling, int], ...] = (
    ("area", cv2.INTER_AREA),
    ("cubic", cv2.INTER_CUBIC),
    ("linear", cv2.INTER_LINEAR),
)


@dataclass(frozen=True)
class Scene:
    """One rendered photograph.

    Attributes:
        pixels: uint8 (128, 128, 3), sRGB-like.
        kind: Content class.
        surfaces: Number of surfaces in the scene, some of them hidden.
        shallow_focus: Whether parts lie out of focus.
        shot: How the camera took it.
        resampling: How the picture was brought to its size; "none" is a crop at the sensor's own resolution.
    """

    pixels: Pixels
    kind: SceneKind
    surfaces: int
    shallow_focus: bool
    shot: CameraSettings
    resampling: Resampling


def _colours(rng: np.random.Generator, kind: SceneKind, count: int) -> Light:
    colours = reflectances(rng, count)
    if kind == "landscape" and rng.random() < 0.8:
        colours[0] = np.array([0.35, 0.5, 0.8]) * np.exp(rng.normal(0, 0.3) + rng.normal(0, 0.12, 3))
    if kind == "structure":
        colours[1:] = colours[1] * np.exp(rng.normal(0, rng.uniform(0.05, 0.4), (count - 1, 1)))
    return colours


def _relief(rng: np.random.Generator, what: SceneComposition, labels: NDArray[np.intp]) -> FloatMaps:
    """Brightness of each pixel: the texture and the shade of its surface, and light that falls unevenly."""
    side, count = len(labels), what.count
    amplitude = np.abs(rng.normal(0, rng.uniform(0.08, 0.45), count)).astype(np.float32)
    chosen = rng.integers(0, 3, count)
    zooms = (None, None, rng.uniform(0.35, 0.8))
    relief = np.zeros((side, side), np.float32)
    for index, zoom in enumerate(zooms):
        relief += np.where(chosen == index, amplitude, np.float32(0)).take(labels) * texture(rng, side, zoom)
    across, down = rng.normal(0, 0.35, (2, count)).astype(np.float32)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    relief += across.take(labels) * axis[None] + down.take(labels) * axis[:, None]
    if rng.random() < 0.6:
        relief += np.float32(rng.uniform(0.1, 0.5)) * texture(rng, side, side / 16)
    brightness = np.exp(np.clip(relief, -4, 3))
    return brightness if what.shading is None else brightness * what.shading


def _occlude(rng: np.random.Generator, brightness: FloatMaps) -> FloatMaps:
    """Soft contact shadows: dark surfaces get darker next to bright ones."""
    width = int(len(brightness) * rng.uniform(0.01, 0.04)) | 1
    around = cv2.boxFilter(brightness, -1, (width, width))
    contrast = np.clip(brightness / (around + np.float32(1e-4)), 0.5, 1.6)
    return brightness * power(contrast, 0.6)


def _defocus(rng: np.random.Generator, light: Light) -> Light:
    """Blur what lies outside a round zone of focus."""
    side = len(light)
    soft = blurred(light, side * rng.uniform(0.008, 0.03))
    axis = np.arange(side, dtype=np.float32)
    y, x = rng.uniform(0.25, 0.75, 2).astype(np.float32) * side
    distance = np.sqrt(np.square(axis - y)[:, None] + np.square(axis - x)[None])
    share = 1 / (1 + np.exp((np.float32(side * rng.uniform(0.15, 0.45)) - distance) / np.float32(side * 0.04)))
    return light + scaled(soft - light, share)


def _view(rng: np.random.Generator, kind: SceneKind, side: int) -> tuple[Light, int, bool]:
    """Linear light float32 (side, side, 3), number of surfaces, shallow focus; drawn twice as large, then averaged."""
    what = layout(rng, kind, 2 * side)
    labels = what.labels.astype(np.intp)
    colours = _colours(rng, kind, what.count)
    brightness = _relief(rng, what, labels)
    if kind == "leaves" and rng.random() < 0.6:
        brightness = _occlude(rng, brightness)
    light = scaled(colours.take(labels, axis=0), brightness)
    light = resized(light, side, cv2.INTER_AREA)
    shallow = rng.random() < 0.3
    return (_defocus(rng, light) if shallow else light), what.count, shallow


def render(seed: int) -> Scene:
    """Render the scene of one seed.

    45 of 100 scenes are crops at the sensor's resolution; the others are photographed larger and brought down.

    Args:
        seed: 0 or more.
    """
    rng = np.random.default_rng([NAMESPACE, seed])
    native = rng.random() < 0.45
    side = SIDE + 16 if native else int(rng.uniform(136, 230)) // 2 * 2
    kind = KINDS[rng.choice(len(KINDS), p=SHARES)]
    light, surfaces, shallow = _view(rng, kind, side)
    pixels, shot = photograph(rng, light)
    if native:
        top, left = rng.integers(0, 17, 2)
        cropped = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
        return Scene(cropped, kind, surfaces, shallow, shot, "none")
    name, method = _RESAMPLINGS[rng.integers(len(_RESAMPLINGS))]
    reduced = np.asarray(cv2.resize(pixels[4:-4, 4:-4], (SIDE, SIDE), interpolation=method), dtype=np.uint8)
    return Scene(reduced, kind, surfaces, shallow, shot, name)
