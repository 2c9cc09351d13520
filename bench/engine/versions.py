"""Which code computes: versions of the libraries whose change moves pixels or fits, and of a plug-in's distribution."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bench.platform.files import digest
from bench.platform.installed import installed_version
from detectors import catalogue
from detectors.api import Embedder, Recipe

LIBRARIES = (
    "numpy",
    "open_clip_torch",
    "opencv-python-headless",
    "pillow",
    "PyWavelets",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "skops",
    "timm",
    "torch",
    "torchvision",
)


@cache
def versions() -> Mapping[str, str]:
    """Version by library."""
    return {name: installed_version(name) for name in LIBRARIES}


def decoder_versions() -> str:
    """Versions of the libraries that decode and measure image files."""
    return " ".join(f"{name} {installed_version(name)}" for name in ("pillow", "opencv-python-headless"))


def code_of(part: Recipe | Embedder) -> str:
    """Identity of the code behind a recipe, with its components, or behind an embedder.

    A recipe of ours says by its version that its code changed; a plug-in is known by the version of its distribution.
    """
    libraries = [f"{name} {number}" for name, number in versions().items()]
    return digest(*libraries, *sorted(_distributions(part)))


def _distributions(part: Recipe | Embedder) -> set[str]:
    """The distributions of a recipe and its components, or of an embedder; "" for Lineup's own."""
    components = part.components() if isinstance(part, Recipe) else ()
    return {catalogue.distribution(type(part)), *(name for inner in components for name in _distributions(inner))}


def commit() -> str:
    """The commit of the checkout that this code runs from, or "unknown" outside of one."""
    return _commit_of(Path(__file__).resolve().parents[2])


@cache
def _commit_of(root: Path) -> str:
    """The same of a checkout, asked once: what a process imported does not change with what is committed later."""
    if _git(root, "rev-parse", "--show-toplevel") != str(root):  # installed into a folder of another checkout
        return "unknown"
    return _git(root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or "unknown"


def _git(folder: Path, *arguments: str) -> str:
    """What git prints, "" where it fails or is not installed."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
