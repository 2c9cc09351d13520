"""What is installed, as frames; and detectors of the user's own program."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TypeVar

import pandas as pd

from bench.interface.surroundings import one_kind_of_error
from bench.platform.errors import InputError
from bench.request import protocol_catalogue
from detectors import catalogue
from detectors.api import Recipe
from detectors.identity import options_of
from protocols.api import option_help
from protocols.degradations import catalogue as degradation_catalogue
from protocols.profiles import shipped_profiles

OwnRecipe = TypeVar("OwnRecipe", bound=type[Recipe])
NAME = re.compile(r"\w[\w.-]*")


def detectors() -> pd.DataFrame:
    """The detectors that a run may name, by name.

    Returns:
        One row each: `detector`, `family`, `year`, `title`, `paper`, `code`, `licence` and further fields of its card,
        and `options`, the names of what can be chosen.
    """
    rows = []
    with one_kind_of_error():
        for name in catalogue.names():
            recipe = catalogue.recipe(name)
            card = {"detector" if field == "name" else field: value for field, value in asdict(recipe.card).items()}
            rows.append({**card, "options": [option.name for option in options_of(recipe)]})
    return pd.DataFrame(rows)


def protocols() -> pd.DataFrame:
    """The protocols: `protocol`, `title`, `trains`, whether detectors are trained, and `options` with their help."""
    with one_kind_of_error():
        kinds = {name: protocol_catalogue.protocol_class(name) for name in protocol_catalogue.names()}
    return pd.DataFrame(
        [
            {"protocol": name, "title": kind.title, "trains": kind.trains, "options": dict(option_help(kind))}
            for name, kind in kinds.items()
        ]
    )


def degradations() -> pd.DataFrame:
    """The degradations: `degradation`, how it is `written`, its `meaning`, its `severities`, `version` and `missing`.

    What an own package lacks stands in `missing`, and the rest of such a row is empty.
    """
    rows = []
    for name, kind in degradation_catalogue.kinds().items():
        if isinstance(kind, str):
            rows.append({"degradation": name, "missing": kind})
        else:
            known = {field: getattr(kind, field) for field in ("written", "meaning", "severities", "version")}
            rows.append({"degradation": name, **known, "missing": ""})
    return pd.DataFrame(rows)


def profiles() -> pd.DataFrame:
    """The named lists of degradations: `profile`, `version`, `about`, `source`, `degradations` and `score`."""
    named = [asdict(profile) for profile in shipped_profiles()]
    return pd.DataFrame([{"profile": one.pop("name"), **one} for one in named])


def register_detector(recipe: OwnRecipe) -> OwnRecipe:
    """Make a detector known to this process under the name on its card; it may stand before a class as `@`.

    Fits and scores are kept by the name and the `version` on the card: raise the version whenever your code would give
    other scores, or a later run takes what an earlier one kept. Of a class that is defined in the program itself, as in
    a notebook, fits run in this process, and not several at a time in processes of their own. A file of a fitted
    detector can be loaded where its detector is registered.

    Args:
        recipe: A class below `detectors.api.Recipe`, which `detectors.checks` can try.

    Returns:
        The same.

    Raises:
        InputError: It is no such class, or its name is that of an installed detector or cannot name a row.
    """
    if not _is_recipe(recipe):
        msg = f"{recipe!r} is no detector: give a class below detectors.api.Recipe that has a card"
        raise InputError(msg)
    name = recipe.card.name
    if not NAME.fullmatch(name):
        msg = f"{name!r} on the card of {recipe.__name__} cannot name a detector; use letters, digits and _"
        raise InputError(msg)
    if name in catalogue.installed(catalogue.GROUP):
        msg = f"a detector named {name!r} is installed; give {recipe.__name__} another name on its card"
        raise InputError(msg)
    catalogue.register([recipe])
    return recipe


def _is_recipe(given: object) -> bool:
    """Whether something is a class of recipes that can be made."""
    return isinstance(given, type) and issubclass(given, Recipe) and hasattr(given, "card")
