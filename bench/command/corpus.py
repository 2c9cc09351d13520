"""`lineup corpus` and `lineup weights`: what Lineup makes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options


def corpus_command(
    workers: options.Workers = options.CORES,
    contact_sheet: Annotated[Path | None, typer.Option(help="PNG of scenes beside their imitations.")] = None,
) -> None:
    """Make the embedded corpus if it is not there, and print its folder."""
    from bench.images.data_sets import embedded_corpus

    typer.echo(embedded_corpus(options.cache_folder(), workers, options.reporter()))
    if contact_sheet is not None:
        from bench.embedded.contact_sheet import write_contact_sheet

        write_contact_sheet(contact_sheet)


def weights_command(
    folder: Annotated[Path, typer.Argument(help="Folder that receives the weights and their cards.")],
    only: Annotated[str, typer.Option(help="Names, comma separated; empty for everything that ships.")] = "",
    workers: Annotated[int, typer.Option(min=1, help="Trainings at a time, in processes.")] = options.CORES,
) -> None:
    """Train again everything that ships: the generators of the corpus and what small networks start from."""
    from bench.embedded.pretraining import all_weights

    chosen = options.names(only)
    for name in chosen:
        options.require_one_of("weights", name, all_weights.names())
    with options.reporter().stages() as report:
        all_weights.train_all(folder, chosen or None, report, workers=workers)
