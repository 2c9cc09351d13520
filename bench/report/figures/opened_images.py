"""The images of a run, where a figure needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from bench.analyses.images.run_analyses import SpectraOfRun, spectra_of_run
from bench.analyses.images.run_images import RunImages, Workplace, images_of_run
from bench.analyses.images.spectra import SpectraRequest
from bench.analyses.scores.slices import image_attributes
from bench.platform.errors import InputError
from bench.records.store import Store
from protocols.api import NONE

_MOST_DEGRADATIONS = 4  # of which spectra are made, clean images among them


@dataclass(frozen=True)
class OpenedImages:
    """The images of a run.

    Attributes:
        found: The images.
        workers: Threads that decode.
    """

    found: RunImages
    workers: int

    @cached_property
    def attributes(self) -> pd.DataFrame:
        """What is known of each image, as `image_attributes` returns it."""
        return image_attributes(self.found.images, self.found.inspected.records)

    @cached_property
    def spectra(self) -> SpectraOfRun:
        """The average spectra of clean images and under the first degradations of the run."""
        return spectra_of_run(self.found, SpectraRequest(self._degradations()), self.workers)

    def _degradations(self) -> tuple[str, ...]:
        _, cells = Store(self.found.folder).outline()
        asked = [str(name) for name in cells["degradation"].unique() if name != NONE]
        return (NONE, *asked[: _MOST_DEGRADATIONS - 1])


@dataclass(frozen=True)
class NoImages:
    """Why there are no images."""

    reason: str


def open_images(folder: Path, workplace: Workplace, data: str = "") -> OpenedImages | NoImages:
    """The images of the run in a folder, or why they cannot be had; `data` is another place of the same ones."""
    try:
        return OpenedImages(images_of_run(folder, workplace, data), workplace.workers)
    except InputError as error:
        return NoImages(str(error))
