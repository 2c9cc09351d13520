"""Versions of installed distributions."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

ABSENT = "absent"


@cache
def installed_version(distribution: str) -> str:
    """The version of a distribution from its metadata, as some libraries misstate their own; `ABSENT` for none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ABSENT
