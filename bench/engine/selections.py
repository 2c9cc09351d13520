"""Which images there are: every distinct content once, and the subsets that cells name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from bench.engine.cache import Hashes
from bench.images.image_set import ImageSet
from bench.images.quality.inspection import HASH_BYTES, InspectedImages
from bench.platform.files import digest
from detectors.api import Rows, Sample
from protocols.api import NONE, Subset
from protocols.degradations import degradation

Positions = NDArray[np.int64]  # (N,), of images among the distinct ones


def each_once(parts: Iterable[Positions]) -> Positions:
    """All these positions, each where it first stands."""
    together = np.concatenate([np.zeros(0, np.int64), *parts])
    _, first = np.unique(together, return_index=True)
    return together[np.sort(first)]


@dataclass(frozen=True)
class DistinctImages:
    """Every distinct image of a run, whatever names, subsets and data sets share it.

    Attributes:
        sets: The image sets that they lie in.
        hashes: Content hash of each, uint8 (M, 32).
        owners: Which set each is read from, int64 (M,).
        rows: And which row of it, int64 (M,).
    """

    sets: tuple[ImageSet, ...]
    hashes: Hashes
    owners: Positions
    rows: Positions

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Sample:
        return self.sets[int(self.owners[position])][int(self.rows[position])]

    def where(self, position: int) -> str:
        """What messages call one image."""
        images = self.sets[int(self.owners[position])]
        return images.where(images.names[int(self.rows[position])])


def distinct(sets: Sequence[ImageSet], hashes: Sequence[Hashes]) -> tuple[DistinctImages, list[Positions]]:
    """The distinct images of some sets, and where each row of each set is found among them."""
    together = np.ascontiguousarray(np.concatenate(hashes)) if hashes else np.zeros((0, HASH_BYTES), np.uint8)
    _, first, inverse = np.unique(together.view(f"V{HASH_BYTES}").ravel(), return_index=True, return_inverse=True)
    sizes = [len(one) for one in sets]
    owners = np.repeat(np.arange(len(sets)), sizes)
    rows = np.concatenate([np.arange(size) for size in sizes]) if sizes else np.zeros(0, np.int64)
    found = DistinctImages(tuple(sets), together[first], owners[first], rows[first])
    return found, np.split(inverse.astype(np.int64), np.cumsum(sizes)[:-1])


def digest_of(images: ImageSet, hashes: Hashes) -> str:
    """Which images these are: name, content, label and order."""
    return digest(*images.names, hashes.tobytes(), images.labels.tobytes())


@dataclass(frozen=True)
class Selection:
    """The images of one subset.

    Attributes:
        images: Names, labels and what else the data says of them.
        positions: Where each is found among the distinct images.
        pool: The distinct images.
    """

    images: ImageSet
    positions: Positions
    pool: DistinctImages

    @property
    def hashes(self) -> Hashes:
        """Content hashes, uint8 (N, 32)."""
        return self.pool.hashes[self.positions]

    @cached_property
    def digest(self) -> str:
        """Which images these are: name, content, label and order."""
        return digest_of(self.images, self.hashes)

    def digest_with(self, *columns: str) -> str:
        """The same with further columns of the image set's table."""
        return digest(self.digest, *(value for column in columns for value in self.images.table[column]))

    def part(self, rows: Rows) -> Selection:
        """The images of these rows, in this order."""
        return replace(self, images=self.images.select(rows), positions=self.positions[np.asarray(rows)])

    def by_itself(self) -> Selection:
        """The same with no other image in its pool: what a process of its own needs."""
        pool, (positions,) = distinct([self.images], [self.hashes])
        return Selection(self.images, positions, pool)


class Selections:
    """Every subset that cells name, selected once.

    Attributes:
        sets: Image sets by name, as cells name data sets; "" is the run's.
        pool: The distinct images of all of them.
    """

    def __init__(self, inspected: Mapping[str, InspectedImages]) -> None:
        self.sets = {name: one.images for name, one in inspected.items()}
        self.pool, positions = distinct(list(self.sets.values()), [_hashes(one) for one in inspected.values()])
        self._positions = dict(zip(self.sets, positions, strict=True))
        self._made: dict[Subset, Selection] = {}

    def __getitem__(self, subset: Subset) -> Selection:
        subset = replace(subset, degradation=NONE)  # of the same images
        if subset not in self._made:
            images = self.sets[subset.data]
            rows = images.rows_of(subset)
            self._made[subset] = Selection(images.select(rows), self._positions[subset.data][rows], self.pool)
        return self._made[subset]

    def whole(self, data: str = "") -> Selection:
        """Every image of one data set."""
        return Selection(self.sets[data], self._positions[data], self.pool)


def _hashes(inspection: InspectedImages) -> Hashes:
    """Content hashes; a degradation that is part of the data changes an image's."""
    hashes, chains = inspection.hashes.copy(), inspection.images.degradations
    keys = {chain: degradation(chain).key.encode() for chain in set(chains) if chain}
    for row, chain in enumerate(chains):
        if chain:
            hashes[row] = np.frombuffer(sha256(hashes[row].tobytes() + keys[chain]).digest(), np.uint8)
    return hashes
