"""Base degradations of a run: the same question with every image brought to one encoding first, and without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bench.platform.errors import InputError
from bench.request.run_request import RunRequest
from protocols.degradations import UnknownDegradation, parse_degradation


def with_base_degradations(request: RunRequest, chains: Sequence[str]) -> list[RunRequest]:
    """One request per chain; those of several go into folders of their own below OUT.

    Raises:
        InputError: No chain was given, or one is not known.
    """
    try:
        names = list(dict.fromkeys(parse_degradation(chain).name for chain in chains))
    except UnknownDegradation as error:
        raise InputError(str(error)) from error
    if not names:
        msg = "no base degradation was named; give none, canonical:jpeg96, or both, comma separated"
        raise InputError(msg)
    if len(names) == 1:
        return [replace(request, base_degradation=names[0])]
    folders = [request.out / re.sub(r"[^\w.-]+", "-", name) for name in names]
    return [replace(request, base_degradation=name, out=out) for name, out in zip(names, folders, strict=True)]
