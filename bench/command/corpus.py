"""`lineup corpus`: the corpus that Lineup makes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document
from bench.platform.outside.terminal import say


def corpus_command(
    workers: options.Workers = options.CORES,
    contact_sheet: Annotated[Path | None, typer.Option(help="PNG of scenes beside their imitations.")] = None,
    as_json: Json = False,  # noqa: FBT002 - a switch
) -> None:
    """Make the embedded corpus if it is not there or damaged, and print its folder."""
    from bench.images.data_sets import embedded_corpus, remove_damaged_corpus

    reporter, cache = options.reporter(), options.cache_folder()
    remove_damaged_corpus(cache, reporter)
    folder = embedded_corpus(cache, workers, reporter)
    if as_json:
        print_document({"folder": folder, "contact_sheet": contact_sheet})
    else:
        say(str(folder))
    if contact_sheet is not None:
        from bench.embedded.contact_sheet import write_contact_sheet

        write_contact_sheet(contact_sheet)
