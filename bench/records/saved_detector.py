"""Fitted detectors as files: to score other images with, or to continue a training from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.platform.seals import EMPTY_SEAL, SEAL, fault_of, sealed
from detectors.api import State

HEADER = "lineup"  # the key in the file's metadata


@dataclass(frozen=True)
class SavedDetector:
    """The description of a fitted detector in its file.

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


def to_bytes(saved: SavedDetector, state: State) -> bytes:
    """One fitted detector as the content of a file, which `read_saved` reads."""
    arrays = {name: np.asarray(value, order="C") for name, value in state.items()}
    return sealed(save(arrays, {SEAL: EMPTY_SEAL, HEADER: json.dumps(asdict(saved), sort_keys=True)}))


def read_saved(path: Path) -> tuple[SavedDetector, State]:
    """The description and the state of a fitted detector in a file.

    Raises:
        InputError: There is no such file, it is damaged, or it is none of a fitted detector.
    """
    try:
        if fault := fault_of(path):
            raise InputError(f"{path} is damaged ({fault}); fit it again with `lineup run --keep-fitted`")
        with safe_open(path, framework="numpy") as file:
            header = (file.metadata() or {}).get(HEADER)
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        msg = f"{path} cannot be read as a fitted detector ({error}); give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg) from error
    return _description(path, header), state


def read_description(path: Path) -> SavedDetector:
    """The description alone, of a file that is not looked at further. Raises `InputError` as `read_saved` does."""
    try:
        with safe_open(path, framework="numpy") as file:
            return _description(path, (file.metadata() or {}).get(HEADER))
    except (OSError, SafetensorError) as error:
        msg = f"{path} cannot be read as a fitted detector ({error}); give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg) from error


def _description(path: Path, header: str | None) -> SavedDetector:
    if header is None:
        msg = f"{path} does not say which detector it is; give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg)
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(SavedDetector).validate_python(parse_json(header))
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    except ValueError as error:
        fault = str(error)
    msg = f"{path} does not hold the detector that it speaks of ({fault}); give a file that Lineup wrote"
    raise InputError(msg)
