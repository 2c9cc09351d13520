"""Images that are in a data set more than once: the same bytes, or nearly the same appearance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.quality.file_records import PERCEPTUAL_HASH_BYTES
from bench.images.quality.inspection import InspectedImages
from bench.platform.processes.executors import map_in_order

MAX_NEAR_DISTANCE = 10  # bits that may differ between the perceptual hashes of near duplicates
MAX_COMPARISONS = 500  # of each perceptual hash with others that share the same two bands
BAND_BITS = 12
ROW_BITS = 64 - 2 * BAND_BITS
NO_PART = np.iinfo(np.int64).max  # of a group none of whose images count
PARTITIONS = {"splits": "split", "classes": "label", "pools": "generator"}  # each to the column that has its parts

PerceptualHashes = NDArray[np.uint8]  # (N, 18)
IndexPairs = NDArray[np.int64]  # (K, 2)
Parts = NDArray[np.int64]  # (N,), the part of a partition that an image is in, from 0; -1 for one that does not count


class Duplicates(NamedTuple):
    """Images that are in several parts of a partition which should share none.

    Attributes:
        what: "exact" or "near"; an exact duplicate is not counted as a near one.
        across: The partition: "splits", "classes" or "pools" (of real images).
        images: How many images have a duplicate in another part; of splits, those outside of the train split.
        example: Names of one such image and its duplicate.
    """

    what: str
    across: str
    images: int
    example: tuple[str, str]


@dataclass(frozen=True)
class _SimilarityGroups:
    """Images grouped by what makes them duplicates.

    Attributes:
        codes: The group of each image, (N,); images of one group are duplicates.
        pairs: Pairs of groups whose images are duplicates too.
    """

    codes: NDArray[np.int64]
    pairs: IndexPairs

    def crossing(self, parts: Parts) -> NDArray[np.bool_]:
        """Which images have a duplicate in another part, (N,)."""
        counted = parts >= 0
        lowest = np.full(self.codes.max(initial=-1) + 1, NO_PART)
        highest = -np.ones_like(lowest)
        np.minimum.at(lowest, self.codes[counted], parts[counted])
        np.maximum.at(highest, self.codes[counted], parts[counted])
        lowest_around, highest_around = lowest.copy(), highest.copy()
        for group, neighbour in (self.pairs.T, self.pairs.T[::-1]):
            np.minimum.at(lowest_around, group, lowest[neighbour])
            np.maximum.at(highest_around, group, highest[neighbour])
        crossing: NDArray[np.bool_] = counted & (
            (lowest_around[self.codes] < parts) | (highest_around[self.codes] > parts)
        )
        return crossing

    def first_duplicate(self, row: int, parts: Parts) -> int:
        """The first duplicate of an image in another part."""
        group = self.codes[row]
        groups = {group, *self.pairs[self.pairs[:, 0] == group, 1], *self.pairs[self.pairs[:, 1] == group, 0]}
        others = np.isin(self.codes, list(groups)) & (parts >= 0) & (parts != parts[row])
        return int(np.flatnonzero(others)[0])


def find_duplicates(inspected: InspectedImages) -> list[Duplicates]:
    """Exact and near duplicates across splits and across classes, and real images that several pools share."""
    table = inspected.images.table
    exact = _SimilarityGroups(pd.factorize(inspected.records["hash"])[0], np.empty((0, 2), np.int64))
    near = _near_groups(inspected)
    found = []
    for across, column in PARTITIONS.items():
        parts = pd.factorize(table[column])[0]
        if across == "pools":
            parts = np.where(table["label"] == 0, parts, -1)
        same, counted = exact.crossing(parts), _counted(table, across)
        found.append(_duplicates("exact", across, table["name"], exact, same & counted, parts))
        if across != "pools":
            similar = near.crossing(parts) & ~same & counted
            found.append(_duplicates("near", across, table["name"], near, similar, parts))
    return [duplicates for duplicates in found if duplicates is not None]


def _counted(table: pd.DataFrame, across: str) -> NDArray[np.bool_]:
    """Images that are counted: across splits, those that detectors are tested on."""
    return (table["split"] != "train").to_numpy() if across == "splits" else np.ones(len(table), bool)


def _duplicates(
    what: str, across: str, names: pd.Series[str], groups: _SimilarityGroups, rows: NDArray[np.bool_], parts: Parts
) -> Duplicates | None:
    """The duplicates of the images whose row is true; None where there are none."""
    if not rows.any():
        return None
    first = int(np.flatnonzero(rows)[0])
    example = names.iloc[first], names.iloc[groups.first_duplicate(first, parts)]
    return Duplicates(what, across, int(rows.sum()), example)


def _near_groups(inspected: InspectedImages) -> _SimilarityGroups:
    codes = pd.factorize(inspected.records["perceptual_hash"])[0].astype(np.int64)
    unique = inspected.perceptual_hashes[pd.Series(codes).drop_duplicates().index]
    return _SimilarityGroups(codes, near_pairs(unique))


def near_pairs(unique: PerceptualHashes) -> IndexPairs:
    """Pairs of perceptual hashes, as row numbers, that differ in at most `MAX_NEAR_DISTANCE` bits.

    Two hashes that differ in so few bits agree in at least two of `MAX_NEAR_DISTANCE + 2` bands of 12 bits (the
    pigeonhole principle), so only hashes that share two bands are compared: of a million unrelated ones, each with
    four others. Where very many share them, as those of flat images do, each is compared with the next
    `MAX_COMPARISONS` of them alone, and pairs may be missed.

    Args:
        unique: The hashes, all different.
    """
    first, middle, last = unique.reshape(-1, PERCEPTUAL_HASH_BYTES // 3, 3).astype(np.uint16).transpose(2, 1, 0)
    bands = np.concatenate([first << 4 | middle >> 4, (middle & 15) << 8 | last])
    words = np.pad(unique, ((0, 0), (0, -unique.shape[1] % 8))).view(np.uint64)
    rows = np.arange(len(unique), dtype=np.uint64)

    def pairs_that_share(two: tuple[NDArray[np.uint16], ...]) -> list[IndexPairs]:
        ranked = np.left_shift(two[0], 64 - BAND_BITS, dtype=np.uint64)
        ranked |= np.left_shift(two[1], ROW_BITS, dtype=np.uint64)
        ranked |= rows
        ranked.sort()  # several times as fast as argsort, and beside others of its kind
        return list(_near_pairs_that_share(ranked, words))

    found = map_in_order(pairs_that_share, combinations(bands, 2), os.cpu_count() or 1)
    return np.unique(np.concatenate([np.empty((0, 2), np.int64), *chain.from_iterable(found)]), axis=0)


def _near_pairs_that_share(ranked: NDArray[np.uint64], words: NDArray[np.uint64]) -> Iterator[IndexPairs]:
    """Near pairs among the hashes that have two bands in common: each with the next ones that have them.

    Args:
        ranked: Of each hash the two bands and behind them its row, of `ROW_BITS`, in order, (N,).
        words: The hashes, (N, W).
    """
    starts = np.flatnonzero(ranked[1:] ^ ranked[:-1] < 2**ROW_BITS)
    for step in range(1, MAX_COMPARISONS + 1):
        starts = starts[starts < len(ranked) - step]
        starts = starts[ranked[starts] ^ ranked[starts + step] < 2**ROW_BITS]
        if not len(starts):
            return
        first, second = ((ranked[at] % 2**ROW_BITS).astype(np.int64) for at in (starts, starts + step))
        near = np.bitwise_count(words[first] ^ words[second]).sum(axis=1) <= MAX_NEAR_DISTANCE
        yield np.sort(np.stack([first[near], second[near]], axis=1), axis=1)
