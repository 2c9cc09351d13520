"""The sizes and states of many files, which tell whether any of them has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.images.files.tree import FileStamp


def stamps_of(stamp: Callable[[str], FileStamp], names: Sequence[str]) -> NDArray[np.int64]:
    """Size in bytes and state of each file, (N, 2); -1 and 0 for one that is not there.

    Args:
        stamp: Returns those of one file. Raises `OSError`.
        names: What it is called with.
    """
    stamps = []
    for name in names:
        try:
            stamps.append(stamp(name))
        except OSError:
            stamps.append((-1, 0))
    return np.array(stamps, np.int64).reshape(-1, 2)
