"""What is around a call of the interface: folders that the environment names, progress, and errors in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from bench.platform.errors import InputError
from bench.platform.printable import parse_size

if TYPE_CHECKING:
    from bench.engine.caching.working_cache import WorkingCache
    from bench.platform.progress import Reporter

CORES = os.cpu_count() or 1
# onnxruntime would write an identity of this machine into the user's home, and tell its makers of its use
TELLING_NOBODY = {"ORT_DISABLE_TELEMETRY": "1"}
KEPT = "interrupted; what was finished is kept, and the same call goes on from there"


def cache_folder() -> Path:
    """The cache folder: LINEUP_CACHE, or lineup in the user's cache folder.

    Where LINEUP_CACHE is the URL of a store, it is a folder of this machine that works in front of the store.

    Raises:
        InputError: The URL has a password, or the folder cannot be made.
    """
    from bench.storage.working_copy import place_of

    if chosen := os.environ.get("LINEUP_CACHE"):
        return place_of(_usual_cache(), chosen, "cache")
    return _usual_cache()


def local_folder() -> Path:
    """The cache folder of this machine, whatever store is behind the cache."""
    from bench.storage.connection import is_store

    return _usual_cache() if is_store(os.environ.get("LINEUP_CACHE", "")) else cache_folder()


def _usual_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineup"


def weights_folder(chosen: Path | None = None) -> Path:
    """The folder of released checkpoints: the chosen one, LINEUP_WEIGHTS, or weights in the cache folder."""
    if chosen is not None:
        return chosen
    named = os.environ.get("LINEUP_WEIGHTS")
    return Path(named) if named else local_folder() / "weights"


def result_folder(text: str) -> Path:
    """The folder for results that a path means, or the URL of a store: then the copy that is published on it.

    Raises:
        InputError: The URL has a password, or the folder cannot be made.
    """
    from bench.storage.working_copy import place_of

    return place_of(local_folder(), text, "results")


def fetched_folder(url: str) -> Path:
    """The results at the URL of a store, fetched for reading alone. Raises `InputError`."""
    from bench.storage.publishing import reading_copy
    from bench.storage.working_copy import working_copy

    return reading_copy(working_copy(local_folder(), url, "read"), url)


def image_limit() -> int | None:
    """How many bytes of remote images this machine keeps: LINEUP_IMAGE_CACHE; None where it says nothing.

    Raises:
        InputError: It is no size.
    """
    if not (text := os.environ.get("LINEUP_IMAGE_CACHE", "")):
        return None
    if (size := parse_size(text)) is None:
        msg = f"LINEUP_IMAGE_CACHE is {text!r}, which is no size; give one such as 20GB, or 0 to keep no remote images"
        raise InputError(msg)
    return size


def reporter(*, progress: bool = True) -> Reporter:
    """Progress on the error stream: bars on a terminal and in a notebook, quiet lines elsewhere; or none at all."""
    import io

    from rich.console import Console

    from bench.platform.outside.console import PlainConsole
    from bench.platform.outside.notebooks import NotebookBar, in_notebook
    from bench.platform.progress import Reporter

    if not progress:
        return Reporter(Console(file=io.StringIO(), quiet=True))
    if in_notebook():
        return Reporter(PlainConsole(stderr=True, lines_alone=True), (NotebookBar(),), notes=False)
    return Reporter(PlainConsole(stderr=True))


@contextmanager
def held_cache(reporter: Reporter, *, reading: bool = False) -> Iterator[WorkingCache]:
    """The cache folder, or where it cannot be written what stands in for it, while the context lasts.

    Whatever computes does so within; no library that it loads tells its makers of its use, unless the user has it so.

    Args:
        reporter: Tells what stands in for it.
        reading: Whether nothing will be written.

    Raises:
        InputError: It is no folder.
    """
    from bench.engine.caching.working_cache import working_cache

    for name, value in TELLING_NOBODY.items():  # before anything that computes is imported
        os.environ.setdefault(name, value)
    with (
        working_cache(cache_folder(), reporter.say, reading=reading) as cache,
        nullcontext() if reading else _written(cache, reporter),
    ):
        yield cache


@contextmanager
def _written(cache: WorkingCache, reporter: Reporter) -> Iterator[None]:
    """A cache that is written: in the state that the environment asks for, and in step with the store behind it."""
    from bench.engine.caching.shared_files import SharedFiles
    from bench.storage.image_cache import set_limit

    set_limit(cache.path, image_limit() if cache.path == cache_folder() else 0)  # what passes keeps no images
    with SharedFiles.of(cache.path).in_step() as count:
        if count:
            reporter.say(f"Published {count:,} files of the cache that an earlier command left")
        yield


@contextmanager
def one_kind_of_error() -> Iterator[None]:
    """A context in which whatever a user can mend is an `InputError`, with the line that the command would print."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        from detectors.catalogue import UnknownName  # what the command line only prints needs no detector

        if not isinstance(error, UnknownName | OSError):
            raise
        raise InputError(" ".join(str(error).split())) from error


@contextmanager
def going_on_when_interrupted() -> Iterator[None]:
    """A context in which a `KeyboardInterrupt` says that nothing of what was finished is lost."""
    try:
        yield
    except KeyboardInterrupt as interrupted:
        raise KeyboardInterrupt(KEPT) from interrupted
