"""`lineup new`: files to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.platform.errors import InputError

app = typer.Typer(help="Write a file to begin with.", no_args_is_help=True)
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
    """Write a file to begin with."""


@app.command("protocol")
def protocol_command(
    path: Annotated[Path, typer.Argument(help="The file to write, such as mine.toml.")],
) -> None:
    """Write a protocol in TOML that runs as it is, with every part explained."""
    from protocols.api import AXES
    from protocols.file_protocol import SUFFIX

    if path.suffix != SUFFIX:
        msg = f"{path} does not end in {SUFFIX}; call it {path.name}{SUFFIX}"
        raise InputError(msg)
    if path.exists():
        msg = f"{path} is there already; choose another name, or take it away"
        raise InputError(msg)
    path.write_text(PROTOCOL.format(path=path, axes=", ".join(AXES)), encoding="utf-8")
    typer.echo(f"Written: {path}. Run it with: lineup run --protocol {path}")
