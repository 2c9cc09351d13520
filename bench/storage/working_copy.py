"""Local folders in which commands work that were given the URL of a store; each says in itself of what it is a copy."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from bench.platform.errors import InputError
from bench.platform.files import digest, plain_name, write_atomically
from bench.platform.outside.json_text import parse_json
from bench.storage.connection import local_path, require_no_password

COPIES = "stores"  # the folder of the copies, in the cache folder of this machine
MARK = ".store.json"  # in a copy: the URL of the store


def working_copy(base: Path, url: str, purpose: str) -> Path:
    """The local folder for the content of a URL, made where it is not there yet.

    Args:
        base: The cache folder of this machine.
        url: The URL of a store.
        purpose: What it is for: a folder that is written and one for looking are two.

    Raises:
        InputError: The URL has a password, or the folder cannot be made.
    """
    require_no_password(url)
    whole = url.rstrip("/")
    folder = base / COPIES / f"{purpose}-{plain_name(PurePosixPath(whole).name)}-{digest(whole)[:12]}"
    try:
        mark_as_copy(folder, whole)
    except OSError as error:
        msg = f"{folder}, the working copy of {whole}, cannot be written ({error.strerror or error})"
        raise InputError(f"{msg}; set LINEUP_CACHE or XDG_CACHE_HOME to a folder of yours") from error
    return folder


def mark_as_copy(folder: Path, url: str) -> None:
    """Let a folder say of which URL it is the working copy; of none where it is empty. Raises `OSError`."""
    if url and store_of(folder) != url:
        text = json.dumps({"store": url})
        write_atomically(folder / MARK, lambda path: path.write_text(text, encoding="utf-8"))


def store_of(folder: Path) -> str:
    """The URL that a folder is the working copy of, alone or as a part of a larger one; empty for any other folder."""
    for place in (folder, *folder.parents):
        try:
            url = str(parse_json((place / MARK).read_bytes())["store"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return "/".join((url, *folder.relative_to(place).parts))
    return ""


def place_of(base: Path, text: str, purpose: str) -> Path:
    """The folder that a text means: a path, or the working copy of a URL. Raises `InputError`."""
    from bench.storage.connection import is_store

    return working_copy(base, text, purpose) if is_store(text) else local_path(text)
