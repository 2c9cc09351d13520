"""The group of all commands, each of which is imported when it runs: help and completion need none of them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import cleandoc
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from bench.command.menu.entries import MENU, MenuEntry
from bench.command.menu.suggestions import suggest_values
from bench.platform.errors import InputError
from bench.storage.connection import is_store

PUBLISHING = "run"  # the command whose results may be on a store


class MenuGroup(TyperGroup):
    """The commands of the menu: named and described without an import, imported by the one that is called."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - as typer has it
        super().__init__(**given)
        for entry in MENU:
            described = TyperCommand(entry.name, help=entry.about, short_help=entry.about, rich_help_panel=entry.panel)
            self.add_command(described)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401 - the same
        """The name, the command itself and what is left of the arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        if name != PUBLISHING:
            _require_local_out(rest)
        return name, whole_commands([name])[name] if name else None, rest


def _require_local_out(arguments: list[str]) -> None:
    """Raise `InputError` for a URL as a place to write to, which would become a folder of that name."""
    for option, value in pairwise([*arguments, ""]):
        given = value if option == "--out" else option.removeprefix("--out=") if option.startswith("--out=") else ""
        if is_store(given):
            msg = f"--out {given} is on a store, where `lineup {PUBLISHING}` alone publishes; give a folder"
            raise InputError(msg)


def whole_commands(names: list[str] | None = None) -> dict[str, Any]:
    """Commands with all their parameters, by name, in the order of the menu.

    Args:
        names: The commands that are wanted; None for all.
    """
    return {entry.name: _imported(entry) for entry in MENU if names is None or entry.name in names}


@cache
def _imported(entry: MenuEntry) -> Any:  # noqa: ANN401 - as typer has it
    found = _attribute(entry.target)
    command: Any
    if isinstance(found, typer.Typer):
        command = get_group(found)  # without options of its own for completion
    else:
        app = typer.Typer(add_completion=False)
        app.command(entry.name, cls=_attribute(entry.command_class) if entry.command_class else None)(found)
        command = get_command(app)
    command.name = entry.name
    below = {f"{entry.name} {name}": one for name, one in getattr(command, "commands", {}).items()}
    for title, one in {entry.name: command, **below}.items():
        suggest_values(title, one.params)
        one.help = _flowing(one.help or "")
    return command


def _flowing(text: str) -> str:
    """A help whose paragraphs are a line each: typer breaks all but the first where the source does."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in cleandoc(text).split("\n\n"))


def _attribute(path: str) -> Any:  # noqa: ANN401 - whatever a module has
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
