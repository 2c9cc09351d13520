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
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from bench.errors import InputError
from detectors.identity import options_of

if TYPE_CHECKING:
    from detectors.api import Recipe

OPTIONS = "options"
Options = Mapping[str, Mapping[str, Any]]  # by detector, then by option


@dataclass(frozen=True)
class SettingsFile:
    """What a settings file says.

    Attributes:
        values: By option, as TOML has them.
        recipe_options: The tables of detector options.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    recipe_options: Options = field(default_factory=dict)


def read(path: Path) -> SettingsFile:
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


def unknown(noun: str, name: str, known: Collection[str]) -> str:
    """The sentence for a name that is not known."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"{noun} {name!r} is not known; {hint}"


def checked(recipe: type[Recipe], options: Mapping[str, Any], detector: str) -> dict[str, Any]:
    """The options of one detector, of the types that its recipe's fields have. Raises `InputError`, as `of_types`."""
    known = [one.name for one in options_of(recipe)]
    return of_types(recipe, options, detector, known)


def of_types(kind: type, values: Mapping[str, Any], whose: str, known: Collection[str]) -> dict[str, Any]:
    """Values of the types that the fields of a dataclass have.

    Args:
        kind: The dataclass.
        values: By field, as a user wrote them.
        whose: What a message begins with.
        known: The fields that a user may choose.

    Raises:
        InputError: There is no such field, or it takes other values.
    """
    hints = get_type_hints(kind, include_extras=True)
    taken = {}
    for name, value in values.items():
        if name not in known:
            raise InputError(f"{whose}: {unknown('option', name, known) if known else 'it takes no options'}")
        taken[name] = _of_type(hints[name], value, f"{whose}: option {name}")
    return taken


def _of_type(hint: Any, value: Any, what: str) -> Any:  # noqa: ANN401 - any type
    from pydantic import TypeAdapter, ValidationError

    try:  # true and false are no numbers
        return TypeAdapter(hint).validate_python(value, strict=isinstance(value, bool) or None)
    except ValidationError as error:
        first = error.errors()[0]
        part = f"{first['input']!r}: " if any(isinstance(place, int) for place in first["loc"]) else ""
        msg = f"{what} cannot be {value!r} ({part}{first['msg']})"
        raise InputError(msg) from error


def written(values: Mapping[str, Any], options: Options) -> str:
    """A settings file that says the same again; options without a value are left out."""
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
