"""How test images are shown to a fitted detector: as its method says, or in another way that a user asks for.

Whether images are cropped or resized changes rankings of detectors (Schinas and Papadopoulos, "SIDBench", 2024, arXiv
2404.18552). Training is always as the method says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from detectors.api import (
    Answer,
    Array,
    Detector,
    Image,
    InputPolicy,
    Recipe,
    Runtime,
    Sample,
    Scores,
    State,
    Unavailable,
)
from detectors.log_odds import log_odds_of
from detectors.types import Facts

Prepare = Callable[[Sample], Array]
PROBED_SIDES = (640, 1000)  # of the images by which it is found out what side a detector reads
MOST_RESIZED = 2  # largest side, in sides that a detector reads, that one is expected to resize to before its crop
POLICIES: Mapping[InputPolicy, str] = {
    "published": "as published",
    "crop": "centre of the side that the detector reads, not resized; of a smaller image what is there",
    "resize": "whole image resized to the square that the detector reads, Pillow's bilinear filter",
    "five_crops": "mean of the log odds of the four corners and the centre, not resized",
    "ten_crops": "mean of the log odds of the four corners and the centre, not resized, and of their mirror images",
    "tiles": "mean of the log odds of tiles side by side, not resized, the whole image but for what fills no tile",
}


def crop(pixels: Image, side: int) -> list[Image]:
    """The centre of an image, as torchvision rounds it; a smaller image as it is."""
    top, left = (round(max(size - side, 0) / 2) for size in pixels.shape[:2])
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


@dataclass(frozen=True)
class Policy:
    """A way of showing an image.

    Attributes:
        parts: Makes of an image the parts that are shown, each of the side that a detector reads at most.
        averaged: Whether the log odds of the parts are averaged; else there is one part, whose answer is the image's.
    """

    parts: Callable[[Image, int], list[Image]]
    averaged: bool


PARTS: Mapping[InputPolicy, Policy] = {
    "crop": Policy(crop, averaged=False),
    "resize": Policy(resize, averaged=False),
    "five_crops": Policy(five_crops, averaged=True),
    "ten_crops": Policy(ten_crops, averaged=True),
    "tiles": Policy(tiles, averaged=True),
}


@dataclass(frozen=True)
class ReadSquare:
    """The square of pixels that a detector reads, and what it cuts away around it where it resizes nothing.

    Attributes:
        side: Of the square.
        before: Rows above it and columns to its left that are cut away of a larger square, which alone is not resized.
        after: Rows below it and columns to its right.
    """

    side: int
    before: int = 0
    after: int = 0

    def framed(self, part: Image) -> Image:
        """A part of an image within black that the detector cuts away again; as it is where it is no full square."""
        if part.shape[:2] != (self.side, self.side):
            return part
        return np.pad(part, ((self.before, self.after), (self.before, self.after), (0, 0)))


class PartsDetector(Detector):
    """A fitted detector that is shown parts of an image.

    Log odds of several parts are averaged. Probabilities are averaged as their log odds, and stay without. Diagnostics
    of several parts, texts among them, have no mean and are left out.

    Args:
        detector: The detector.
        policy: Which parts.
        square: What the detector reads of them.
    """

    def __init__(self, detector: Detector, policy: InputPolicy, square: ReadSquare) -> None:
        self.detector = detector
        self.history = detector.history
        self._policy = PARTS[policy]
        self._square = square
        self.preparation = None if detector.preparation is None else (detector.preparation, policy)

    def prepare(self, sample: Sample) -> Array:
        """The parts as the detector prepares them, stacked: (P, ...)."""
        parts = self._policy.parts(sample.pixels, self._square.side)
        shown = [np.ascontiguousarray(self._square.framed(part)) for part in parts]
        return np.stack([self.detector.prepare(Sample(part, sample.facts)) for part in shown])  # facts: the file's

    def score(self, batch: Sequence[Array]) -> Scores:
        """Scores of N prepared stacks."""
        return self.answer(batch).scores

    def answer(self, batch: Sequence[Array]) -> Answer:
        """The answers for N prepared stacks: of the one part of each, or averaged."""
        whole = self.detector.answer([part for parts in batch for part in parts])
        return _averaged(whole, [len(parts) for parts in batch]) if self._policy.averaged else whole

    def state(self) -> State:
        """That of the detector."""
        return self.detector.state()


def _averaged(whole: Answer, counts: Sequence[int]) -> Answer:
    """The mean of the log odds of the parts of each image; without log odds where the parts have probabilities alone.

    Args:
        whole: About the parts of all images, one image after the other.
        counts: Parts of each image.
    """
    from scipy.special import expit

    if whole.log_odds is not None:
        return Answer.of_log_odds(_means(whole.log_odds.astype(np.float64), counts))
    return Answer(expit(_means(log_odds_of(whole.scores), counts)).astype(np.float32))


def _means(values: Array, counts: Sequence[int]) -> Array:
    """The mean of each group of consecutive values, floats (N,)."""
    groups = np.split(values, np.cumsum(counts)[:-1]) if counts else []
    return np.array([group.mean() for group in groups], np.float64)


def policy_text(recipe: Recipe) -> str:
    """How a recipe is shown test images, in words."""
    text = POLICIES[recipe.input]
    return f"{text}: {recipe.variant.input_policy}" if recipe.input == "published" else text


def require_input_policy(recipe: Recipe, runtime: Runtime) -> None:
    """Raise `Unavailable` where what a recipe asks for is known to be impossible before it is fitted."""
    if recipe.input == "published":
        return
    if recipe.components():
        raise _unknown_square(recipe)
    embedder = recipe.embedder(runtime)
    view = getattr(recipe, "view", None)  # of recipes of networks
    if embedder is not None:
        _read_square(recipe, embedder.prepare)
    elif view is not None:
        _read_square(recipe, lambda sample: np.asarray(view.test(sample.pixels)))


def with_input_policy(recipe: Recipe, detector: Detector) -> Detector:
    """The detector as its recipe asks for it to be shown images.

    Raises:
        Unavailable: It does not read a square of pixels of one side, so that nothing can be cut or resized to it.
    """
    if recipe.input == "published":
        return detector
    return PartsDetector(detector, recipe.input, _read_square(recipe, detector.prepare))


def _read_square(recipe: Recipe, prepare: Prepare) -> ReadSquare:
    """What a detector reads of an image where it resizes nothing.

    It is shown noise of black and white, in larger and larger squares: where each pixel of what it prepares follows
    from one pixel of the centre, nothing was resized.

    Raises:
        Unavailable: It prepares something else than a square of pixels, or none that was not resized.
    """
    shapes = {prepare(_sample(np.zeros((side, side, 3), np.uint8))).shape for side in PROBED_SIDES}
    shape = shapes.pop()
    if shapes or len(shape) not in {2, 3} or shape[0] != shape[1]:
        raise _unknown_square(recipe)
    side, largest = int(shape[0]), MOST_RESIZED * int(shape[0])
    noise = np.random.default_rng(0).integers(0, 2, (largest, largest, 1), np.uint8).repeat(3, 2) * np.uint8(255)
    for whole in range(side, largest + 1):
        prepared, around = prepare(_sample(noise[:whole, :whole])), whole - side
        for before in {around // 2, around - around // 2}:
            if _follows(prepared, noise[before : before + side, before : before + side]):
                return ReadSquare(side, before, around - before)
    raise _unknown_square(recipe)


def _follows(prepared: Array, part: Image) -> bool:
    """Whether an array, (H, W) or (H, W, C), has one value for black and another for white pixels, uint8 (H, W, 3)."""
    white = part[..., 0] > 0
    dark, light = prepared[~white], prepared[white]
    return bool((dark == dark[0]).all() and (light == light[0]).all() and (dark[0] != light[0]).any())


def _unknown_square(recipe: Recipe) -> Unavailable:
    name = recipe.card.name
    msg = f"what square of an image {name} reads cannot be told from what it prepares: leave out input={recipe.input}"
    return Unavailable(msg)


def _sample(pixels: Image) -> Sample:
    return Sample(pixels, Facts("RAW", pixels.shape[1], pixels.shape[0], pixels.nbytes))
