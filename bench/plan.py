"""What has to be done: cells with their keys, and the images that each subset stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from bench.cache import Hashes, digest
from bench.images.imageset import ImageSet
from bench.images.inspection import Inspection
from detectors.api import Recipe, Runtime
from protocols.api import Cell, Subset
from protocols.degradations import degradation


@dataclass(frozen=True)
class Selection:
    """The images of one subset, with their content hashes."""

    images: ImageSet
    hashes: Hashes

    @property
    def digest(self) -> str:
        """Which images these are: name, content, label and order."""
        return digest(*self.images.names, self.hashes.tobytes(), self.images.labels.tobytes())

    def digest_with(self, *columns: str) -> str:
        """The same with further columns of the image set's table."""
        return digest(self.digest, *(value for column in columns for value in self.images.table[column]))


@dataclass
class Selections:
    """Every subset that a list of cells names, selected and hashed once."""

    images: ImageSet
    hashes: Hashes
    _made: dict[Subset, Selection] = field(default_factory=dict)

    @classmethod
    def of(cls, inspection: Inspection) -> Selections:
        """The images of an inspection; a treatment that is part of the data changes an image's hash."""
        hashes = inspection.hashes.copy()
        for row, treatment in enumerate(inspection.images.treatments):
            if treatment:
                key = degradation(treatment).key.encode()
                hashes[row] = np.frombuffer(sha256(hashes[row].tobytes() + key).digest(), np.uint8)
        return cls(inspection.images, hashes)

    def __getitem__(self, subset: Subset) -> Selection:
        if subset not in self._made:
            selected = self.images.select(subset)
            rows = np.searchsorted(np.asarray(self.images.names), np.asarray(selected.names))
            self._made[subset] = Selection(selected, self.hashes[rows])
        return self._made[subset]


def runtime_key(runtime: Runtime) -> str:
    """What of a runtime changes scores: the kind of device and the precision, not which card."""
    return f"{runtime.device.partition(':')[0]}-{runtime.precision}"


@dataclass(frozen=True)
class Planned:
    """One cell and its key, the hash of everything that changes its scores."""

    cell: Cell
    key: str
    fit_key: str


def plan(cells: Sequence[Cell], recipes: dict[str, Recipe], selections: Selections, runtime: Runtime) -> list[Planned]:
    """Give each cell its key and the key of the fit that it needs."""
    planned = []
    told = ("generator", "source", "content")  # what a train set tells of an image beside its label
    trains = {subset: selections[subset].digest_with(*told) for subset in {cell.train for cell in cells}}
    tests = {subset: selections[subset].digest_with("source") for subset in {cell.test for cell in cells}}
    for cell in cells:
        recipe = recipes[cell.detector]
        fit_key = digest("fit", recipe.key, runtime_key(runtime), trains[cell.train], str(cell.seed))
        parts = (cell.detector, fit_key, tests[cell.test], degradation(cell.degradation).key, cell.task)
        planned.append(Planned(cell, digest("cell", *parts)[:32], fit_key))
    return planned
