"""Curves of trainings while they run, as event files of TensorBoard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.platform.errors import InputError
from detectors.types import EpochCallback
from protocols.api import Cell

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CurveWriter = Callable[[Cell], AbstractContextManager[EpochCallback | None]]


def no_curves(cell: Cell) -> AbstractContextManager[None]:
    """Nobody watches."""
    del cell
    return nullcontext()


@dataclass(frozen=True)
class TensorBoardCurves:
    """Watches every training in a folder of its own: detector, train set and seed.

    Raises:
        InputError: TensorBoard is not installed.
    """

    folder: Path

    def __post_init__(self) -> None:
        if find_spec("tensorboard") is None:
            msg = "--tensorboard needs the package tensorboard, which is not installed; run pip install tensorboard"
            raise InputError(msg)

    @contextmanager
    def __call__(self, cell: Cell) -> Iterator[EpochCallback]:
        """Write event files while the training of a cell runs; none where nothing is trained."""
        with ExitStack() as opened:

            @cache
            def writer() -> SummaryWriter:
                from torch.utils.tensorboard import SummaryWriter

                trained_on = "" if cell.train is None else cell.train.name
                place = self.folder / cell.detector / f"{trained_on}-{cell.seed}"
                made: SummaryWriter = opened.enter_context(SummaryWriter(str(place)))
                return made

            def watch(number: int, epoch: Mapping[str, float]) -> None:
                for name, value in epoch.items():
                    writer().add_scalar(name, value, number)
                writer().flush()

            yield watch
