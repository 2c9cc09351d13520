"""Memory of the process."""

from __future__ import annotations

import ctypes
import gc
import re
import sys

# of mallopt(3)
TRIM_THRESHOLD = -1
MMAP_THRESHOLD = -3
KEPT_BLOCK = 1 << 30  # bytes
# the same as variables of the environment, which glibc reads where a process starts: for those that are started later
KEEPING_VARIABLES = {name: str(KEPT_BLOCK) for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")}


WANT_OF_MEMORY = re.compile(
    r"cannot allocate memory|can't allocate memory|can't start new thread|failed to map segment", re.I
)


def is_want_of_memory(error: BaseException) -> bool:
    """Whether an exception says that there was not enough memory, by its type or, as libraries have it, its text."""
    return isinstance(error, MemoryError) or bool(WANT_OF_MEMORY.search(str(error)))


def keep_imports() -> None:
    """Keep what was imported until the end of the process, at which Python need not look through it for cycles.

    It looks several times, a fifth of a second in all where tables and their libraries are there. To be called before
    anything of other packages is imported: files that it left open are written when the collector finds them.
    """
    gc.freeze()


def keep_freed_memory() -> bool:
    """Let the C library keep blocks of up to `KEPT_BLOCK` that are freed, for the next ones; False where it cannot.

    A network on a processor allocates and frees maps of tens of megabytes for every batch. By default glibc gives each
    back to the system and takes new pages for the next, which the system fills with zeros first: a third of the time of
    a small network. Other C libraries have no such setting and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and all(mallopt(name, KEPT_BLOCK) for name in (TRIM_THRESHOLD, MMAP_THRESHOLD))
