"""Rendered scenes, the real class of the embedded corpus. A scene is a pure function of its seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.embedded.scenes.camera import CameraSettings, photograph
from bench.embedded.scenes.composition import KINDS, SHARES, SceneComposition, SceneKind, compose
from bench.embedded.scenes.filters import FloatMaps, Light, Pixels, blur, power, resize, scale_channels
from bench.embedded.scenes.textures import reflectances, texture

SIDE = 128
NAMESPACE = 4_711  # sets the random numbers of scenes apart from those of other stages for the same seed
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
        shallow_focus: Whether parts are out of focus.
        camera: How it was photographed.
        resampling: How the photograph was resized; "none" is a crop at the sensor's own resolution.
    """

    pixels: Pixels
    kind: SceneKind
    shallow_focus: bool
    camera: CameraSettings
    resampling: Resampling


def _colours(rng: np.random.Generator, kind: SceneKind, count: int) -> Light:
    colours = reflectances(rng, count)
    if kind == "landscape" and rng.random() < 0.8:
        colours[0] = np.array([0.35, 0.5, 0.8]) * np.exp(rng.normal(0, 0.3) + rng.normal(0, 0.12, 3))
    if kind == "structure":
        colours[1:] = colours[1] * np.exp(rng.normal(0, rng.uniform(0.05, 0.4), (count - 1, 1)))
    return colours


def _relief(rng: np.random.Generator, composition: SceneComposition, labels: NDArray[np.intp]) -> FloatMaps:
    """Brightness of each pixel, float32 (side, side): texture, shading and uneven light."""
    side, count = len(labels), composition.count
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
    return brightness if composition.shading is None else brightness * composition.shading


def _occlude(rng: np.random.Generator, brightness: FloatMaps) -> FloatMaps:
    """Add soft contact shadows: dark surfaces become darker next to bright ones."""
    width = int(len(brightness) * rng.uniform(0.01, 0.04)) | 1
    around = cv2.boxFilter(brightness, -1, (width, width))
    contrast = np.clip(brightness / (around + np.float32(1e-4)), 0.5, 1.6)
    return brightness * power(contrast, 0.6)


def _defocus(rng: np.random.Generator, light: Light) -> Light:
    """Blur what is outside a circle of focus."""
    side = len(light)
    soft = blur(light, side * rng.uniform(0.008, 0.03))
    axis = np.arange(side, dtype=np.float32)
    y, x = rng.uniform(0.25, 0.75, 2).astype(np.float32) * side
    distance = np.sqrt(np.square(axis - y)[:, None] + np.square(axis - x)[None])
    share = 1 / (1 + np.exp((np.float32(side * rng.uniform(0.15, 0.45)) - distance) / np.float32(side * 0.04)))
    return light + scale_channels(soft - light, share)


def _render_light(rng: np.random.Generator, kind: SceneKind, side: int) -> tuple[Light, bool]:
    """Linear light float32 (side, side, 3), and whether focus is shallow; rendered at twice the size."""
    composition = compose(rng, kind, 2 * side)
    labels = composition.labels.astype(np.intp)
    colours = _colours(rng, kind, composition.count)
    brightness = _relief(rng, composition, labels)
    if kind == "leaves" and rng.random() < 0.6:
        brightness = _occlude(rng, brightness)
    light = scale_channels(colours.take(labels, axis=0), brightness)
    light = resize(light, side, cv2.INTER_AREA)
    shallow = rng.random() < 0.3
    return (_defocus(rng, light) if shallow else light), shallow


def render(seed: int) -> Scene:
    """Render the scene of one seed.

    45 of 100 scenes are crops at the sensor's resolution; the others are photographed at a larger size and reduced.

    Args:
        seed: 0 or more.
    """
    rng = np.random.default_rng([NAMESPACE, seed])
    native = rng.random() < 0.45
    side = SIDE + 16 if native else int(rng.uniform(136, 230)) // 2 * 2
    kind = KINDS[rng.choice(len(KINDS), p=SHARES)]
    light, shallow = _render_light(rng, kind, side)
    pixels, camera = photograph(rng, light)
    if native:
        top, left = rng.integers(0, 17, 2)
        cropped = np.ascontiguousarray(pixels[top : top + SIDE, left : left + SIDE])
        return Scene(cropped, kind, shallow, camera, "none")
    name, method = _RESAMPLINGS[rng.integers(len(_RESAMPLINGS))]
    reduced = np.asarray(cv2.resize(pixels[4:-4, 4:-4], (SIDE, SIDE), interpolation=method), dtype=np.uint8)
    return Scene(reduced, kind, shallow, camera, name)
