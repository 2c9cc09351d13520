"""`lineup list` and `lineup show`: what is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.platform.errors import InputError


def list_command(
    name: Annotated[str, typer.Argument(help="With --long: one detector or protocol.", show_default=False)] = "",
    long: Annotated[bool, typer.Option("--long", help="What each is shown, was trained on, costs and needs.")] = False,  # noqa: FBT002
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,  # noqa: FBT002
    markdown: Annotated[bool, typer.Option("--markdown", help="The first table of the README.")] = False,  # noqa: FBT002
    results: Annotated[bool, typer.Option("--results", help="All on the embedded corpus, as Markdown.")] = False,  # noqa: FBT002
) -> None:
    """List what is installed: detectors by family, protocols, and layouts of data."""
    from bench.command import card_texts
    from bench.report.embedded_results import results_as_markdown

    if as_json + markdown + results + long > 1:
        msg = "--long, --json, --markdown and --results are four ways to print the list; give one"
        raise InputError(msg)
    if name and not long:
        msg = f"{name!r} is given without --long; `lineup list --long {name}` prints its whole card"
        raise InputError(msg)
    if name:
        lines = card_texts.in_full(name)
    elif as_json:
        lines = iter([card_texts.as_json()])
    elif markdown:
        lines = card_texts.markdown_table()
    elif results:
        lines = results_as_markdown()
    else:
        lines = card_texts.long_list() if long else card_texts.short_list()
    for line in lines:
        typer.echo(line)


def show_command(
    name: Annotated[str, typer.Argument(help="A detector or protocol, as `lineup list` names it; or a result folder.")],
) -> None:
    """Show the whole card of a detector, what a protocol asks with which options, or the tables and matrices of a run.

    A detector or protocol is shown as `lineup list --long NAME` does. Where both have one name, the detector is shown;
    a folder of a name that is installed is shown as ./NAME.
    """
    from bench.command.card_texts import in_full
    from detectors import catalogue

    installed = {*catalogue.names(), *catalogue.installed("lineup.protocols")}
    if name not in installed and Path(name).is_dir():
        from bench.records.store import Store
        from bench.report.run_report import show_run

        show_run(Store(Path(name)).read(), Path(name))
        return
    for line in in_full(name):
        typer.echo(line)
