"""The start of the command `lineup`: it makes sure that `bench`, `detectors` and `protocols` are Lineup's own.

Other packages and many people's own folders have these names. Whichever comes first on Python's path would be run, or
half of it, so this module looks before anything of theirs is imported.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.platform.processes.supervision import SuddenEnd

PACKAGES = ("bench", "detectors", "protocols")
HOME = Path(__file__).parents[1]
# arguments that run nothing; a shell that completes a line gives none
QUICK: tuple[list[str], ...] = ([], ["--help"], ["--version"])
MARK = '"""Lineup'  # how the first file of each of them begins


def collision(home: Path = HOME) -> str:
    """The line that names a package that is not Lineup's own; empty where there is none.

    Args:
        home: The folder in which this distribution's packages lie side by side.
    """
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(next(iter(spec.submodule_search_locations or ()), spec.origin or "")) if spec else None
        if found is None or found.resolve() != (home / name).resolve():
            where = f"lies in {found}" if found else "is missing"
            return (
                f"Lineup's package {name!r} lies in {home / name}, but the one that Python finds {where}: "
                "take that one off PYTHONPATH, or install lineup-bench into an environment of its own"
            )
        start = found / "__init__.py"
        if not start.is_file() or not start.read_text(encoding="utf-8", errors="replace").startswith(MARK):
            return (
                f"the package {name!r} in {home} was overwritten by another distribution with a package of that name: "
                "install lineup-bench into an environment of its own"
            )
    return ""


def main() -> None:
    """Run the command line under the eyes of another process, unless it runs nothing.

    Exits with code 2 where another package is in its way.
    """
    if line := collision():
        sys.stderr.write(f"lineup: {line}\n")
        sys.exit(2)
    if sys.argv[1:] in QUICK:
        command()
        return
    from bench.platform.processes.supervision import supervise

    supervise(command, _remember)


def command() -> None:
    """Run the command line in this process."""
    try:
        from bench.command.main import main
    except KeyboardInterrupt:  # while it was imported
        sys.stderr.write("lineup: interrupted by SIGINT; nothing was begun\n")
        sys.exit(130)
    main()


def _remember(end: SuddenEnd) -> None:
    """Note in the result folder which call ended the process."""
    from bench.records.sudden_ends import add_sudden_end
    from detectors.isolation.calls import STUCK

    with suppress(OSError):  # a full disk: the line is printed
        add_sudden_end(Path(end.folder), end.calls, end.how, at_once=end.code == STUCK)
