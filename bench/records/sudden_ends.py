"""Calls of detectors that ended a run in the middle, in `sudden_ends.json` of the result folder: when to stop trying.

A call that ends the process twice would do so for ever. It is given up then: its cells fail, and the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.platform.files import write_atomically
from bench.platform.outside.json_text import parse_json

SUDDEN_ENDS = "sudden_ends.json"
MOST = 2  # sudden ends after which a call is given up


def add_sudden_end(root: Path, calls: Iterable[str], how: str, *, at_once: bool = False) -> None:
    """Remember one.

    Args:
        root: The result folder.
        calls: What was called then: one of them ended the process.
        how: How it ended, in words.
        at_once: Whether the one call is given up now, as it is known to be the reason.
    """
    calls = sorted(calls)
    ends = [*_read(root), *[{"calls": calls, "how": how}] * (MOST if at_once and len(calls) == 1 else 1)]
    text = json.dumps(ends, indent=1)
    write_atomically(root / SUDDEN_ENDS, lambda path: path.write_text(text, encoding="utf-8"))


def calls_given_up(root: Path) -> dict[str, str]:
    """The calls that are not tried any more, and why.

    One that ran beside others is no proof: a call is given up after `MOST` ends, at one of which it was alone.
    """
    ends = _read(root)
    found = {}
    for call in dict.fromkeys(call for end in ends for call in end["calls"]):
        own = [end for end in ends if call in end["calls"]]
        if len(own) >= MOST and any(end["calls"] == [call] for end in own):
            again = f"delete {root / SUDDEN_ENDS} to have it tried again"
            found[call] = f"the process {own[-1]['how']} during {call} in {len(own)} runs; {again}"
    return found


def has_sudden_ends(root: Path) -> bool:
    """Whether a run of this folder ended in the middle, by what it called: what runs alone next time is found."""
    return bool(_read(root))


def _read(root: Path) -> list[Mapping[str, Any]]:
    """The sudden ends; none where there is no file, or a damaged one."""
    try:
        found = parse_json((root / SUDDEN_ENDS).read_bytes())
        return [
            end for end in found if isinstance(end["how"], str) and all(isinstance(one, str) for one in end["calls"])
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []
