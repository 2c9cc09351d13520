"""Which detectors are installed: entry points of the group `lineup.detectors`, ours and anybody's."""

from __future__ import annotations

from difflib import get_close_matches
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
        near = get_close_matches(name, points.names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        msg = f"no {noun} is named {name!r}.{hint} Installed: {', '.join(installed(group))}"
        raise UnknownName(msg)
    try:
        return points[name].load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        msg = f"{noun} {name!r} cannot be imported from {points[name].value} ({reason}): repair it or uninstall it"
        raise UnknownName(msg) from error


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
