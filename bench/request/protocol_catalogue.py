"""Which protocols are installed, and a protocol with the options that a user chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.images.vocabulary.generator_names import same_generator
from bench.platform.errors import InputError
from bench.platform.option_values import parse_values, unknown_name_text
from detectors import catalogue
from detectors.identity import default_of
from protocols.api import EvaluationProtocol, option_help, options_naming
from protocols.file_protocol import SUFFIX, WrongProtocolFile, protocol_from_file

GROUP = "lineup.protocols"
COLLECTIONS = (tuple, list, set, frozenset)


def names() -> list[str]:
    """Names of the installed protocols, in alphabetical order."""
    return catalogue.installed(GROUP)


def protocol_class(name: str) -> type[EvaluationProtocol]:
    """The protocol of that name, or of the TOML file at that path.

    Raises:
        UnknownName: None is installed under that name, or it is something else.
        InputError: The file is no protocol, or is called as an installed one is.
    """
    if name.endswith(SUFFIX):
        if (stem := Path(name).stem) in names():
            msg = f"protocol {name} would be called as the installed protocol {stem} is; give the file another name"
            raise InputError(msg)
        try:
            return protocol_from_file(Path(name).expanduser())
        except WrongProtocolFile as error:
            raise InputError(str(error)) from error
    found = catalogue.find(GROUP, "protocol", name)
    if not (
        isinstance(found, type) and issubclass(found, EvaluationProtocol) and "__dataclass_fields__" in vars(found)
    ):
        msg = f"protocol {name!r} is {found!r}: a protocol is a frozen dataclass below protocols.api.EvaluationProtocol"
        raise catalogue.UnknownName(msg)
    protocol: type[EvaluationProtocol] = found
    return protocol


def protocols_with_option(option: str) -> list[str]:
    """Names of the installed protocols that have such an option; one that cannot be imported is passed over."""
    found = []
    for name in names():
        try:
            if option in option_help(protocol_class(name)):
                found.append(name)
        except catalogue.UnknownName:
            continue
    return found


def option_types(protocol: type[EvaluationProtocol]) -> dict[str, Any]:
    """The type of every option of a protocol."""
    hints = get_type_hints(protocol, include_extras=True)
    return {name: hints[name] for name in option_help(protocol)}


def make_protocol(name: str, values: Mapping[str, Any]) -> EvaluationProtocol:
    """The protocol of that name with these options.

    Args:
        name: As `names` lists it.
        values: By option, as a command line (texts) or a settings file has them. What is not there has its default.

    Raises:
        UnknownName: No such protocol is installed.
        InputError: It has no such option, or an option takes other values, or has to be given.
    """
    protocol, prefix = protocol_class(name), f"protocol {name}"
    types = option_types(protocol)
    read = {option: _parse(value, types.get(option)) for option, value in values.items()}
    parsed = parse_values(protocol, read, prefix, tuple(types))
    if missing := [option for option in _required(protocol) if option not in parsed]:
        msg = f"{prefix} has no default for {', '.join(missing)}; give --{missing[0].replace('_', '-')}"
        raise InputError(msg)
    try:
        return protocol(**parsed)
    except ValueError as error:
        msg = f"{prefix}: {error}"
        raise InputError(msg) from error


def with_generators_of(protocol: EvaluationProtocol, known: Sequence[str], data: str) -> EvaluationProtocol:
    """The protocol with generators that a user named, in any spelling, under the names that the data has for them.

    Args:
        protocol: The protocol.
        known: The generators of the data.
        data: What messages call the data.

    Raises:
        InputError: The data has no such generator, or several.
    """
    changes = {
        option: tuple("+".join(_generators(text, known, data)) for text in texts)
        for option, texts in options_naming(protocol, "generators").items()
    }
    return replace(protocol, **changes)


def _generators(text: str, known: Sequence[str], data: str) -> list[str]:
    """The generators that a text names, alone or joined with "+"."""
    return [text] if text in known else [_generator(name, known, data) for name in text.split("+")]


def _generator(name: str, known: Sequence[str], data: str) -> str:
    found = [name] if name in known else [one for one in known if same_generator(one, name)]
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{data}: generator {name!r} may be {' or '.join(found)}; write it as the data does"
        raise InputError(msg)
    raise InputError(f"{data}: {unknown_name_text('generator', name, known)}")


def _required(protocol: type[EvaluationProtocol]) -> list[str]:
    """The options without a default."""
    return [option.name for option in fields(protocol) if option.init and default_of(option) is MISSING]


def option_values(protocol: EvaluationProtocol) -> dict[str, Any]:
    """Every option of a protocol as a settings file has it: the empty text for None."""
    from pydantic import TypeAdapter

    plain = {
        name: TypeAdapter(hint).dump_python(getattr(protocol, name), mode="json")
        for name, hint in option_types(type(protocol)).items()
    }
    return {name: "" if value is None else value for name, value in plain.items()}


def command_line_text(value: Any) -> str | None:  # noqa: ANN401 - whatever an option may be
    """A value as a command line has it; None for None and for the default of an option that has to be given."""
    if value is None or value is MISSING:
        return None
    if isinstance(value, COLLECTIONS):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def type_text(hint: Any) -> str:  # noqa: ANN401 - any type
    """What an option takes, as a command line has it: such as <int>, <str,...> or <low|high>."""
    several = elements(hint)
    kinds = [kind for kind in several or alternatives(hint) if kind is not type(None)]
    names = [choice for kind in kinds for choice in _choices(kind) or [getattr(kind, "__name__", str(kind))]]
    return f"<{'|'.join(dict.fromkeys(map(str, names)))}{',...' if several else ''}>"


def alternatives(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type
    """The types that a value may have: the members of a union, without their annotations."""
    origin = get_origin(hint)
    if origin is Annotated:
        return alternatives(get_args(hint)[0])
    if origin in {Union, UnionType}:
        return tuple(kind for part in get_args(hint) for kind in alternatives(part))
    return (hint,)


def elements(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type
    """The types of the elements where a text stands for several values, comma separated; none where it does not."""
    if str in alternatives(hint):
        return ()
    collections = [kind for kind in alternatives(hint) if (get_origin(kind) or kind) in COLLECTIONS]
    parts = [part for kind in collections for part in get_args(kind) or (str,) if part is not ...]
    return tuple(kind for part in parts for kind in alternatives(part))


def _parse(value: Any, hint: Any) -> Any:  # noqa: ANN401 - whatever a user may write
    """A value as it is; a text read as its type asks, where the empty text is None if None is allowed."""
    if not isinstance(value, str):
        return value
    if not value and type(None) in alternatives(hint):
        return None
    if several := elements(hint):
        return tuple(_literal(part.strip(), several) for part in value.split(",") if part.strip())
    return _literal(value, alternatives(hint))


def _literal(text: str, types: Sequence[Any]) -> Any:  # noqa: ANN401 - literals may be anything
    """The literal of these types that is written so; else the text."""
    return next((choice for kind in types for choice in _choices(kind) if str(choice) == text), text)


def _choices(kind: Any) -> list[Any]:  # noqa: ANN401 - any type
    """The values of a literal type; none for another type."""
    return list(get_args(kind)) if get_origin(kind) is Literal else []
