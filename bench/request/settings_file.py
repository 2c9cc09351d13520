"""Settings of a run in a TOML file: the options of `lineup run` by name, and the options of detectors.

    protocol = "cross_generator"
    detectors = ["cnnspot", "residual"]
    seeds = 3

    [options.cnnspot]
    tune = "top"

What is given on the command line wins over the file. Every run writes its own into its result folder.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.platform.errors import InputError
from bench.request.run_request import DetectorOptions

OPTIONS = "options"


@dataclass(frozen=True)
class SettingsFile:
    """The content of a settings file.

    Attributes:
        values: By option, as TOML has them.
        recipe_options: The tables of detector options.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    recipe_options: DetectorOptions = field(default_factory=dict)


def read_settings(path: Path) -> SettingsFile:
    """Read a settings file. Raises `InputError` where it is not there, not TOML, or has a table that it cannot have."""
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"settings {path} cannot be read ({error}); give a TOML file"
        raise InputError(msg) from error
    tables = whole.pop(OPTIONS, {})
    for name, value in whole.items():
        if not isinstance(value, str | int | float | list):
            msg = f"settings {path}: {name} is a table or a date; give a text, a number, true, false or a list"
            raise InputError(msg)
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        msg = f"settings {path}: {OPTIONS} holds one table per detector, as in [{OPTIONS}.cnnspot]"
        raise InputError(msg)
    return SettingsFile({name.replace("-", "_"): value for name, value in whole.items()}, tables)


def to_toml(values: Mapping[str, Any], options: DetectorOptions) -> str:
    """The text of a settings file with these values; options without a value are left out."""
    lines = list(_lines(values))
    for detector, table in options.items():
        lines += ["", f"[{OPTIONS}.{json.dumps(detector)}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterable[str]:
    """One line per value."""
    for name, value in values.items():
        if value is not None:
            yield f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:  # noqa: ANN401 - whatever an option may be
    """A value as TOML has it; what is no truth value, number or list is a text."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
