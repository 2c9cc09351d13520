"""`lineup new`: what a detector or a protocol of one's own begins with.

A protocol is a file of TOML, or a package where it needs code; a detector is a package. What a package begins with lies
in `starters/`: templates of its project file, its module and its test.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Annotated, Literal

import typer

from bench.platform.errors import InputError

app = typer.Typer(help="Write what a detector or a protocol of your own begins with.", no_args_is_help=True)
STARTERS = Path(__file__).parent / "starters"
NAME = re.compile("[a-z][a-z0-9_]*")  # of a module, an entry point and a row of a board
PackageKind = Literal["detector", "protocol"]
PROTOCOL = """\
# A protocol of your own. Run it with: lineup run --protocol {path}
# Every combination of a train set and a test set is a cell.

title = "Compression: train on images as they are or compressed (rows), test on both (columns)"
source = ""                            # where the question is from
rows = "train_degradation"             # the matrix that is shown: any of
columns = "degradation"                # {axes}

[train]
generators = "all"                     # all together; "each" by itself; or a list: ["ADM", "BigGAN+VQDM"]
degradations = ["none", "jpeg:50"]     # see `lineup list`; a profile, "delivery" or "mine.toml", is its list
# sizes = [100, 50]                    # images of each class, 1 or more
# contents = [["cat"], ["dog"]]        # classes of content

[test]
generators = "each"                    # or "trained": those that the detector was trained on
degradations = ["none", "jpeg:50"]

[[groups]]                             # averages: over the cells where all that follows holds, one at least
name = "as trained"
role = "home"                          # detectors are ranked by the average of role "away"
same = ["train_degradation", "degradation"]    # these axes have one value

[[groups]]
name = "otherwise"
role = "away"
differ = ["train_degradation", "degradation"]  # these have several; test may still be a part of train

[[groups]]
name = "generators that were trained on"
generators = "trained"                 # all that are tested were trained on; "unseen": none of them was

[[groups]]
name = "tested clean"
where = {{ degradation = ["none"] }}     # the values that an axis may have; a profile stands for its degradations
"""


@app.callback()
def new() -> None:
    """Write what a detector or a protocol of your own begins with."""


@app.command("detector")
def detector_command(
    path: Annotated[Path, typer.Argument(metavar="NAME", help="Its name, or a new folder that is called so.")],
) -> None:
    """Write a package with a detector that keeps the contract, and a test that says so.

    It runs as it is; its module says what to change first.
    """
    _write_package("detector", path)


@app.command("protocol")
def protocol_command(
    path: Annotated[
        Path, typer.Argument(metavar="NAME", help="The file to write, such as mine.toml; else the name of a package.")
    ],
) -> None:
    """Write a protocol that runs as it is: in TOML, with every part explained, or as a package with a class.

    Most questions need no code. A name that ends in .toml is a file.
    """
    from protocols.api import AXES
    from protocols.file_protocol import SUFFIX

    if path.suffix != SUFFIX:
        _write_package("protocol", path)
        return
    _require_new(path)
    path.write_text(PROTOCOL.format(path=path, axes=", ".join(AXES)), encoding="utf-8")
    typer.echo(f"Written: {path}. Run it with: lineup run --protocol {path}")


def _write_package(kind: PackageKind, path: Path) -> None:
    """Write a package with one entry point, and say what to do with it.

    Args:
        kind: What the package brings.
        path: Of its folder, whose name is that of the detector or protocol.

    Raises:
        InputError: It is there already, or its name is none or taken.
    """
    name = path.name
    _require_free_name(kind, path)
    _require_new(path)
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "type": "".join(part.capitalize() for part in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
    }
    path.mkdir(parents=True)
    files = {"pyproject.toml": "pyproject.toml", "module.py": f"lineup_{name}.py", "test.py": f"test_{name}.py"}
    for starter, file in files.items():
        text = (STARTERS / kind / f"{starter}.txt").read_text(encoding="utf-8")
        (path / file).write_text(Template(text).substitute(words), encoding="utf-8")
    typer.echo(f"Written: {path} with {', '.join(files.values())}")
    typer.echo(f"Install it beside Lineup:  pip install --editable {path}")
    typer.echo(f"Check the contract:        python -m pytest {path}")
    typer.echo(f"Put it on a board:         lineup run --{_option(kind, name)}")


def _option(kind: PackageKind, name: str) -> str:
    return f"detectors {name},hog_svm" if kind == "detector" else f"protocol {name}"


def _require_free_name(kind: PackageKind, path: Path) -> None:
    """Raise `InputError` for a name that Python cannot import, or that is installed already."""
    from detectors import catalogue

    name = path.name
    if not NAME.fullmatch(name):
        hint = f"; a protocol in TOML is a file such as {path.stem or 'mine'}.toml" if kind == "protocol" else ""
        msg = f"{name!r} is no name for a {kind}: small letters, digits and _ alone, a letter first{hint}"
        raise InputError(msg)
    if name in catalogue.installed(f"lineup.{kind}s"):
        msg = f"a {kind} named {name!r} is installed already; choose another name"
        raise InputError(msg)


def _require_new(path: Path) -> None:
    """Raise `InputError` for a file or folder that is there."""
    if path.exists():
        msg = f"{path} is there already; choose another name, or take it away"
        raise InputError(msg)
