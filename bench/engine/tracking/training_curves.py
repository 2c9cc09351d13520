"""Curves of trainings, written while they run; as event files of TensorBoard, for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.engine.plan import fit_name
from detectors.types import EpochCallback
from protocols.api import Cell

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CurveWriter = Callable[[Cell], AbstractContextManager[EpochCallback | None]]


def no_curves(cell: Cell) -> AbstractContextManager[None]:
    """No callback for any training."""
    del cell
    return nullcontext()


@dataclass(frozen=True)
class TensorBoardCurves:
    """Writes the epochs of every training into a folder of its own: detector, then train set and seed.

    Attributes:
        folder: Holds the folders.
    """

    folder: Path

    @contextmanager
    def __call__(self, cell: Cell) -> Iterator[EpochCallback]:
        """Give a callback that writes an event for every epoch of a cell's training; no epoch, no file."""
        with ExitStack() as stack:

            @cache
            def writer() -> SummaryWriter:
                from torch.utils.tensorboard import SummaryWriter

                folder = self.folder / cell.detector / fit_name(cell)
                opened: SummaryWriter = stack.enter_context(SummaryWriter(str(folder)))
                return opened

            def callback(number: int, epoch: Mapping[str, float]) -> None:
                for name, value in epoch.items():
                    writer().add_scalar(name, value, number)
                writer().flush()

            yield callback
