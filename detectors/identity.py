"""What identifies a recipe: its name, version and setting, the options that were chosen, weights and components."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detectors.api import Recipe


def options_of(recipe: Recipe | type[Recipe]) -> tuple[Field[Any], ...]:
    """The fields of a recipe that a user may choose, beside the setting."""
    return tuple(one for one in fields(recipe) if one.init and one.compare and one.name != "setting")


def key_of(recipe: Recipe) -> str:
    """The key of a recipe: every option that differs from its default is in it by itself."""
    name = f"{recipe.card.name}.{recipe.card.version}.{recipe.setting}"
    values = [(one, getattr(recipe, one.name)) for one in options_of(recipe)]
    chosen = [
        f"{one.name}={_in_key(one, value)}" for one, value in values if value != _default(one) or _named(one, value)
    ]
    begun = [source.identity for source in recipe.own_weight_files() if source.identity]
    parts = [f"[{component.key}]" for component in recipe.components()]
    return ".".join((name, *chosen, *begun, *parts))


def _default(option: Field[Any]) -> object:
    return option.default if option.default_factory is MISSING else option.default_factory()


def _in_key(option: Field[Any], value: object) -> str:
    """How the value of an option stands in a key: written out, with the content of the files that it names."""
    from detectors.weight_file import content_id

    contents = [content_id(path) for path in _named(option, value)]
    return "+".join(contents) if contents else repr(value)


def _named(option: Field[Any], value: object) -> list[Path]:
    """The files that an option names, one or several; those of a folder in the order of their names."""
    if not option.metadata.get("file") or value is None:
        return []
    paths = [Path(str(one)) for one in (value if isinstance(value, list | tuple) else [value])]
    return [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]
