"""What other packages add to the report, by their entry points."""

from __future__ import annotations

from typing import TypeVar

from bench.platform.errors import InputError
from detectors import catalogue

_Added = TypeVar("_Added")


def plugged_in(group: str, noun: str, kind: type[_Added]) -> list[_Added]:
    """The entry points of a group, by name, each of which is of one kind.

    Args:
        group: Of the entry points.
        noun: What messages call one.
        kind: The type of all of them.

    Raises:
        UnknownName: One cannot be imported.
        InputError: One is something else.
    """
    found = []
    for name in catalogue.installed(group):
        one = catalogue.find(group, noun, name)
        if not isinstance(one, kind):
            msg = f"{noun} {name!r} is {one!r}: a {noun} is a {kind.__module__}.{kind.__qualname__}"
            raise InputError(msg)
        found.append(one)
    return found
