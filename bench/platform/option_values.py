"""Values that a user gave to options, checked against the types of a dataclass's fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_type_hints

from bench.platform.errors import InputError
from detectors.identity import options_of

if TYPE_CHECKING:
    from detectors.api import Recipe


def unknown_name_text(noun: str, name: str, known: Collection[str]) -> str:
    """The sentence for a name that is not known, with the nearest that is."""
    plain = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), plain, n=1)
    hint = f"did you mean {plain[near[0]]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"{noun} {name!r} is not known; {hint}"


def parse_options(recipe: type[Recipe], options: Mapping[str, Any], detector: str) -> dict[str, Any]:
    """The options of a detector, of the types of its recipe's fields. Raises `InputError` as `parse_values` does."""
    known = [option.name for option in options_of(recipe)]
    return parse_values(recipe, options, detector, known)


def parse_values(kind: type, values: Mapping[str, Any], prefix: str, known: Collection[str]) -> dict[str, Any]:
    """Values of the types that the fields of a dataclass have.

    Args:
        kind: The dataclass.
        values: By field, as a user wrote them.
        prefix: What a message begins with.
        known: The fields that a user may choose.

    Raises:
        InputError: There is no such field, or it takes other values.
    """
    hints = get_type_hints(kind, include_extras=True)
    parsed = {}
    for name, value in values.items():
        if name not in known:
            raise InputError(
                f"{prefix}: {unknown_name_text('option', name, known) if known else 'it takes no options'}"
            )
        parsed[name] = _parse_value(hints[name], value, f"{prefix}: option {name}")
    return parsed


def _parse_value(hint: Any, value: Any, what: str) -> Any:  # noqa: ANN401 - any type
    from pydantic import TypeAdapter, ValidationError

    try:  # true and false are no numbers
        return TypeAdapter(hint).validate_python(value, strict=isinstance(value, bool) or None)
    except ValidationError as error:
        first = error.errors()[0]
        part = f"{first['input']!r}: " if any(isinstance(step, int) for step in first["loc"]) else ""
        msg = f"{what} cannot be {value!r} ({part}{first['msg']})"
        raise InputError(msg) from error
