"""How test images are shown to a fitted detector: as its method says, or in another way that a user asks for.

Whether images are cropped or resized changes rankings of detectors (Schinas and Papadopoulos, "SIDBench", 2024, arXiv
2404.18552). Training is always as the method says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np

from detectors.api import Answer, Array, Detector, Image, InputPolicy, Recipe, Sample, Scores, State, Unavailable
from detectors.types import Facts

PROBED_SIDES = (640, 1000)  # of the images by which it is found out what side a detector reads
POLICIES: Mapping[InputPolicy, str] = {
    "published": "as published",
    "crop": "centre crop without resize, of the side that the detector reads",
    "resize": "whole image resized to the square that the detector reads, Pillow's bilinear filter",
    "five_crops": "mean of the log odds of the four corners and the centre",
    "ten_crops": "mean of the log odds of the four corners and the centre, and of their mirror images",
    "tiles": "mean of the log odds of tiles side by side, the whole image but for what fills no tile",
}


def crop(pixels: Image, side: int) -> list[Image]:
    """The centre of an image; a smaller image as it is."""
    top, left = (max(size - side, 0) // 2 for size in pixels.shape[:2])
    return [pixels[top : top + side, left : left + side]]


def resize(pixels: Image, side: int) -> list[Image]:
    """The whole image as a square, by Pillow's bilinear filter, which averages where it shrinks."""
    from PIL import Image as PillowImage

    square = PillowImage.fromarray(np.ascontiguousarray(pixels)).resize((side, side), PillowImage.Resampling.BILINEAR)
    return [np.asarray(square)]


def five_crops(pixels: Image, side: int) -> list[Image]:
    """The four corners and the centre; of a smaller image what there is."""
    bottom, right = (max(size - side, 0) for size in pixels.shape[:2])
    corners = [pixels[top : top + side, left : left + side] for top, left in product((0, bottom), (0, right))]
    return [*corners, *crop(pixels, side)]


def ten_crops(pixels: Image, side: int) -> list[Image]:
    """The four corners and the centre, then their mirror images."""
    crops = five_crops(pixels, side)
    return [*crops, *(part[:, ::-1] for part in crops)]


def tiles(pixels: Image, side: int) -> list[Image]:
    """Tiles side by side about the centre; the whole of an image that is smaller than one."""
    rows, columns = (max(size // side, 1) for size in pixels.shape[:2])
    top, left = (max(size - count * side, 0) // 2 for size, count in zip(pixels.shape, (rows, columns), strict=False))
    corners = product(range(top, top + rows * side, side), range(left, left + columns * side, side))
    return [pixels[row : row + side, column : column + side] for row, column in corners]


PARTS: Mapping[InputPolicy, Callable[[Image, int], list[Image]]] = {
    "crop": crop,
    "resize": resize,
    "five_crops": five_crops,
    "ten_crops": ten_crops,
    "tiles": tiles,
}


class PartsDetector(Detector):
    """A fitted detector that is shown parts of an image, whose log odds are averaged.

    Args:
        detector: The detector.
        policy: Which parts.
        side: Side of the images that the detector reads.
    """

    def __init__(self, detector: Detector, policy: InputPolicy, side: int) -> None:
        self.detector = detector
        self.history = detector.history
        self._parts = PARTS[policy]
        self._side = side
        self.preparation = None if detector.preparation is None else (detector.preparation, policy)

    def prepare(self, sample: Sample) -> Array:
        """The parts as the detector prepares them, stacked: (P, ...)."""
        parts = self._parts(sample.pixels, self._side)
        prepared = [self.detector.prepare(_part_of(sample, np.ascontiguousarray(part))) for part in parts]
        return np.stack(prepared)

    def score(self, batch: Sequence[Array]) -> Scores:
        """Scores of N prepared stacks."""
        return self.answer(batch).scores

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Scores and log odds of N prepared stacks."""
        from scipy.special import logit

        whole = self.detector.answer([part for parts in batch for part in parts])
        if whole.log_odds is None and all(len(parts) == 1 for parts in batch):
            return Answer(whole.scores)
        odds = logit(whole.scores.astype(np.float64)) if whole.log_odds is None else whole.log_odds
        ends = np.cumsum([len(parts) for parts in batch])[:-1]
        means = np.array([part.mean() for part in np.split(odds, ends)]) if len(batch) else np.zeros(0)
        return Answer.of_log_odds(means)

    def state(self) -> State:
        """That of the detector."""
        return self.detector.state()


def with_input_policy(recipe: Recipe, detector: Detector) -> Detector:
    """The detector as its recipe asks for it to be shown images.

    Raises:
        Unavailable: It reads images of any size, so that there is nothing to crop or to resize to.
    """
    if recipe.input == "published":
        return detector
    shapes = {detector.prepare(_blank(side)).shape for side in PROBED_SIDES}
    shape = shapes.pop()
    if shapes or len(shape) not in {2, 3} or shape[0] != shape[1]:
        msg = f"{recipe.card.name} reads no square of pixels of one size: leave out input={recipe.input}"
        raise Unavailable(msg)
    return PartsDetector(detector, recipe.input, int(shape[0]))


def _part_of(sample: Sample, pixels: Image) -> Sample:
    """A part of an image with the facts of the whole file."""
    return Sample(pixels, sample.facts)


def _blank(side: int) -> Sample:
    return Sample(np.zeros((side, side, 3), np.uint8), Facts("RAW", side, side, 3 * side * side))
