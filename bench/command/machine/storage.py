"""Where Lineup keeps things: the cache folder, the folder of released checkpoints, and the room that is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile

from bench.command.machine.findings import FindingState, MachineFinding

TOPIC, WEIGHTS = "Storage", "Weights"
FULL, NEARLY_FULL = 0.5, 5.0  # GB that are free


def examine_storage(cache: Path, results: Path) -> Iterator[MachineFinding]:
    """The cache folder, its locks, and the room there and where results are written."""
    there = next(path for path in (cache.absolute(), *cache.absolute().parents) if path.exists())
    yield from _writing(cache, there)
    for name, folder in {"disk of the cache": there, "disk of this folder": results}.items():
        free = shutil.disk_usage(folder).free / 1e9
        text = f"{free:,.1f} GB free"
        if free < NEARLY_FULL:
            state: FindingState = "problem" if free < FULL else "note"
            yield MachineFinding(TOPIC, name, state, text, "make room: `lineup cache prune --older-than 30d` may help")
        else:
            yield MachineFinding(TOPIC, name, "ok", text)


def _writing(cache: Path, there: Path) -> Iterator[MachineFinding]:
    """Whether the cache folder, or where it would be made, can be written and has locks."""
    from bench.platform.locks import take_lock

    choose = "choose another folder with LINEUP_CACHE"
    if not there.is_dir():
        yield MachineFinding(TOPIC, "cache", "problem", f"{cache}: {there} is no folder", choose)
        return
    try:
        with NamedTemporaryFile(dir=there, prefix=".lineup-doctor-") as file:
            lock = take_lock(Path(file.name))
            lock.release()
    except OSError as error:
        yield MachineFinding(
            TOPIC, "cache", "problem", f"{cache} cannot be written ({error.strerror or error})", choose
        )
        return
    if there != cache.absolute():
        yield MachineFinding(TOPIC, "cache", "ok", f"{cache} will be made")
    else:
        from bench.engine.caching.inventory import take_inventory

        entries = take_inventory(cache).entries
        size = sum(one.bytes for one in entries) / 1e6
        yield MachineFinding(TOPIC, "cache", "ok", f"{cache}: {size:,.0f} MB, can be written")
    yield from _afar(cache)
    if lock.fault:
        advice = "start one command at a time on this cache, or choose a folder on a local disk with LINEUP_CACHE"
        yield MachineFinding(TOPIC, "locks", "note", f"its file system has none ({lock.fault})", advice)
    else:
        yield MachineFinding(TOPIC, "locks", "ok", "work")


def _afar(cache: Path) -> Iterator[MachineFinding]:
    """The store behind the cache, which is asked, and what is kept of remote images."""
    from bench.storage.image_cache import ImageCache
    from bench.storage.object_store import ObjectStore, StoreFault
    from bench.storage.working_copy import store_of

    yield MachineFinding(TOPIC, "remote images", "ok", f"{ImageCache.of(cache).text} (LINEUP_IMAGE_CACHE)")
    if url := store_of(cache):
        try:
            ObjectStore(url, pauses=(0.5,)).infos("agreements")
        except StoreFault as fault:
            yield MachineFinding(TOPIC, "store", "problem", *str(fault).rsplit("; ", 1))
        else:
            yield MachineFinding(TOPIC, "store", "ok", f"{url} answers")


def examine_weights(folder: Path) -> Iterator[MachineFinding]:
    """Which released checkpoints lie in the folder, known by their contents."""
    from detectors.weights.released import files_below, find_checkpoint, released_checkpoints

    files = files_below(folder)
    entries = released_checkpoints()
    found = {entry: find_checkpoint(entry.detector, entry.name, folder, files) for entry in entries}
    there = [entry for entry, one in found.items() if not one.missing]
    state: FindingState = "ok" if there else "note"
    text = f"{len(there)} of {len(entries)} released checkpoints in {folder}"
    advice = (
        "" if there else "`lineup weights list` says where each is to be had; no run on the small setting needs any"
    )
    yield MachineFinding(WEIGHTS, "checkpoints", state, text, advice)
    for entry in there:
        known = "as the registry has it" if entry.sha256 else "which the registry has no digest of"
        yield MachineFinding(WEIGHTS, entry.title, "ok", f"{found[entry].path}, {known}")
