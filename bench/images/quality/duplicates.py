"""Images that stand in a data set more than once: the same bytes, or nearly the same look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.quality.inspection import Inspection

NEAR = 10  # bits of a look that may differ between near duplicates
NO_SIDE = np.iinfo(np.int64).max
CROWD = 500  # looks of one band that each is compared with, at most

Thumbnails = NDArray[np.uint8]  # (N, 18)
IndexPairs = NDArray[np.int64]  # (K, 2)
SIDES = {"splits": "split", "classes": "label", "pools": "generator"}


class Duplicates(NamedTuple):
    """Images that stand on both sides of a line that they should not cross.

    Attributes:
        what: "exact" or "near"; an exact duplicate is not counted as a near one.
        across: "splits", "classes" or "pools" (of real images).
        images: How many images have a twin on another side; of splits, those outside of the train split.
        example: Names of one such image and its twin.
    """

    what: str
    across: str
    images: int
    example: tuple[str, str]


@dataclass(frozen=True)
class _Kinds:
    """Images by what makes them alike: `codes` (N,) per image, and the pairs of codes that count as alike too."""

    codes: NDArray[np.int64]
    pairs: IndexPairs

    def crossing(self, sides: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which images have a twin on another side; `sides` are numbers from 0, -1 for images that do not count."""
        counted = sides >= 0
        least = np.full(self.codes.max(initial=-1) + 1, NO_SIDE)
        most = -np.ones_like(least)
        np.minimum.at(least, self.codes[counted], sides[counted])
        np.maximum.at(most, self.codes[counted], sides[counted])
        around = least.copy(), most.copy()
        for here, there in (self.pairs.T, self.pairs.T[::-1]):
            np.minimum.at(around[0], here, least[there])
            np.maximum.at(around[1], here, most[there])
        crossing: NDArray[np.bool_] = counted & ((around[0][self.codes] < sides) | (around[1][self.codes] > sides))
        return crossing

    def twin(self, row: int, sides: NDArray[np.int64]) -> int:
        """The first twin of an image on another side."""
        mine = self.codes[row]
        alike = {mine, *self.pairs[self.pairs[:, 0] == mine, 1], *self.pairs[self.pairs[:, 1] == mine, 0]}
        others = np.isin(self.codes, list(alike)) & (sides >= 0) & (sides != sides[row])
        return int(np.flatnonzero(others)[0])


def find_duplicates(inspection: Inspection) -> list[Duplicates]:
    """Exact and near duplicates across splits and across classes, and real images that several pools share."""
    table = inspection.images.table
    exact = _Kinds(pd.factorize(inspection.files["hash"])[0], np.empty((0, 2), np.int64))
    near = _by_look(inspection.looks)
    found = []
    for across, column in SIDES.items():
        sides = pd.factorize(table[column])[0]
        if across == "pools":
            sides = np.where(table["label"] == 0, sides, -1)
        same, counted = exact.crossing(sides), _counted(table, across)
        found.append(_told("exact", across, table, exact, same & counted, sides))
        if across != "pools":
            found.append(_told("near", across, table, near, near.crossing(sides) & ~same & counted, sides))
    return [one for one in found if one is not None]


def _counted(table: pd.DataFrame, across: str) -> NDArray[np.bool_]:
    """Images that are counted: across splits, those that answers are given on."""
    return (table["split"] != "train").to_numpy() if across == "splits" else np.ones(len(table), bool)


def _told(
    what: str, across: str, table: pd.DataFrame, kinds: _Kinds, rows: NDArray[np.bool_], sides: NDArray[Any]
) -> Duplicates | None:
    if not rows.any():
        return None
    first = int(np.flatnonzero(rows)[0])
    names = table["name"]
    return Duplicates(what, across, int(rows.sum()), (names.iloc[first], names.iloc[kinds.twin(first, sides)]))


def _by_look(looks: Thumbnails) -> _Kinds:
    unique, codes = np.unique(looks, axis=0, return_inverse=True)
    return _Kinds(codes.reshape(-1), near_pairs(unique))


def near_pairs(unique: Thumbnails) -> IndexPairs:
    """Pairs of different looks, as row numbers, that differ in at most `NEAR` bits.

    Two looks that differ in so few bits agree in at least one of `NEAR + 1` bands (the pigeonhole principle), so only
    looks that share a band are compared. Where very many share one, as flat images do, each is compared with the next
    `CROWD` of them in sorted order alone, and pairs may be missed.
    """
    bits = np.unpackbits(unique, axis=1)
    bands = np.array_split(np.arange(bits.shape[1]), NEAR + 1)
    words = np.pad(unique, ((0, 0), (0, -unique.shape[1] % 8))).view(np.uint64)
    found = [pairs for band in bands for pairs in _near(words, bits[:, band])]
    return np.unique(np.concatenate([np.empty((0, 2), np.int64), *found]), axis=0)


def _near(words: NDArray[np.uint64], band: NDArray[np.uint8]) -> Iterator[IndexPairs]:
    """Near pairs among the looks that agree in a band: each with the next ones that do."""
    keys = band.astype(np.int64) @ (1 << np.arange(band.shape[1], dtype=np.int64))
    order = np.argsort(keys, kind="stable")
    keys, here = keys[order], np.arange(len(order))
    for step in range(1, CROWD + 1):
        here = here[here < len(order) - step]
        here = here[keys[here] == keys[here + step]]
        if not len(here):
            return
        one, other = order[here], order[here + step]
        near = np.bitwise_count(words[one] ^ words[other]).sum(axis=1) <= NEAR
        yield np.sort(np.stack([one[near], other[near]], axis=1), axis=1)
