"""From a URL to a file system of fsspec, and which URLs are those of stores."""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bench.platform.errors import InputError

PACKAGE_OF_SCHEME = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"}
# Keys of a store's information on a file that are its name, or that change while the file does not.
VOLATILE_KEYS = {"atime", "last_accessed_on", "name", "time", "url"}


def is_store(text: str) -> bool:
    """Whether a text is the URL of a store, and no path: also not one that is written as a URL."""
    return "://" in text and not text.startswith("file://")


def local_path(text: str) -> Path:
    """The path that a text is, which may be written as a URL of this machine."""
    return Path(unquote(urlsplit(text).path)) if text.startswith("file://") else Path(text)


def require_no_password(url: str) -> None:
    """Raise `InputError` for a URL with a password: it would be written and printed wherever the URL is."""
    if "@" in urlsplit(url).netloc:
        scheme = urlsplit(url).scheme
        msg = f"a URL of {scheme}:// has a name or password in it, which would be written into results; leave it out"
        raise InputError(f"{msg}, and give credentials as the tools of the store take them, such as in AWS_PROFILE")


def connect(url: str) -> tuple[Any, str]:
    """The file system of a URL, which all threads of a process share, and the path in it. Raises `InputError`."""
    return _connected(url, os.getpid())


@lru_cache(maxsize=64)
def _connected(url: str, process: int) -> tuple[Any, str]:
    """The same, once in each process: fsspec makes one of some kinds for each thread, with connections of its own."""
    import fsspec

    del process
    scheme = url.partition("://")[0]
    try:
        system, root = fsspec.core.url_to_fs(url.rstrip("/"))
    except (ImportError, ValueError) as error:
        package = PACKAGE_OF_SCHEME.get(scheme)
        schemes = ", ".join(PACKAGE_OF_SCHEME)
        advice = f"install {package} beside Lineup" if package else f"use one of {schemes}, or a local path"
        msg = f"{url} cannot be opened ({error}); {advice}"
        raise InputError(msg) from error
    return system, str(root)


def state_of(info: dict[str, Any]) -> int:
    """A number that changes when a store's information on a file does: checksums, times, version ids."""
    lasting = sorted((key, repr(value)) for key, value in info.items() if key.lower() not in VOLATILE_KEYS)
    return int.from_bytes(sha256(repr(lasting).encode()).digest()[:7])
