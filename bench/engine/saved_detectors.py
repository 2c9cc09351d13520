"""Fitted detectors from the files that earlier runs kept."""

from __future__ import annotations

from pathlib import Path

from bench.inference.backends import runtime_for
from bench.platform.errors import InputError
from bench.platform.option_values import parse_options
from bench.records.saved_detector import SavedDetector, read_saved
from bench.records.settings import former_name
from detectors import catalogue
from detectors.api import Detector, Recipe, Runtime, Setting, Unavailable
from detectors.card import SETTINGS
from detectors.input_policy import with_input_policy
from detectors.weight_file import WrongWeights


def restore_detector(path: Path, runtime: Runtime) -> Detector:
    """The detector in a file that a run kept. Raises `InputError` as `restore_with_recipe` does."""
    return restore_with_recipe(path, runtime)[1]


def restore_with_recipe(path: Path, runtime: Runtime) -> tuple[Recipe, Detector]:
    """The recipe with its options, and the fitted detector in a file that a run kept.

    Raises:
        InputError: There is no such file, it holds something else, or this version of the detector is another one.
    """
    saved, state = read_saved(path)
    try:
        options = parse_options(type(catalogue.recipe(saved.detector)), saved.options, saved.detector)
        recipe = catalogue.recipe(saved.detector, _setting(path, saved), **options)
        if recipe.card.version != saved.version:
            msg = f"{path} was fitted by version {saved.version} of {saved.detector}, this is {recipe.card.version}"
            raise InputError(f"{msg}: fit it again")
        return recipe, with_input_policy(recipe, recipe.restore(state, runtime_for(recipe, runtime)))
    except (catalogue.UnknownName, Unavailable, WrongWeights, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} does not hold the detector that it speaks of: {error}") from error


def _setting(path: Path, saved: SavedDetector) -> Setting:
    """The setting that a file names. Raises `InputError` for any other word."""
    for setting in SETTINGS:
        if saved.setting == setting:
            return setting
    raise InputError(f"{path} was fitted in the setting {saved.setting!r}{former_name(saved.setting)}: fit it again")
