"""Captions of rendered scenes, from their settings and their pixels, for the training of the small CLIP."""

from __future__ import annotations

import numpy as np

from bench.embedded.scenes.composition import SceneKind
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import Scene

PHRASES: dict[SceneKind, str] = {
    "leaves": "scattered leaves and stones",
    "landscape": "a landscape with hills and sky",
    "objects": "objects standing on a table",
    "structure": "a wall of tiles and bricks",
}
_HUES = {
    ("red", "green"): "magenta",
    ("red", "blue"): "orange",
    ("green", "red"): "green",
    ("green", "blue"): "green",
    ("blue", "red"): "blue",
    ("blue", "green"): "purple",
}
_PRIMARIES = ("red", "green", "blue")


def _level(value: float, low: float, high: float, words: tuple[str, str, str]) -> str:
    """The first of the words for a value up to `low`, the last for one above `high`, else the second."""
    return words[int(value > low) + int(value > high)]


def _hue(pixels: Pixels) -> str:
    """Name of the mean colour of uint8 (H, W, 3)."""
    mean = pixels.mean((0, 1))
    if mean.max() - mean.min() < 14:
        return "grey"
    return _HUES[_PRIMARIES[int(mean.argmax())], _PRIMARIES[int(mean.argmin())]]


def _grain(scene: Scene) -> str:
    """The visible noise, which noise reduction removes."""
    if scene.camera.denoise != "none":
        return "smoothed"
    return _level(scene.camera.gain, 7e-5, 3e-4, ("clean", "slightly grainy", "grainy"))


def attributes(scene: Scene, pixels: Pixels) -> dict[str, str]:
    """The words for a scene, by attribute.

    Args:
        scene: The scene.
        pixels: uint8 (H, W, 3), the scene as a network sees it.
    """
    return {
        "kind": PHRASES[scene.kind],
        "light": _level(float(pixels.mean()), 80, 140, ("dark", "medium light", "bright")),
        "hue": _hue(pixels),
        "contrast": _level(float(pixels.std()), 30, 60, ("low contrast", "normal contrast", "high contrast")),
        "grain": _grain(scene),
        "edges": _level(scene.camera.sharpening, 0, 0.7, ("soft", "crisp", "sharpened")),
        "focus": "shallow focus" if scene.shallow_focus else "deep focus",
        "scale": "full size" if scene.resampling == "none" else "scaled down",
    }


def caption(words: dict[str, str], rng: np.random.Generator) -> str:
    """One caption: the kind, then three or more of the other words in random order.

    Args:
        words: As `attributes` returns them.
        rng: The generator of the choice and of the order.
    """
    others = [word for attribute, word in words.items() if attribute != "kind"]
    chosen = rng.permutation(len(others))[: rng.integers(3, len(others) + 1)]
    return ", ".join([f"a photo of {words['kind']}", *(others[index] for index in chosen)])
