"""The state of an interrupted training on disk; import this module inside functions only."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any
from zipfile import ZipFile

import torch

SAVE_INTERVAL = 60.0  # seconds of training that an interruption may cost


class TrainingCheckpoint:
    """The saved state of one training. Without a folder nothing is read or written.

    Args:
        folder: Belongs to this training alone; None for none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "checkpoint.pt"
        self._last_write = time.monotonic()

    def read(self) -> dict[str, Any]:
        """The last state: tensors, numbers and texts in plain containers. Empty for no file or a damaged one."""
        if self._path is None or not self._path.is_file():
            return {}
        try:
            with ZipFile(self._path) as parts:  # torch verifies none of its checksums
                whole = parts.testzip() is None
            state: dict[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True) if whole else {}
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the training can begin anew
            state = {}
        if not state:
            logging.getLogger(__name__).warning("%s is damaged: its training begins anew", self._path)
        return state

    def write_when_due(self, state: Callable[[], dict[str, Any]]) -> None:
        """Write what `state` returns if the last state was written more than `SAVE_INTERVAL` ago."""
        if time.monotonic() - self._last_write > SAVE_INTERVAL:
            self.write(state())
            self._last_write = time.monotonic()

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file as one step: an interruption leaves the old one or the new one."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{token_hex(4)}.partial")
        torch.save(state, temporary)
        temporary.replace(self._path)

    def remove(self) -> None:
        """Remove the file, once the training has ended."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
