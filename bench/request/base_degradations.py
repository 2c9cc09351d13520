"""Arms of a run: the same question with every image brought to one encoding first, and without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bench.platform.errors import InputError
from bench.request.run_request import RunRequest
from protocols.degradations import UnknownDegradation, degradation


def in_arms(request: RunRequest, arms: Sequence[str]) -> list[RunRequest]:
    """One request per arm; several go into folders of their own below OUT. Raises `InputError` for an unknown arm."""
    try:
        names = list(dict.fromkeys(degradation(arm).name for arm in arms))
    except UnknownDegradation as error:
        raise InputError(str(error)) from error
    if not names:
        msg = "no arm was named; give none, canonical:jpeg96, or both, comma separated"
        raise InputError(msg)
    if len(names) == 1:
        return [replace(request, arm=names[0])]
    return [replace(request, arm=name, out=request.out / re.sub(r"[^\w.-]+", "-", name)) for name in names]
