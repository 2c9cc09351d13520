"""Rendered photographs with the class of each by content, camera and compression, to pretrain and to probe with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.embedded.corpus import StageCallback
from bench.embedded.scenes.composition import KINDS
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE, Scene, render
from detectors.preprocessing.augmentation import jpeg_round_trip

SEED = 31  # of the quality of compression
DEMOSAICS = ("bilinear", "edge-aware")
DENOISINGS = ("none", "bilateral", "gaussian")
RESAMPLINGS = ("none", "area", "cubic", "linear")
GAIN_THRESHOLDS = np.geomspace(2e-5, 1.2e-3, 5)[1:-1]  # four grades of noise
SHARPENING_THRESHOLDS = (0.1, 0.65)  # none, weak, strong
QUALITY_THRESHOLDS = (70, 77, 84, 91, 98)  # four grades of compression
TASKS = {
    "kind": len(KINDS),
    "noise": len(GAIN_THRESHOLDS) + 1,
    "demosaic": len(DEMOSAICS),
    "denoise": len(DENOISINGS),
    "sharpening": len(SHARPENING_THRESHOLDS) + 1,
    "resampling": len(RESAMPLINGS),
    "quality": len(QUALITY_THRESHOLDS) - 1,
}


@dataclass(frozen=True)
class LabelledScenes:
    """Scenes and their class in each task.

    Attributes:
        pixels: uint8 (N, 128, 128, 3), after JPEG.
        labels: int64 (N, 7), in the order of `TASKS`.
    """

    pixels: Pixels
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def labelled_scene(number: int) -> tuple[Scene, Pixels, tuple[int, ...]]:
    """Render one scene and compress it at a quality of its own.

    Args:
        number: Of the scene.

    Returns:
        The scene, uint8 (128, 128, 3) after JPEG, and its class in each task, in the order of `TASKS`.
    """
    scene, rng = render(number), np.random.default_rng([SEED, number])
    quality = int(rng.integers(QUALITY_THRESHOLDS[0], QUALITY_THRESHOLDS[-1]))
    return scene, jpeg_round_trip(scene.pixels, quality, "opencv"), _labels(scene, quality)


def render_labelled_scenes(first: int, count: int, progress: StageCallback) -> LabelledScenes:
    """Render and compress scenes with consecutive numbers."""
    pixels, labels = np.empty((count, SIDE, SIDE, 3), np.uint8), np.empty((count, len(TASKS)), np.int64)
    for index in range(count):
        _, pixels[index], labels[index] = labelled_scene(first + index)
        progress("labelled scenes", index + 1, count)
    return LabelledScenes(pixels, labels)


def draw_crops(rng: np.random.Generator, pixels: Pixels, count: int, side: int) -> tuple[NDArray[np.int64], Pixels]:
    """Crops of random scenes at random places, half of them mirrored.

    Args:
        rng: The generator of scenes, places and mirroring.
        pixels: uint8 (N, S, S, 3).
        count: Number of crops.
        side: Of the crops, in pixels.

    Returns:
        The scene of each crop, int64 (count,), and uint8 (count, side, side, 3).
    """
    crops = np.empty((count, side, side, 3), np.uint8)
    chosen = rng.integers(0, len(pixels), count)
    corners, mirrored = rng.integers(0, pixels.shape[1] + 1 - side, (count, 2)), rng.random(count) < 0.5
    for crop, index, (top, left), mirror in zip(crops, chosen, corners, mirrored, strict=True):
        cut = pixels[index, top : top + side, left : left + side]
        crop[:] = cut[:, ::-1] if mirror else cut
    return chosen, crops


def _labels(scene: Scene, quality: int) -> tuple[int, ...]:
    """The class of a scene in each task, in the order of `TASKS`."""
    camera = scene.camera
    return (
        KINDS.index(scene.kind),
        int(np.searchsorted(GAIN_THRESHOLDS, camera.gain)),
        DEMOSAICS.index(camera.demosaic),
        DENOISINGS.index(camera.denoise),
        int(np.searchsorted(SHARPENING_THRESHOLDS, camera.sharpening)),
        RESAMPLINGS.index(scene.resampling),
        int(np.searchsorted(QUALITY_THRESHOLDS[1:-1], quality, side="right")),
    )
