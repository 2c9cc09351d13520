"""Captions of rendered scenes, from how they were made and how they look: what the small CLIP learns from."""

from __future__ import annotations

import numpy as np

from bench.embedded.filters import Pixels
from bench.embedded.scenes.composition import SceneKind
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
    """The word for a value below `low`, between, or above `high`."""
    return words[int(value > low) + int(value > high)]


def hue(pixels: Pixels) -> str:
    """Name of the mean colour."""
    mean = pixels.mean((0, 1))
    if mean.max() - mean.min() < 14:
        return "grey"
    return _HUES[_PRIMARIES[int(mean.argmax())], _PRIMARIES[int(mean.argmin())]]


def _grain(scene: Scene) -> str:
    """Noise as it is seen: noise reduction wipes it off."""
    if scene.shot.denoise != "none":
        return "smoothed"
    return _level(scene.shot.gain, 7e-5, 3e-4, ("clean", "slightly grainy", "grainy"))


def words(scene: Scene, pixels: Pixels) -> dict[str, str]:
    """What can be said of a scene, attribute to word. `pixels` is the scene as it is shown, uint8 (H, W, 3)."""
    return {
        "kind": PHRASES[scene.kind],
        "light": _level(float(pixels.mean()), 80, 140, ("dark", "medium light", "bright")),
        "hue": hue(pixels),
        "contrast": _level(float(pixels.std()), 30, 60, ("low contrast", "normal contrast", "high contrast")),
        "grain": _grain(scene),
        "edges": _level(scene.shot.sharpening, 0, 0.7, ("soft", "crisp", "sharpened")),
        "focus": "shallow focus" if scene.shallow_focus else "deep focus",
        "scale": "full size" if scene.resampling == "none" else "scaled down",
    }


def caption(said: dict[str, str], rng: np.random.Generator) -> str:
    """One caption: the kind, then three or more of the other words in random order."""
    others = [word for attribute, word in said.items() if attribute != "kind"]
    chosen = rng.permutation(len(others))[: rng.integers(3, len(others) + 1)]
    return ", ".join([f"a photo of {said['kind']}", *(others[index] for index in chosen)])
