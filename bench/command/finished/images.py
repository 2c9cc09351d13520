"""The images of finished runs, as commands open them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import options
from bench.platform.errors import InputError

if TYPE_CHECKING:
    from bench.report.figures.findings import Findings
    from bench.report.figures.opened_images import NoImages, OpenedImages


def reasons_without_images(found: Sequence[Findings], data: str) -> list[str]:
    """Why runs are without images. Raises `InputError` where `data` names a place and no run could open it."""
    from bench.report.figures.opened_images import NoImages

    reasons = [one.images.reason for one in found if isinstance(one.images, NoImages)]
    if data and len(reasons) == len(found):
        raise InputError(reasons[0])
    return reasons


def opened_images(data: str) -> Callable[[Path], OpenedImages | NoImages]:
    """What opens the images of the run in a folder; `data` is another place of them, "" for the recorded one."""
    from bench.analyses.images.run_images import Workplace
    from bench.report.figures.opened_images import open_images

    workplace = Workplace(options.working_cache().path, options.CORES, options.reporter())
    return lambda folder: open_images(folder, workplace, data)
