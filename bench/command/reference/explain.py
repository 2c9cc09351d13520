"""`lineup explain`: what the columns of tables mean."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.command.menu.documents import Json, print_document
from bench.platform.errors import InputError


def explain_command(
    column: Annotated[
        list[str] | None, typer.Argument(help="Header or name of a column, in quotes where it has a space or a sign.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="All of them, as docs/reference has them.")] = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Say what a column of a table means: where it stands, its formula, unit, range and source; without one, list all.

    Every column that Lineup prints or writes is explained, and every metric.
    """
    from bench.explanations import registry, texts

    name = " ".join(column or ())
    if name and markdown:
        msg = f"{name!r} and --markdown were given together; --markdown prints every column, so leave one of them out"
        raise InputError(msg)
    if markdown and as_json:
        msg = "--markdown and --json are two ways to print; give one"
        raise InputError(msg)
    if as_json:
        print_document({"columns": registry.find(name) if name else registry.explanations()})
        return
    lines = texts.explain(name) if name else texts.as_markdown() if markdown else texts.list_names()
    for line in lines:
        typer.echo(line)
