"""The settings of a run as its result folder keeps them: what `lineup run --settings` reads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.platform.printable import printable
from protocols.toml_files import UnreadableToml, read_toml

OPTIONS = "options"
SETTINGS = "settings.toml"  # in the result folder of a run
FORMER_NAMES = {"embedded": "small"}  # of settings that were renamed


def former_name(given: str) -> str:
    """What a message adds for a setting that was renamed; empty for any other word."""
    return f", which is called {FORMER_NAMES[given]!r} now" if given in FORMER_NAMES else ""


@dataclass(frozen=True)
class SettingsFile:
    """The content of a settings file.

    Attributes:
        values: By option, as TOML has them.
        recipe_options: The tables of detector options.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    recipe_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_settings(path: Path) -> SettingsFile:
    """Read a settings file. Raises `InputError` where it is not there, not TOML, or has a table that it cannot have."""
    try:
        whole = read_toml(path)
        changed = ChecksumList.of(path.parent).fault(path.name)
    except (OSError, UnreadableToml) as error:
        msg = f"settings {path} cannot be read ({error}); give a TOML file"
        raise InputError(msg) from error
    if changed:
        logging.getLogger(__name__).warning(
            "%s", printable(f"settings {path} are not as the run beside them wrote them")
        )
    return settings_of(whole, f"settings {path}")


def settings_of(table: Mapping[str, Any], where: str) -> SettingsFile:
    """The settings in a table of TOML.

    Args:
        table: As TOML has it.
        where: What messages call it.

    Raises:
        InputError: It has a table that it cannot have.
    """
    values = dict(table)
    tables = values.pop(OPTIONS, {})
    for name, value in values.items():
        if not isinstance(value, str | int | float | list):
            msg = f"{where}: {name} is a table or a date; give a text, a number, true, false or a list"
            raise InputError(msg)
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        msg = f"{where}: {OPTIONS} holds one table per detector, as in [{OPTIONS}.cnnspot]"
        raise InputError(msg)
    return SettingsFile({name.replace("-", "_"): value for name, value in values.items()}, tables)
