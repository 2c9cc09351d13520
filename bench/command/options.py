"""What commands share: options that several take, and how their texts are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.platform.errors import InputError

if TYPE_CHECKING:
    from bench.platform.progress import Reporter

Detectors = Annotated[str, typer.Option(help="Names, comma separated, or 'all' that are installed.")]
Real = Annotated[str, typer.Option(help="Folder or URL of real images, for data that holds none.")]
Limit = Annotated[int | None, typer.Option(min=2, help="Images per generator, split and class, at most.")]
Workers = Annotated[int, typer.Option(min=1, help="CPU threads that read, decode and prepare.")]
CORES = os.cpu_count() or 1
FORMERLY = "embedded"  # what the setting "small" was called: now the name of the corpus alone
Seeds = Annotated[str, typer.Option("--seed", help="Training seed, or several, comma separated.")]


def names(text: str) -> tuple[str, ...]:
    """The parts of a text between commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers between commas, each once. Raises `InputError` for anything else."""
    parts = names(text)
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        msg = f"seed {text!r} is not a whole number or several, comma separated; give 0 or 0,1,2"
        raise InputError(msg)
    return tuple(dict.fromkeys(int(part) for part in parts))


def cache_folder() -> Path:
    """The cache folder: LINEUP_CACHE, or lineup in the user's cache folder."""
    if chosen := os.environ.get("LINEUP_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineup"


def reporter() -> Reporter:
    """Progress on the terminal's error stream."""
    from rich.console import Console

    from bench.platform.progress import Reporter

    return Reporter(Console(stderr=True))


def known_setting(given: str, choices: tuple[str, ...]) -> None:
    """Raise `InputError` unless `given` is one of the settings; who gives the former name of one is told the new."""
    if given == FORMERLY:
        msg = f"setting {FORMERLY!r} is called 'small' now; choose {', '.join(choices)}"
        raise InputError(msg)
    one_of("setting", given, choices)


def one_of(what: str, given: str, choices: tuple[str, ...]) -> None:
    """Raise `InputError` unless `given` is one of the choices."""
    if given not in choices:
        msg = f"{what} {given!r} is not known; choose {', '.join(choices)}"
        raise InputError(msg)
