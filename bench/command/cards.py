"""`lineup list` and `lineup show`: what is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.platform.errors import InputError
from bench.platform.outside.terminal import say_json


def list_command(
    name: Annotated[
        str, typer.Argument(help="With --long: a detector, protocol, degradation or profile.", show_default=False)
    ] = "",
    long: Annotated[bool, typer.Option("--long", help="What each is shown, was trained on, costs and needs.")] = False,  # noqa: FBT002
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,  # noqa: FBT002
    markdown: Annotated[bool, typer.Option("--markdown", help="The detectors, as Markdown.")] = False,  # noqa: FBT002
    degradations: Annotated[bool, typer.Option("--degradations", help="The degradations, as Markdown.")] = False,  # noqa: FBT002
    results: Annotated[bool, typer.Option("--results", help="All on the embedded corpus, as Markdown.")] = False,  # noqa: FBT002
) -> None:
    """List what is installed: detectors by family, protocols, degradations, profiles, and layouts of data."""
    from bench.command import card_texts
    from bench.report.embedded_results import results_as_markdown

    printers = (
        (long, card_texts.long_list),
        (as_json, lambda: iter([card_texts.as_json()])),
        (markdown, card_texts.markdown_table),
        (degradations, card_texts.degradation_table),
        (results, results_as_markdown),
    )
    chosen = [lines for is_asked, lines in printers if is_asked] or [card_texts.short_list]
    if len(chosen) > 1:
        msg = "--long, --json, --markdown, --degradations and --results are five ways to print the list; give one"
        raise InputError(msg)
    if name and not long:
        msg = f"{name!r} is given without --long; `lineup list --long {name}` prints its whole card"
        raise InputError(msg)
    for line in card_texts.in_full(name) if name else chosen[0]():
        typer.echo(line)


def show_command(
    name: Annotated[
        str,
        typer.Argument(help="A detector, protocol, degradation or profile, as `lineup list` names it; or a run."),
    ],
    image: Annotated[str, typer.Argument(help="Of a run, an image by its name in the scores.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Of a run: print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Show the card of a detector, a protocol, a degradation or a profile; the tables of a run; or one image of it.

    What is installed is shown as `lineup list --long NAME` does. Where several have one name, the detector is shown,
    then the protocol, the degradation, the profile; a folder of a name that is installed is shown as ./NAME. A run is
    given as its result folder, or as it is called.
    """
    from bench.command.card_texts import in_full
    from bench.request.run_folders.finding import find_run, runs_called
    from detectors import catalogue
    from protocols.degradations import catalogue as degradation_catalogue
    from protocols.profiles import profile_names

    installed = {*catalogue.names(), *catalogue.installed("lineup.protocols"), *degradation_catalogue.names()}
    if name not in installed | {*profile_names()} and (Path(name).is_dir() or runs_called(name)):
        _show_run(find_run(name), image, as_json=as_json)
        return
    if image or as_json:
        what = f"the image {image!r}" if image else "--json"
        msg = f"{what} of {name!r}, which is no result folder; give the folder of a run"
        raise InputError(msg)
    for line in in_full(name):
        typer.echo(line)


def _show_run(folder: Path, image: str, *, as_json: bool) -> None:
    """Print a run, or one image of it. Raises `InputError`."""
    from bench.records.store import Store
    from bench.report.run_report import run_as_json, show_image, show_run

    if image and as_json:
        msg = "--json is of a whole run; leave the image out, or --json"
        raise InputError(msg)
    run = Store(folder).read()
    if image:
        show_image(run, image)
    elif as_json:
        say_json(run_as_json(run))
    else:
        show_run(run, folder)
