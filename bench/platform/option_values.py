"""Values that a user gave to options, checked against the types of a dataclass's fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_type_hints

from bench.platform.errors import InputError
from detectors.identity import options_of

if TYPE_CHECKING:
    from detectors.api import Recipe


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
