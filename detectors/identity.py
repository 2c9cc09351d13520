"""The key of a recipe: its name, version and setting, the options that were chosen, weights and components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol

from detectors.card import Card
from detectors.weight_file import WeightFile, content_id


class KeyParts(Protocol):
    """The part of a recipe that its key is made of."""

    card: ClassVar[Card]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def setting(self) -> str:
        """The entry of its variants that was chosen."""

    @property
    def key(self) -> str:
        """Its key: that of `key_of`, which a class may extend."""

    def own_weight_files(self) -> Sequence[WeightFile]:
        """The files of weights that it reads by itself."""

    def components(self) -> Sequence[KeyParts]:
        """The recipes of which it is composed."""


def options_of(recipe: KeyParts | type[KeyParts]) -> tuple[Field[Any], ...]:
    """The fields of a recipe that a user may choose, beside the setting."""
    return tuple(field for field in fields(recipe) if field.init and field.compare and field.name != "setting")


def key_of(recipe: KeyParts) -> str:
    """The key of a recipe; an option stands in it where it differs from its default or names a file."""
    name = f"{recipe.card.name}.{recipe.card.version}.{recipe.setting}"
    values = [(option, getattr(recipe, option.name)) for option in options_of(recipe)]
    chosen = [
        f"{option.name}={_value_text(option, value)}"
        for option, value in values
        if value != default_of(option) or _files_of(option, value)
    ]
    weights = [file.identity for file in recipe.own_weight_files() if file.identity]
    components = [f"[{component.key}]" for component in recipe.components()]
    return ".".join((name, *chosen, *weights, *components))


def default_of(option: Field[Any]) -> object:
    """The default of a field; `dataclasses.MISSING` where it has to be given."""
    return option.default if option.default_factory is MISSING else option.default_factory()


def _value_text(option: Field[Any], value: object) -> str:
    """The value of an option as a key has it: written out, or the content of the files that it names."""
    contents = [content_id(path) for path in _files_of(option, value)]
    return "+".join(contents) if contents else repr(value)


def _files_of(option: Field[Any], value: object) -> list[Path]:
    """The files that an option names, one or several; those of a folder in the order of their names."""
    if not option.metadata.get("file") or value is None:
        return []
    paths = [Path(str(path)) for path in (value if isinstance(value, list | tuple) else [value])]
    return [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]
