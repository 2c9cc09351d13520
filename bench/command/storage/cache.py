"""`lineup cache`: what the cache folder holds and for whom, and taking away what is not used."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document, print_table
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say
from bench.platform.printable import UNITS, parse_size, printable, size_text
from bench.storage.image_cache import ImageCache
from bench.storage.working_copy import store_of

if TYPE_CHECKING:
    from bench.engine.caching.inventory import CacheEntry, Inventory
    from bench.engine.caching.use_records import RunUse

WHAT = ("what", "for", "entries", "files", "size", "last used", "in use")
RUNS = ("result folder", "protocol", "data", "size", "last used", "state")
ENTRY_KEYS = ("what", "for", "entries", "files", "bytes", "used", "in_use")  # of JSON
RUN_KEYS = ("out", "protocol", "data", "bytes", "used", "state")
SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
MAX_SHOWN = 5  # files that are not the cache's own that a line names

app = typer.Typer(help="What the cache folder holds, for whom, and pruning it.")


@app.callback(invoke_without_command=True)
def show_command(context: typer.Context, as_json: Json = False) -> None:  # noqa: FBT002
    """Show what the cache folder holds: of what kind, for whom, how much of it, and when it was used last."""
    if context.invoked_subcommand is not None:
        return
    from bench.engine.caching.inventory import take_inventory

    inventory = take_inventory(_root())
    if as_json:
        print_document(_document(inventory))
        return
    _show(inventory)


@app.command("prune")
def prune_command(
    older_than: Annotated[str, typer.Option(help="Take away what was not used for so long, as 12h, 30d or 8w.")] = "",
    keep: Annotated[str, typer.Option(help="Take away what was used longest ago, until so much is left: 20GB.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and take nothing away.")] = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Take away what was not used for long, or is more than the cache is to hold; never what a run uses.

    It costs the time of making it again, and nothing else.
    """
    from bench.engine.caching.inventory import take_inventory
    from bench.engine.caching.pruning import cache_for_pruning, entries_to_prune, prune

    if not older_than and not keep:
        msg = "lineup cache prune was not told what may go; give --older-than 30d, --keep 20GB, or both"
        raise InputError(msg)
    limits = _seconds(older_than) if older_than else None, _bytes(keep) if keep else None
    root = _root()
    if not root.is_dir():
        inventory, gone = take_inventory(root), []
    elif dry_run:
        inventory = take_inventory(root)
        gone = entries_to_prune(inventory, *limits)
    else:
        with cache_for_pruning(root):
            inventory = take_inventory(root)
            gone = prune(inventory, entries_to_prune(inventory, *limits))
    _say_pruned(inventory, gone, dry_run=dry_run, as_json=as_json)


def _root() -> Path:
    """The cache folder. Raises `InputError` where it is no folder."""
    from bench.engine.caching.working_cache import require_folder

    root = options.cache_folder()
    require_folder(root)
    return root


def _say_pruned(inventory: Inventory, gone: Sequence[CacheEntry], *, dry_run: bool, as_json: bool) -> None:
    """Print what is gone and what is left."""
    left = [one for one in inventory.entries if one not in gone]
    if as_json:
        print_document({"folder": inventory.root, "dry_run": dry_run, "gone": _rows(gone), "left": _rows(left)})
        return
    by_kind = ", ".join(f"{row['entries']} {row['what']}" for row in _rows(gone, titled=False))
    verb = "Would prune" if dry_run else "Pruned"
    typer.echo(f"{verb} {_size(gone)} of {inventory.root}{f': {by_kind}' if by_kind else ''}. Left: {_size(left)}.")
    if url := store_of(inventory.root):
        typer.echo(f"What {url} has stays there, and is fetched again where it is needed.")
    if used := [one for one in left if one.in_use]:
        typer.echo(f"In use by runs that go on, and left alone: {_size(used)}.")
    if foreign := _foreign_line(inventory):
        typer.echo(foreign)


def _show(inventory: Inventory) -> None:
    """Print what a cache holds."""
    say(f"{inventory.root}: {_size(inventory.entries)}")
    if url := store_of(inventory.root):
        say(f"It works in front of {url}, which has more: what is pruned here is fetched again.")
    if (images := ImageCache.of(inventory.root)).folder.is_dir():
        say(f"{images.text} (LINEUP_IMAGE_CACHE).")
    if rows := _rows(inventory.entries):
        shown = [(*list(row.values())[:4], *_amounts(row), "yes" if row["in_use"] else "") for row in rows]
        print_table(WHAT, shown, fixed=2)
    if runs := _runs(inventory):
        print_table(RUNS, [(*list(run.values())[:3], *_amounts(run), run["state"]) for run in runs])
    if foreign := _foreign_line(inventory):
        say(foreign)


def _amounts(row: Mapping[str, Any]) -> tuple[str, str]:
    """Size and age of a row."""
    return size_text(row["bytes"]), _age(row["used"])


def _document(inventory: Inventory) -> dict[str, Any]:
    """The same as JSON: sizes in bytes, times in UTC."""
    dated = [{**row, "used": _iso(row["used"])} for row in _rows(inventory.entries)]
    runs = [{**run, "used": _iso(run["used"])} for run in _runs(inventory)]
    return {
        "folder": str(inventory.root),
        "store": store_of(inventory.root),
        "bytes": sum(one.bytes for one in inventory.entries),
        "entries": dated,
        "runs": runs,
        "foreign": dict(inventory.foreign),
    }


def _rows(entries: Iterable[CacheEntry], *, titled: bool = True) -> list[dict[str, Any]]:
    """Entries of one kind that are for the same, together."""
    groups: dict[tuple[str, str], list[CacheEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.kind, entry.title if titled else ""].append(entry)
    rows = [
        (
            *(kind, title, len(group), sum(len(one.files) for one in group), sum(one.bytes for one in group)),
            *(max(one.used for one in group), any(one.in_use for one in group)),
        )
        for (kind, title), group in sorted(groups.items())
    ]
    return [dict(zip(ENTRY_KEYS, row, strict=True)) for row in rows]


def _runs(inventory: Inventory) -> list[dict[str, Any]]:
    """The runs that are recorded, the last one first."""
    rows = [
        (use.out, use.protocol, use.data, _bytes_of(inventory, use), use.last, _state(use, going_on=known.going_on))
        for known in reversed(inventory.uses)
        if (use := known.use)
    ]
    return [dict(zip(RUN_KEYS, row, strict=True)) for row in rows]


def _bytes_of(inventory: Inventory, use: RunUse) -> int:
    """The size of what a run used, as far as it is recorded."""
    return sum(one.bytes for one in inventory.entries if use.out in one.outs)


def _state(use: RunUse, *, going_on: bool) -> str:
    if going_on:
        return "goes on"
    return "ended" if Path(use.out).is_dir() else "ended, folder gone"


def _foreign_line(inventory: Inventory) -> str:
    """The files that are not the cache's own; empty where there are none."""
    if not inventory.foreign:
        return ""
    names = list(inventory.foreign)
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return printable(f"Not of this version's cache, and left alone: {', '.join(names[:MAX_SHOWN])}{more}.")


def _size(entries: Iterable[CacheEntry]) -> str:
    entries = list(entries)
    return f"{size_text(sum(one.bytes for one in entries))} in {sum(len(one.files) for one in entries):,} files"


def _age(when: float) -> str:
    """How long ago a time was, in the largest unit of which it is one or more."""
    seconds = max(0.0, time.time() - when)
    names = {"d": "d", "h": "h", "m": "min"}
    unit = next((one for one in names if seconds >= SECONDS[one]), "")
    return f"{seconds // SECONDS[unit]:.0f} {names[unit]} ago" if unit else "now"


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds")


def _seconds(text: str) -> float:
    """A length of time. Raises `InputError` for anything else."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([A-Za-z])", text.strip(), re.ASCII)
    if match is None or match[2] not in SECONDS:
        msg = (
            f"--older-than {text!r} is not understood; give a number with {', '.join(SECONDS)}, such as 12h, 30d or 8w"
        )
        raise InputError(msg)
    return float(match[1]) * SECONDS[match[2]]


def _bytes(text: str) -> int:
    """A size. Raises `InputError` for anything else."""
    if (size := parse_size(text)) is None:
        msg = f"--keep {text!r} is not understood; give a number with {', '.join(UNITS[1:])}, such as 20GB"
        raise InputError(msg)
    return size
