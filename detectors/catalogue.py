"""Which detectors are installed: entry points of the group `lineup.detectors`, ours and anybody's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoints, entry_points, packages_distributions, version
from typing import Any

from detectors.api import Recipe, Setting

GROUP = "lineup.detectors"
OURS = {"bench", "detectors", "protocols"}


class UnknownName(LookupError):
    """Something that is not installed, or cannot be imported. The message says what to do."""


@cache
def _read(lookup: Callable[..., EntryPoints], group: str) -> EntryPoints:
    """The entry points of a group, read once: it takes long where many packages are installed."""
    return lookup(group=group)


def installed(group: str) -> list[str]:
    """Names of the entry points of a group, in alphabetical order."""
    return sorted(_read(entry_points, group).names)


def find(group: str, noun: str, name: str) -> Any:  # noqa: ANN401 - an entry point may be anything
    """Load one entry point. Raises `UnknownName`, with the noun in its message, when it is not there or is broken."""
    points = _read(entry_points, group)
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
    if made.card.name != name:
        msg = f"detector {name!r} is called {made.card.name!r} on its card, by which fits are kept: call both alike"
        raise UnknownName(msg)
    return made


def distribution(made: object) -> str:
    """Which installed distributions a detector comes from, such as "lineup-checkerboard 1.0.0".

    Args:
        made: A recipe, an embedder, or the class of either.

    Returns:
        Name and version of the distributions of the class and of all that it derives from, one order for all. Empty for
        a class in a notebook, and for what is ours, where the version of the card says it. It is part of cache keys.
    """
    kind = made if isinstance(made, type) else type(made)
    modules = {one.__module__.partition(".")[0] for one in kind.__mro__} - OURS - sys.stdlib_module_names
    return ", ".join(sorted({name for module in modules for name in _distributions(module)}))


@cache
def _distributions(module: str) -> tuple[str, ...]:
    """Names and versions of the distributions that provide a top-level module, installed as files or for editing."""
    named = {f"{name} {version(name)}" for name in packages_distributions().get(module, ())}
    points = [
        point for point in _read(entry_points, GROUP) if point.value.partition(":")[0].partition(".")[0] == module
    ]
    offering = {f"{point.dist.name} {point.dist.version}" for point in points if point.dist is not None}
    return tuple(sorted(named | offering))
