"""`lineup serve`: a run that goes on, or has finished, in a browser on this machine."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from bench.command.runs.places import run_folder
from bench.platform.outside.interruption import Interrupted
from bench.platform.outside.terminal import say

DEFAULT_PORT = 8765

ServedRun = Annotated[
    Path, typer.Argument(help="Result folder or name of a run; an empty folder waits for its run.", parser=run_folder)
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any that is free.")]


def serve_command(run: ServedRun, port: Port = DEFAULT_PORT) -> None:
    """Show a run while it goes on, or a finished one, in a browser on this machine alone. Ctrl-C ends it.

    It reads the folder of the run and changes nothing there; the run need not know of it.
    """
    from bench.live.run_reader import require_run
    from bench.live.server import LiveServer

    require_run(run)
    with LiveServer(run, port) as server:
        waiting = ", which is empty: waiting for a run to be planned there" if not any(run.iterdir()) else ""
        say(f"Serving {run} at {server.url}{waiting}; Ctrl-C ends it")
        try:
            server.serve_forever()
        except Interrupted as interruption:
            if interruption.number != signal.SIGINT:
                raise
            say("Serving has ended; a run that goes on is not touched")
