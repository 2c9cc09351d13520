"""Lines on the terminal: what others wrote is shown with its control characters escaped, so that none is obeyed."""

from __future__ import annotations

import json
import re

import typer

from bench.platform.printable import printable

LONGEST_WORD = 400  # characters: no path that a person wrote is longer
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


def say(text: str, *, on_error_stream: bool = False) -> None:
    """Print a text and a line end, its control characters escaped but for line ends."""
    typer.echo("\n".join(map(printable, text.split("\n"))), err=on_error_stream)


def say_json(document: str) -> None:
    """Print JSON and a line end; control characters are written as its own escapes, so that it says the same."""
    typer.echo("".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in document))


def complain(fault: object) -> None:
    """Print a fault in one line on the error stream, its very long words cut in the middle."""
    line = f"lineup: {' '.join(str(fault).split())}"
    say(_LONG_WORD.sub(lambda word: f"{word[0][:150]}...{word[0][-50:]}", line), on_error_stream=True)
