"""Which detectors are installed: entry points of the group `lineup.detectors`, ours and anybody's."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from detectors.api import Recipe, Setting

GROUP = "lineup.detectors"


class UnknownName(LookupError):
    """Something that is not installed, or cannot be imported. The message says what to do."""


def installed(group: str) -> list[str]:
    """Names of the entry points of a group, in alphabetical order."""
    return sorted(entry_points(group=group).names)


def find(group: str, noun: str, name: str) -> Any:  # noqa: ANN401 - an entry point may be anything
    """Load one entry point. Raises `UnknownName`, with the noun in its message, when it is not there or is broken."""
    points = entry_points(group=group)
    if name not in points.names:
        raise UnknownName(unknown(noun, name, installed(group)))
    try:
        return points[name].load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        msg = f"{noun} {name!r} cannot be imported from {points[name].value} ({reason}): repair it or uninstall it"
        raise UnknownName(msg) from error


def unknown(noun: str, name: str, known: Collection[str]) -> str:
    """The sentence for a name that is not installed, with the nearest one that is."""
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"no {noun} is named {name!r}.{hint} Installed: {', '.join(known)}"


def names() -> list[str]:
    """Names of the installed detectors, in alphabetical order."""
    return installed(GROUP)


def recipe(name: str, setting: Setting = "paper", **options: Any) -> Recipe:  # noqa: ANN401 - a recipe's own fields
    """The recipe of that name.

    Args:
        name: As `names` lists it.
        setting: "paper" for published sizes and budgets, "small" for those of the embedded corpus.
        **options: Further fields of that recipe.

    Raises:
        UnknownName: No such detector is installed.
    """
    made: Recipe = find(GROUP, "detector", name)(setting=setting, **options)
    return made


def distribution(made: object) -> str:
    """Which installed distribution a detector comes from, such as "lineup-checkerboard 1.0.0".

    Args:
        made: A recipe, an embedder, or the class of either.

    Returns:
        Name and version of the distribution whose detectors are in the top-level module of the class. Empty where none
        is, as for a class in a notebook, and for the distribution of the contract itself, where the version of the card
        says it. It is part of cache keys.
    """
    kind = made if isinstance(made, type) else type(made)
    return _distribution(kind.__module__.partition(".")[0])


@cache
def _distribution(module: str) -> str:
    """Name and version of the distribution with detectors in a top-level module; of several, all in one order."""
    if module == Recipe.__module__.partition(".")[0]:
        return ""
    providers = {
        f"{point.dist.name} {point.dist.version}"
        for point in entry_points(group=GROUP)
        if point.dist is not None and point.value.partition(":")[0].partition(".")[0] == module
    }
    return ", ".join(sorted(providers))
