"""The images of finished runs, as commands open them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import options

if TYPE_CHECKING:
    from bench.report.figures.opened_images import NoImages, OpenedImages


def opened_images(data: str) -> Callable[[Path], OpenedImages | NoImages]:
    """What opens the images of the run in a folder; `data` is another place of them, "" for the recorded one."""
    from bench.analyses.images.run_images import Workplace
    from bench.report.figures.opened_images import open_images

    workplace = Workplace(options.cache_folder(), options.CORES, options.reporter())
    return lambda folder: open_images(folder, workplace, data)
