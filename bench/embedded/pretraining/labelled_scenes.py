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


def render_labelled_scenes(first: int, count: int, progress: StageCallback) -> LabelledScenes:
    """Render scenes with consecutive numbers and compress each at a quality of its own."""
    pixels, labels = np.empty((count, SIDE, SIDE, 3), np.uint8), np.empty((count, len(TASKS)), np.int64)
    for index in range(count):
        scene = render(first + index)
        quality = int(
            np.random.default_rng([SEED, first + index]).integers(QUALITY_THRESHOLDS[0], QUALITY_THRESHOLDS[-1])
        )
        pixels[index] = jpeg_round_trip(scene.pixels, quality, "opencv")
        labels[index] = _labels(scene, quality)
        progress("labelled scenes", index + 1, count)
    return LabelledScenes(pixels, labels)


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
