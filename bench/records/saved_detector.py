"""Fitted detectors as files of their own: to score other images with, or to go on training from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bench.platform.errors import InputError
from detectors.api import State

HEADER = "lineup"  # the key of the file's metadata that says what it is


@dataclass(frozen=True)
class SavedDetector:
    """What a file of a fitted detector says of itself.

    Attributes:
        detector: As `lineup list` names it.
        version: Of its card: another version may give other scores.
        setting: "paper" or "small".
        options: Of the recipe, where they were chosen.
        train: What it was fitted on, in a few words.
        seed: Training seed.
        data: Title of the data.
    """

    detector: str
    version: int
    setting: str
    options: Mapping[str, Any]
    train: str
    seed: int
    data: str

    @property
    def name(self) -> str:
        """A file name that tells the detectors of one run apart."""
        return re.sub(r"[^\w.+=,-]+", "_", f"{self.detector}-{self.train}-{self.seed}") + ".safetensors"


def to_bytes(saved: SavedDetector, state: State) -> bytes:
    """One fitted detector as the content of a file, which `read_saved` reads."""
    arrays = {name: np.asarray(value, order="C") for name, value in state.items()}
    return save(arrays, {HEADER: json.dumps(asdict(saved), sort_keys=True)})


def read_saved(path: Path) -> tuple[SavedDetector, State]:
    """What a file of a fitted detector says of itself, and what fitting learned.

    Raises:
        InputError: There is no such file, or it is none of a fitted detector.
    """
    try:
        with safe_open(path, framework="numpy") as opened:
            header = (opened.metadata() or {}).get(HEADER)
            state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        msg = f"{path} cannot be read as a fitted detector ({error}); give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg) from error
    if header is None:
        msg = f"{path} does not say which detector it is; give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg)
    try:
        return SavedDetector(**json.loads(header)), state
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} does not hold the detector that it speaks of: {error}") from error
