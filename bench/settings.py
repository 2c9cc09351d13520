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
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from bench.errors import InputError

OPTIONS = "options"
Options = Mapping[str, Mapping[str, Any]]  # by detector, then by option


def read(path: Path, known: Collection[str]) -> tuple[dict[str, Any], Options]:
    """Read a settings file.

    Args:
        path: The file.
        known: Names of the options that a run takes.

    Returns:
        Values by option, lists joined with commas, and the tables of detector options.

    Raises:
        InputError: It is not there, not TOML, or says something unknown.
    """
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"settings {path} cannot be read ({error}); give a TOML file"
        raise InputError(msg) from error
    tables = whole.pop(OPTIONS, {})
    values = {}
    for name, value in whole.items():
        option = name.replace("-", "_")
        if option not in known:
            raise InputError(f"settings {path}: {unknown('option', name, known)}")
        if not isinstance(value, str | int | float | list):
            msg = f"settings {path}: {name} is a table or a date; give a text, a number, true, false or a list"
            raise InputError(msg)
        values[option] = ",".join(map(str, value)) if isinstance(value, list) else value
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        msg = f"settings {path}: {OPTIONS} holds one table per detector, as in [{OPTIONS}.cnnspot]"
        raise InputError(msg)
    return values, tables


def unknown(noun: str, name: str, known: Collection[str]) -> str:
    """The sentence for a name that is not known."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"{noun} {name!r} is not known; {hint}"


def checked(recipe: type, options: Mapping[str, Any], detector: str) -> dict[str, Any]:
    """The options of one detector, of the types that its recipe's fields have.

    Raises:
        InputError: The recipe has no such field, or it takes other values.
    """
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(recipe)
    known = [field.name for field in fields(recipe) if field.init and field.name != "setting"]
    taken = {}
    for name, value in options.items():
        if name not in known:
            raise InputError(f"{detector}: {unknown('option', name, known) if known else 'it takes no options'}")
        try:
            taken[name] = TypeAdapter(hints[name]).validate_python(value)
        except ValidationError as error:
            msg = f"{detector}: option {name} cannot be {value!r} ({error.errors()[0]['msg']})"
            raise InputError(msg) from error
    return taken


def written(values: Mapping[str, Any], options: Options) -> str:
    """A settings file that says the same again; options without a value are left out."""
    lines = list(_lines(values))
    for detector, table in options.items():
        lines += ["", f"[{OPTIONS}.{json.dumps(detector)}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterable[str]:
    """One line per value; JSON's texts, numbers and lists are TOML's too."""
    for name, value in values.items():
        if value is not None:
            plain = isinstance(value, bool | int | float | list | tuple)
            yield f"{name} = {json.dumps(value if plain else str(value))}"
