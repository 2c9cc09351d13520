"""Runs as arguments of commands: a result folder, or what a run is called."""

from __future__ import annotations

from pathlib import Path


def run_folder(text: str) -> Path:
    """The result folder that an argument means. Raises `InputError` where no run or several are called so."""
    from bench.request.run_folders.finding import find_run

    return find_run(text)
