"""The installed detectors: entry points of the group `lineup.detectors`, of this package and of others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points, packages_distributions, version
from typing import Any

from detectors.api import Recipe, Setting
from detectors.isolation.calls import DetectorMisbehaved, contained, first_line

GROUP = "lineup.detectors"
OWN_PACKAGES = {"bench", "detectors", "protocols"}
# What a user's program has beside what is installed. It is of the process, as installed packages are: rows name
# detectors by texts, wherever they are read.
_REGISTERED: dict[str, type[Recipe]] = {}


class UnknownName(LookupError):
    """A name of nothing that is installed, or of what cannot be imported. The message says what to do."""


@cache
def _read(lookup: Callable[..., EntryPoints], group: str) -> EntryPoints:
    """The entry points of a group, read once: it takes long where many packages are installed."""
    return lookup(group=group)


def installed(group: str) -> list[str]:
    """Names of the entry points of a group, in alphabetical order."""
    return sorted(_read(entry_points, group).names)


def find(group: str, noun: str, name: str) -> Any:  # noqa: ANN401 - an entry point may be anything
    """Load one entry point.

    Args:
        group: Of the entry point.
        noun: What such a thing is called in a message.
        name: Of the entry point.

    Raises:
        UnknownName: It is not installed, or cannot be imported.
    """
    points = _read(entry_points, group)
    if name not in points.names:
        raise UnknownName(unknown_name_message(noun, name, installed(group)))
    try:
        return _load(points[name], f"import of the {noun} {name}")
    except Exception as error:
        reason = first_line(error)
        msg = f"{noun} {name!r} cannot be imported from {points[name].value} ({reason}): repair it or uninstall it"
        raise UnknownName(msg) from error


def _load(point: EntryPoint, what: str) -> Any:  # noqa: ANN401 - an entry point may be anything
    """Load an entry point; the first time, what its module does to the process is set back."""
    if point.module in sys.modules or point.module.partition(".")[0] in OWN_PACKAGES:
        return point.load()
    with contained(what), redirect_stdout(sys.stderr):
        return point.load()


def _contained_if_foreign(kind: object, what: str) -> AbstractContextManager[object]:
    """`contained` for what is not ours: a table of all detectors makes many of ours."""
    own = getattr(kind, "__module__", "").partition(".")[0] in OWN_PACKAGES
    return nullcontext() if own else contained(what)


def unknown_name_message(noun: str, name: str, known: Collection[str]) -> str:
    """The message for a name that is not installed, with the most similar one that is."""
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"no {noun} is named {name!r}.{hint} Installed: {', '.join(known)}"


def register(kinds: Iterable[type[Recipe]]) -> None:
    """Make recipes known to this process under the names on their cards, each in the place of an earlier one."""
    _REGISTERED.update({kind.card.name: kind for kind in kinds})


def registered() -> Mapping[str, type[Recipe]]:
    """The recipes that are known to this process alone, by name."""
    return dict(_REGISTERED)


def names() -> list[str]:
    """Names of the installed and the registered detectors, in alphabetical order."""
    return sorted({*installed(GROUP), *_REGISTERED})


def recipe(name: str, setting: Setting = "paper", **options: Any) -> Recipe:  # noqa: ANN401 - a recipe's own fields
    """The recipe of that name.

    Args:
        name: As `names` lists it.
        setting: "paper" for published sizes and budgets, "small" for those of the embedded corpus.
        **options: Further fields of that recipe.

    Raises:
        UnknownName: No such detector is installed, or it does what would end the command.
    """
    kind = _REGISTERED.get(name) or _installed_recipe(name)
    try:
        with _contained_if_foreign(kind, f"making of the recipe {name}"):
            found: Recipe = kind(setting=setting, **options)
    except DetectorMisbehaved as error:
        msg = f"detector {name!r} cannot be made ({error}): repair it or uninstall it"
        raise UnknownName(msg) from error
    if found.card.name != name:
        msg = f"detector {name!r} is called {found.card.name!r} on its card, by which fits are kept: call both alike"
        raise UnknownName(msg)
    return found


def _installed_recipe(name: str) -> Any:  # noqa: ANN401 - an entry point may be anything
    """What is installed under a name. Raises `UnknownName`."""
    if name not in installed(GROUP):
        raise UnknownName(unknown_name_message("detector", name, names()))
    return find(GROUP, "detector", name)


def distribution(source: object) -> str:
    """The installed distributions that a detector comes from, such as "lineup-checkerboard 1.0.0".

    Args:
        source: A recipe, an embedder, or the class of either.

    Returns:
        Name and version of the distributions of the class and of its base classes, in alphabetical order. Empty for a
        class in a notebook, and for one of this package, whose card has a version. It is part of cache keys.
    """
    kind = source if isinstance(source, type) else type(source)
    modules = {base.__module__.partition(".")[0] for base in kind.__mro__} - OWN_PACKAGES - sys.stdlib_module_names
    return ", ".join(sorted({name for module in modules for name in _distributions(module)}))


def distributions_of_detectors() -> dict[str, str]:
    """Versions of the installed distributions that bring detectors, by name."""
    found = [point.dist for point in _read(entry_points, GROUP) if point.dist is not None]
    return {dist.name: dist.version for dist in found}


@cache
def _distributions(module: str) -> tuple[str, ...]:
    """Names and versions of the distributions that provide a top-level module, installed as files or for editing."""
    by_files = {f"{name} {version(name)}" for name in packages_distributions().get(module, ())}
    points = [point for point in _read(entry_points, GROUP) if point.module.partition(".")[0] == module]
    by_entry_points = {f"{point.dist.name} {point.dist.version}" for point in points if point.dist is not None}
    return tuple(sorted(by_files | by_entry_points))
