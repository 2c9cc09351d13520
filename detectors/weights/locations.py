"""Finding a file of weights: shipped with the package, or in torch's own download folder.

A file is found and hashed when a detector is put together. What is missing is `Unavailable`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from detectors.api import Unavailable
from detectors.weight_file import HashedFile, WrongWeights, hashed_file

SHIPPED_FOLDER = Path(__file__).parent / "shipped"


def shipped_file(name: str) -> HashedFile:
    """Weights that ship with the package, checked against the hash on their card.

    Raises:
        Unavailable: The package was installed without them.
        WrongWeights: The file is not the one that the card describes.
    """
    path = SHIPPED_FOLDER / f"{name}.safetensors"
    if not path.is_file():
        msg = f"{path.name} is not in {SHIPPED_FOLDER}: install the package with its data files"
        raise Unavailable(msg)
    weights, expected = hashed_file(path), shipped_card(name)["sha256"]
    if weights.sha256 != expected:
        msg = f"{path} has sha256 {weights.sha256}, its card says {expected}: install the package again"
        raise WrongWeights(msg)
    return weights


def shipped_card(name: str) -> dict[str, Any]:
    """The card of weights that ship with the package. Raises `Unavailable` where it is missing."""
    path = SHIPPED_FOLDER / f"{name}.json"
    if not path.is_file():
        msg = f"{path.name} is not in {SHIPPED_FOLDER}: install the package with its data files"
        raise Unavailable(msg)
    card: dict[str, Any] = json.loads(path.read_text())
    return card


def cached_torch_file(*names: str) -> HashedFile | None:
    """The first of some files in torch's own download folder; None where it has none of them.

    The hash of such a file begins with the eight hex digits in its name: one with another hash is passed over.
    """
    for name in names:
        path = torch_hub_folder() / "checkpoints" / name
        if path.is_file() and (found := hashed_file(path)).sha256.startswith(path.stem.rpartition("-")[2]):
            return found
    return None


def torch_hub_folder() -> Path:
    """Torch's own download folder, by the same environment variables but without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub"
