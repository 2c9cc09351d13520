"""Files: written whole or not at all, and named by digests."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from secrets import token_hex


def digest(*parts: str | bytes) -> str:
    """Hexadecimal sha256 over parts, none of which can run into the next."""
    whole = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


def plain_name(text: str) -> str:
    """A text as part of a file name: anything but letters, digits and a few signs becomes a low line."""
    return re.sub(r"[^\w.+=,@-]+", "_", text)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file in the same folder, then rename it to `path`.

    Others may read it as far as the user's umask lets them: safetensors makes files for their owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.partial")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
