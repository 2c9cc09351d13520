"""The command line as a test runs it: in this process, which has the libraries loaded, or in one of its own.

Both leave the baselines out of a run, for speed, unless a test asks for them, and give exit code and what was printed.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from bench.command.main import main

Done = subprocess.CompletedProcess


def call(environment: Mapping[str, str], *arguments: object) -> Done:
    """Call the command in this process. A warning, which a user would see, is a fault here as in any test."""
    given, out, err, code = _given(arguments), io.StringIO(), io.StringIO(), 0
    with (
        patch.dict(os.environ, environment),
        patch.object(sys, "argv", ["lineup", *given]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code or 0
    return Done(given, code, out.getvalue(), err.getvalue())


def start(environment: Mapping[str, str], *arguments: object) -> Done:
    """Start the command as a process and wait for it."""
    given = _given(arguments)
    return subprocess.run(
        [sys.executable, "-m", "bench", *given],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def _given(arguments: tuple[object, ...]) -> list[str]:
    baselines = () if arguments[0] != "run" or "--baselines" in arguments else ("--no-baselines",)
    return [str(one) for one in (*arguments, *baselines)]


def one_line(done: Done) -> str:
    """The only line that a refused command prints."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("lineup: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]
