"""A training that was killed goes on: its state on disk; import this module inside functions only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from secrets import token_hex
from typing import Any

import torch


@dataclass(frozen=True)
class TrainingCheckpoint:
    """The saved state of one training; nothing is ever there without a folder.

    Attributes:
        path: Its file, or None.
    """

    path: Path | None

    @classmethod
    def at(cls, folder: Path | None) -> TrainingCheckpoint:
        """The saved state in a folder that belongs to this training alone."""
        return cls(None if folder is None else folder / "training.pt")

    def read(self) -> dict[str, Any]:
        """What was written: tensors, numbers and texts in plain containers; nothing where the file is damaged."""
        if self.path is None or not self.path.is_file():
            return {}
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError, ValueError, KeyError):
            return {}
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Replace it; a kill leaves the old one or the new one."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{token_hex(4)}.partial")
        torch.save(state, temporary)
        temporary.replace(self.path)

    def remove(self) -> None:
        """The training is over."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def vars_of(watch: object) -> dict[str, Any]:
    """The numbers of a watch; its rule is given anew."""
    return {name: value for name, value in vars(watch).items() if isinstance(value, int | float | None)}
