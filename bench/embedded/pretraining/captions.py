"""Captions of rendered scenes, from their classes and their pixels, for the training of the small CLIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.embedded.pretraining.labelled_scenes import TASKS
from bench.embedded.scenes.filters import Pixels

PHRASES: Mapping[str, tuple[str, ...]] = {  # of each class of each task
    "kind": (
        "scattered leaves and stones",
        "a landscape with hills and sky",
        "objects standing on a table",
        "a wall of tiles and bricks",
    ),
    "noise": ("clean", "slightly grainy", "grainy", "very grainy"),
    "demosaic": ("bilinear demosaicing", "adaptive demosaicing"),
    "denoise": ("no denoising", "bilateral denoising", "gaussian denoising"),
    "sharpening": ("unsharpened", "sharpened", "strongly sharpened"),
    "resampling": ("full size", "area scaled", "cubic scaled", "linear scaled"),
    "quality": ("poor compression", "fair compression", "good compression", "fine compression"),
}
LIGHT = ("dark", "medium light", "bright")
CONTRAST = ("low contrast", "normal contrast", "high contrast")
FOCUS = ("deep focus", "shallow focus")
GREY = "grey"
HUES = {
    ("red", "green"): "magenta",
    ("red", "blue"): "orange",
    ("green", "red"): "green",
    ("green", "blue"): "green",
    ("blue", "red"): "blue",
    ("blue", "green"): "purple",
}
_PRIMARIES = ("red", "green", "blue")
START = "a photo of"
FEWEST_ATTRIBUTES = 5  # attributes in a caption beside the kind

Attributes = dict[str, str]


def vocabulary() -> tuple[str, ...]:
    """Every word of every caption in alphabetical order; the comma is one of them."""
    phrases = [
        *LIGHT,
        *CONTRAST,
        *FOCUS,
        GREY,
        *HUES.values(),
        *(text for texts in PHRASES.values() for text in texts),
    ]
    return tuple(sorted({word for text in (START, ",", *phrases) for word in text.split()}))


def _level(value: float, low: float, high: float, texts: tuple[str, str, str]) -> str:
    """The first of the texts for a value up to `low`, the last for one above `high`, else the second."""
    return texts[int(value > low) + int(value > high)]


def _hue(pixels: Pixels) -> str:
    """Name of the mean colour of uint8 (H, W, 3)."""
    mean = pixels.mean((0, 1))
    if mean.max() - mean.min() < 14:
        return GREY
    return HUES[_PRIMARIES[int(mean.argmax())], _PRIMARIES[int(mean.argmin())]]


def attributes(labels: Sequence[int], pixels: Pixels, *, shallow_focus: bool) -> Attributes:
    """What is said of a scene, by attribute.

    Args:
        labels: Its class in each task, in the order of `TASKS`.
        pixels: uint8 (H, W, 3), the scene as a network sees it.
        shallow_focus: Whether parts of it are out of focus.
    """
    return {task: PHRASES[task][label] for task, label in zip(TASKS, labels, strict=True)} | {
        "light": _level(float(pixels.mean()), 80, 140, LIGHT),
        "hue": _hue(pixels),
        "contrast": _level(float(pixels.std()), 30, 60, CONTRAST),
        "focus": FOCUS[int(shallow_focus)],
    }


def caption(texts: Attributes, rng: np.random.Generator) -> str:
    """One caption: the kind, then five or more of the other attributes in random order.

    Args:
        texts: As `attributes` returns them.
        rng: The generator of the choice and of the order.
    """
    others = [text for attribute, text in texts.items() if attribute != "kind"]
    chosen = rng.permutation(len(others))[: rng.integers(FEWEST_ATTRIBUTES, len(others) + 1)]
    return ", ".join([f"{START} {texts['kind']}", *(others[index] for index in chosen)])
