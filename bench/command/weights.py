"""`lineup weights`: the files of weights that detectors read, and those that ship."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options

if TYPE_CHECKING:
    from bench.platform.downloads import Download
    from detectors.weights.released import Checkpoint

MISSING, UNKNOWN = "MISSING", "?"
HEADER = ("checkpoint", "size", "where it is", "where it is to be had")
MIB = 1 << 20

app = typer.Typer(help="The files of weights that detectors read: list, get, or train again what ships.")


@app.command("list")
def list_command(weights_dir: options.WeightsDir = None) -> None:
    """List the released checkpoints that Lineup knows: size, whether it is there, and where it is to be had."""
    from tabulate import tabulate

    from detectors.weights.released import find_checkpoint, released_checkpoints

    folder = options.weights_folder(weights_dir)
    entries = released_checkpoints()
    found = [find_checkpoint(entry.detector, entry.name, folder) for entry in entries]
    rows = [
        (entry.title, _size_text(entry.bytes), MISSING if one.missing else str(one.path), _source(entry))
        for entry, one in zip(entries, found, strict=True)
    ]
    typer.echo(tabulate(rows, HEADER, tablefmt="simple", disable_numparse=True))
    known = [entry.bytes for entry in entries if entry.bytes]
    missing = sum(bool(one.missing) for one in found)
    typer.echo(
        f"{len(entries)} checkpoints, {missing} missing; {_size_text(sum(known))} in the {len(known)} of known size. "
        f"Files are looked for in {folder}, one of a known digest under any name."
    )


@app.command("get")
def get_command(
    names: Annotated[list[str], typer.Argument(help="DETECTOR@CHECKPOINT, as `lineup weights list` names them.")],
    weights_dir: options.WeightsDir = None,
) -> None:
    """Download released checkpoints, checked by their digests. Exits with 1 where one could not be had."""
    from detectors.weights.released import released_checkpoints

    by_title = {entry.title: entry for entry in released_checkpoints()}
    for name in names:
        options.require_one_of("checkpoint", name, tuple(by_title))
    folder = options.weights_folder(weights_dir)
    failures = [failure for name in names if (failure := _get(by_title[name], folder))]
    for failure in failures:
        typer.echo(f"lineup: {failure}", err=True)
    if failures:
        raise typer.Exit(1)


@app.command("make")
def make_command(
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


def _get(entry: Checkpoint, folder: Path) -> str:
    """Download one checkpoint unless it is there. Returns why it could not be had; empty where it is there."""
    from bench.platform.downloads import NotDownloaded, fetch
    from detectors.weights.released import find_checkpoint, where_to_put

    found = find_checkpoint(entry.detector, entry.name, folder)
    if not found.missing:
        typer.echo(f"{entry.title} is there: {found.path}")
        return ""
    path, reasons = entry.path(folder), []
    for wanted in _downloads(entry):
        try:
            with options.reporter().stages() as report:
                digest = fetch(wanted, path, lambda done, total: report(entry.title, done, total))
        except NotDownloaded as error:
            reasons.append(str(error))
            continue
        checked = "as the registry has it" if entry.sha256 else "which the registry does not know"
        typer.echo(f"{entry.title}: {path}, sha256 {digest}, {checked}")
        return ""
    where = "; ".join(reasons) or "it can be had from no address without an account"
    return f"{entry.title} could not be had ({where}): {where_to_put(entry, folder)}"


def _downloads(entry: Checkpoint) -> Iterator[Download]:
    """The addresses of a checkpoint, its authors' own first."""
    from bench.platform.downloads import Download

    if entry.url:
        yield Download(entry.url, entry.sha256)
    if entry.hub:
        from huggingface_hub import get_token, hf_hub_url

        owner, name, path = entry.hub.split("/", 2)
        token = get_token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        yield Download(hf_hub_url(f"{owner}/{name}", path), entry.sha256, headers)


def _source(entry: Checkpoint) -> str:
    """Where a checkpoint is to be had, in short."""
    return entry.url or (f"hub {entry.hub}" if entry.hub else f"see {entry.page}")


def _size_text(size: int | None) -> str:
    if size is None:
        return UNKNOWN
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size / 1024:.1f} KiB"
