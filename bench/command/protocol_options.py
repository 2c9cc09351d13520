"""The options of the protocol that was chosen, beside those of `lineup run` itself.

Before anything is parsed, --protocol and --settings say which protocol it is; each of its options then becomes one of
the command.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import MISSING, Field, dataclass, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from bench.command.menu.suggestions import suggest_values
from bench.platform.errors import InputError
from bench.platform.option_values import unknown_name_text
from bench.records.settings import SettingsFile, read_settings
from bench.request import protocol_catalogue
from bench.request.protocol_catalogue import command_line_text, type_text
from bench.request.run_request import DetectorOptions
from bench.request.settings_file import with_absolute_options, with_absolute_paths
from detectors.identity import default_of
from protocols.api import EvaluationProtocol, option_help

NOT_IN_A_FILE = {"settings", "dry_run", "measure", "replace", "as_json"}
LENIENT = {"resilient_parsing": True, "ignore_unknown_options": True, "allow_extra_args": True}


@dataclass(frozen=True)
class ChosenProtocol:
    """The protocol and the options of detectors that the arguments choose.

    Attributes:
        protocol: With its options.
        recipe_options: Options of detectors, from the settings file.
    """

    protocol: EvaluationProtocol
    recipe_options: DetectorOptions


class ProtocolCommand(TyperCommand):
    """A command with the options --protocol and --settings. `obj` of its context is a `ChosenProtocol`."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401 - as typer has it
        """Parse the arguments.

        Raises:
            InputError: An option is not known, or takes other values.
            UnknownName: The protocol is not installed.
        """
        given = TyperCommand.make_context(self, info_name, list(args), parent, **LENIENT)
        path: Path | None = given.params["settings"]
        file = SettingsFile() if path is None else with_absolute_paths(read_settings(path), path.parent)
        return self.context_with(file, f"settings {path}", info_name, args, parent, **extra)

    def context_with(
        self,
        file: SettingsFile,
        where: str,
        info_name: str | None,
        args: list[str],
        parent: Any = None,  # noqa: ANN401 - as typer has it
        **extra: Any,  # noqa: ANN401 - the same
    ) -> Any:  # noqa: ANN401 - the same
        """As `make_context`, with settings that are read already, their paths absolute.

        Args:
            file: The settings.
            where: What messages call them.
            info_name: As for `make_context`, like the rest.
            args: The arguments.
            parent: The context around this one.
            extra: What else typer gives.

        Raises:
            InputError: As `make_context` does, and `UnknownName`.
        """

        def parse_leniently(command: TyperCommand, **more: Any) -> Any:  # noqa: ANN401 - as typer has it
            """A context of what can be parsed of the arguments, whatever else is wrong with them."""
            return TyperCommand.make_context(command, info_name, list(args), parent, **LENIENT, **more)

        name = parse_leniently(self, default_map=_as_texts(file.values)).params["protocol"]
        taken = list(option_help(protocol_catalogue.protocol_class(name)))
        own = {one.name for one in self.params} - NOT_IN_A_FILE
        for option in file.values:
            if option not in own and option not in taken:
                raise InputError(f"{where}: {_not_known(option, name, [*own, *taken], taken)}")
        whole = _with_options(self, name)
        for argument in parse_leniently(whole).args:
            if argument.startswith("-") and argument.strip("-"):
                flags = [flag for one in whole.params for flag in _flags(one)]
                raise InputError(_not_known(argument.partition("=")[0], name, flags, list(map(_flag, taken))))
        defaults = _as_texts({option: value for option, value in file.values.items() if option in own})
        context: Any = TyperCommand.make_context(whole, info_name, args, parent, default_map=defaults, **extra)
        typed = {option: context.params.pop(option) for option in taken}
        values = {option: value for option, value in file.values.items() if option in taken}
        typed = {option: value for option, value in typed.items() if is_typed(context, option)}
        values |= with_absolute_options(protocol_catalogue.protocol_class(name), typed, Path())
        context.obj = ChosenProtocol(protocol_catalogue.make_protocol(name, values), file.recipe_options)
        return context


def is_typed(context: Any, option: str) -> bool:  # noqa: ANN401 - as typer has it
    """Whether an option stands on the command line."""
    return bool(context.get_parameter_source(option).name == "COMMANDLINE")


def _as_texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists joined with commas, as a command line has them."""
    return {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()}


def _not_known(option: str, protocol: str, known: Collection[str], taken: Collection[str]) -> str:
    """The sentence for an option that neither the command nor the protocol has; `taken` are those of the protocol."""
    takes = f"{protocol} takes {', '.join(taken) or 'none'}"
    if others := protocol_catalogue.protocols_with_option(option.strip("-").replace("-", "_")):
        return f"option {option!r} is one of the protocol {' and of '.join(others)}; {takes}"
    return f"{unknown_name_text('option', option, known)} (of its own, the protocol {takes})"


def _with_options(command: TyperCommand, protocol: str) -> TyperCommand:
    """The command with the options of a protocol beside its own. Raises `InputError` where two are spelled alike."""
    whole = copy(command)
    whole.params = list(command.params)
    spelled = {"--help": "help of lineup run"}
    spelled |= {flag: f"{one.name} of lineup run" for one in command.params for flag in _flags(one)}
    for option in _parameters(protocol):
        for flag in _flags(option):
            if flag in spelled:
                msg = (
                    f"protocol {protocol} cannot be run: its option {option.name} and {spelled[flag]} are both spelled"
                    f" {flag}; rename the field of {protocol_catalogue.protocol_class(protocol).__qualname__}"
                )
                raise InputError(msg)
            spelled[flag] = f"{option.name} of its own"
        whole.params.append(option)
    suggest_values("run", whole.params)
    return whole


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _flags(option: Any) -> list[str]:  # noqa: ANN401 - as typer has it
    """Every spelling of an option."""
    return [*option.opts, *option.secondary_opts]


def _parameters(protocol: str) -> list[Any]:
    """The options of a protocol, as typer has options: texts, and flags for truth values."""
    kind = protocol_catalogue.protocol_class(protocol)
    helps, types, by_name = (
        option_help(kind),
        protocol_catalogue.option_types(kind),
        {one.name: one for one in fields(kind)},
    )

    def placeholder() -> None:
        """A function for typer, which reads the options off its signature."""

    panel = f"Options of the protocol {protocol}"
    placeholder.__signature__ = Signature(  # type: ignore[attr-defined]
        [_parameter(by_name[name], types[name], helps[name], panel) for name in helps]
    )
    app = typer.Typer(add_completion=False)
    app.command()(placeholder)
    return [option for option in get_command(app).params if option.name in helps]


def _parameter(one: Field[Any], hint: Any, about: str, panel: str) -> Parameter:  # noqa: ANN401 - any type
    """One option as a parameter of a function that typer reads."""
    flag, default = _flag(one.name), default_of(one)
    if bool in protocol_catalogue.alternatives(hint):
        kind: Any = bool | None
        default = None if default is MISSING else default
        option = typer.Option(f"{flag}/--no-{flag[2:]}", help=about, rich_help_panel=panel)
    else:
        kind, default = str | None, command_line_text(default)
        option = typer.Option(flag, help=about, rich_help_panel=panel, metavar=type_text(hint))
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])
