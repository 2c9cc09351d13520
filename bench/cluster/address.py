"""Which cluster a run asks for, from a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bench.platform.errors import InputError

ClusterKind = Literal["auto", "ray", "local"]
MOST_NODES = 10_000  # of `local:N`, which a rehearsal asks for without starting any


@dataclass(frozen=True)
class ClusterAddress:
    """The cluster that a run asks for.

    Attributes:
        kind: "auto" for the one that this machine is part of, "ray" for one at an address, "local" for one of this
            machine's own cores that is started for the run.
        text: As the user wrote it.
        nodes: Number of nodes of a local one; None for others.
    """

    kind: ClusterKind
    text: str
    nodes: int | None = None


def parse_cluster(text: str) -> ClusterAddress:
    """The cluster that a text names: "auto", "ray://HOST:PORT" or "local:N". Raises `InputError` for another text."""
    if text == "auto":
        return ClusterAddress("auto", text)
    if re.fullmatch(r"ray://[^\s/@:]+:\d{1,5}", text) or re.fullmatch(r"ray://\[[0-9a-fA-F:]+\]:\d{1,5}", text):
        return ClusterAddress("ray", text)
    if (found := re.fullmatch(r"local:(\d{1,5})", text)) and 1 <= int(found[1]) <= MOST_NODES:
        return ClusterAddress("local", text, int(found[1]))
    msg = f"--cluster {text!r} is not known; give auto, ray://HOST:PORT, or local:N for N nodes on this machine"
    raise InputError(msg)
