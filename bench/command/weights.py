"""`lineup weights`: the files of weights that detectors read, and those that ship."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document, print_table
from bench.platform.outside.terminal import say

if TYPE_CHECKING:
    from detectors.weight_file import WeightFile
    from detectors.weights.released import Checkpoint, FoundCheckpoint

MISSING, UNKNOWN = "MISSING", "?"
CHECKPOINTS = ("checkpoint", "size", "where it is", "where it is to be had")
STARTS = ("weights that paper settings start from", "where they are", "of")
MIB = 1 << 20

app = typer.Typer(help="The files of weights that detectors read: list, get, or train again what ships.")


@app.command("list")
def list_command(weights_dir: options.WeightsDir = None, as_json: Json = False) -> None:  # noqa: FBT002 - a switch
    """List released checkpoints, and what paper settings start from: size, whether it is there, where it can be had."""
    from detectors.weights.released import files_below, find_checkpoint, released_checkpoints

    folder = options.weights_folder(weights_dir)
    entries, files = released_checkpoints(), files_below(folder)
    found = [find_checkpoint(entry.detector, entry.name, folder, files) for entry in entries]
    starts = _starting_weights()
    if as_json:
        print_document(_document(folder, dict(zip(entries, found, strict=True)), starts))
        return
    rows = [
        (entry.title, _size_text(entry.bytes), MISSING if one.missing else str(one.path), entry.source)
        for entry, one in zip(entries, found, strict=True)
    ]
    print_table(CHECKPOINTS, rows)
    known = [entry.bytes for entry in entries if entry.bytes]
    missing = sum(bool(one.missing) for one in found)
    say(
        f"{len(entries)} checkpoints, {missing} missing; {_size_text(sum(known))} in the {len(known)} of known size. "
        f"Files are looked for in {folder}, one of a known digest under any name."
    )
    texts = [
        (title, MISSING if file.availability() == "missing" else "in the download folders", ", ".join(detectors))
        for title, (file, detectors) in starts.items()
    ]
    say("")
    print_table(STARTS, texts)
    say("They are downloaded from the Hugging Face hub at first use, or by `lineup weights get`.")


def _document(
    folder: Path, found: Mapping[Checkpoint, FoundCheckpoint], starts: Mapping[str, tuple[WeightFile, list[str]]]
) -> dict[str, object]:
    """The list as JSON has it: null for a size or a path that there is not."""
    told = ("title", "detector", "bytes", "sha256", "source", "licence")
    return {
        "folder": folder,
        "checkpoints": [
            {name: getattr(entry, name) or None for name in told}
            | {"path": None if one.missing else one.path, "missing": one.missing or None}
            for entry, one in found.items()
        ],
        "starts": [
            {"title": title, "state": file.availability(), "detectors": detectors}
            for title, (file, detectors) in starts.items()
        ],
    }


@app.command("get")
def get_command(
    names: Annotated[list[str], typer.Argument(help="Names as `lineup weights list` has them.")],
    weights_dir: options.WeightsDir = None,
) -> None:
    """Download weights, released checkpoints checked by their digests. Exits with 1 where one could not be had."""
    from detectors.weights.released import released_checkpoints

    folder = options.weights_folder(weights_dir)
    ways = {entry.title: partial(_get, entry, folder) for entry in released_checkpoints()}
    ways |= {title: partial(_get_start, file) for title, (file, _) in _starting_weights().items()}
    for name in names:
        options.require_one_of("weights", name, tuple(ways))
    failures = [failure for name in names if (failure := ways[name]())]
    for failure in failures:
        say(f"lineup: {failure}", on_error_stream=True)
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
    from detectors.weights.released import find_checkpoint, get_checkpoint

    before = find_checkpoint(entry.detector, entry.name, folder)
    if not before.missing:
        say(f"{entry.title} is there: {before.path}; {_terms(entry)}")
        return ""
    with options.reporter().stages(in_bytes=True) as report:
        found = get_checkpoint(entry, folder, lambda name, done, total: report(f"{entry.title} {name}", done, total))
    if not found.missing:
        checked = "as the registry has it" if entry.sha256 else "which the registry does not know"
        say(f"{entry.title}: {found.path}, sha256 {found.sha256}, {checked}; {_terms(entry)}")
    return found.missing


def _terms(entry: Checkpoint) -> str:
    """What a user has to know of a checkpoint."""
    return f"licence: {entry.licence}; trained on: {entry.training}"


def _get_start(file: WeightFile) -> str:
    """Download what a paper setting starts from. Returns why it could not be had; empty where it is there."""
    from detectors.api import Unavailable

    try:
        found = file.get()
    except Unavailable as error:
        return str(error)
    say(f"{file.title}: {found.path}, sha256 {found.sha256}")
    return ""


def _starting_weights() -> dict[str, tuple[WeightFile, list[str]]]:
    """The weights that recipes start from in their paper setting, by title, with the detectors that do."""
    from detectors import catalogue

    found: dict[str, tuple[WeightFile, list[str]]] = {}
    for name in catalogue.names():
        for file in catalogue.recipe(name, "paper").weight_files():
            found.setdefault(file.title, (file, []))[1].append(name)
    return dict(sorted(found.items()))


def _size_text(size: int | None) -> str:
    if size is None:
        return UNKNOWN
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size / 1024:.1f} KiB"
