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
from safetensors.numpy import save_file

from bench.command.options import FORMERLY
from bench.platform.errors import InputError
from bench.platform.files import write_atomically
from bench.platform.option_values import checked
from detectors import catalogue
from detectors.api import Detector, Runtime, Setting, State, Unavailable
from detectors.card import SETTINGS
from detectors.weights.loading import WrongWeights

SAID = "lineup"  # the key of the header that says what the file is


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


def keep(folder: Path, said: SavedDetector, state: State) -> None:
    """Write one fitted detector into a folder."""
    arrays = {name: np.asarray(value, order="C") for name, value in state.items()}
    header = {SAID: json.dumps(asdict(said), sort_keys=True)}
    write_atomically(folder / said.name, lambda temporary: save_file(arrays, temporary, header))


def restore(path: Path, runtime: Runtime) -> Detector:
    """The detector in a file that `keep` wrote.

    Raises:
        InputError: There is no such file, it holds something else, or this version of the detector is another one.
    """
    try:
        with safe_open(path, framework="numpy") as opened:
            header = (opened.metadata() or {}).get(SAID)
            state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        msg = f"{path} cannot be read as a fitted detector ({error}); give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg) from error
    if header is None:
        msg = f"{path} does not say which detector it is; give a file that `lineup run --keep-fitted` wrote"
        raise InputError(msg)
    try:
        said = SavedDetector(**json.loads(header))
        kind = type(catalogue.recipe(said.detector))
        recipe = catalogue.recipe(said.detector, _setting(path, said), **checked(kind, said.options, said.detector))
        if recipe.card.version != said.version:
            msg = f"{path} was fitted by version {said.version} of {said.detector}, this is {recipe.card.version}"
            raise InputError(f"{msg}: fit it again")
        return recipe.restore(state, runtime)
    except (catalogue.UnknownName, Unavailable, WrongWeights, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} does not hold the detector that it speaks of: {error}") from error


def _setting(path: Path, said: SavedDetector) -> Setting:
    """The setting that a file names. Raises `InputError` for any other word."""
    for setting in SETTINGS:
        if said.setting == setting:
            return setting
    now = ", which is called 'small' now" if said.setting == FORMERLY else ""
    msg = f"{path} was fitted in the setting {said.setting!r}{now}: fit it again"
    raise InputError(msg)
