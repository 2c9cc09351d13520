"""Runs as arguments of commands: a result folder, or what a run is called."""

from __future__ import annotations

from pathlib import Path

from bench.interface import surroundings
from bench.platform.errors import InputError
from bench.storage.connection import is_store


def run_folder(text: str) -> Path:
    """The result folder that an argument means, for reading: of one on a store, what was fetched of it now.

    Raises:
        InputError: No run or several are called so, or the store does not answer well.
    """
    if is_store(text):
        return surroundings.fetched_folder(text)
    return own_run_folder(text)


def own_run_folder(text: str) -> Path:
    """The result folder that an argument means, on this machine. Raises `InputError` where none or several do."""
    if is_store(text):
        msg = f"{text} is on a store, and this command changes what is on this machine; give a folder"
        raise InputError(msg)
    if Path(text).is_dir():  # it needs nothing of what knows runs by their names, which takes its time to import
        return Path(text)
    from bench.request.run_folders.finding import find_run

    return find_run(text)
