"""Files that a node has written and this machine does not see yet.

NFS remembers for up to a minute (`acdirmax`) that a folder had no file of a name. A run asks for answers and fits
before it gives them out, and so may not find what a node says that it has written.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LATEST = 90.0  # seconds
BETWEEN = 1.0  # seconds between two looks
Found = TypeVar("Found")


def awaited(look: Callable[[], Found | None]) -> Found | None:
    """What a look finds; None where for `LATEST` seconds none found anything."""
    end = time.monotonic() + LATEST
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(BETWEEN)
    return found
