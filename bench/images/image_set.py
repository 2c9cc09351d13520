"""An image set: a manifest in columns, with lazy strict decoding."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.decoding.decoder import Unreadable, decode, size_of
from bench.images.files.tree import FileSource
from bench.images.layouts.api import ImageRow
from bench.platform.errors import InputError
from detectors.api import Labels, Rows, Sample
from protocols.api import Split, Subset
from protocols.degradations import degradation

COLUMNS = ImageRow._fields


@dataclass(frozen=True)
class ImageSet:
    """Images of one data set, or a selection of them.

    Attributes:
        files: Where their bytes are read.
        title: What the set is called on every table.
        kind: "embedded" for the project's own corpus, "folder" for anything else.
        version: What the data set says of itself; "" where it says nothing.
        families: Generator to family, in reading order; a generator of unknown family is its own.
        table: One row per image, sorted by name, columns as the fields of `bench.images.layouts.api.ImageRow`.
        pools: Generator to the pool of real images that stands against it: what its rows have as `generator`.
        notes: What a reader of results should know of the data, one sentence each.
        missing: What the data set lists and does not hold, with the number of images.
        refused: Name and reason of each image file that is not to be read.
        listed: Number of images of the whole data set that this is a selection of.
    """

    files: FileSource
    title: str
    kind: Literal["embedded", "folder"]
    version: str
    families: Mapping[str, str]
    table: pd.DataFrame
    pools: Mapping[str, str]
    notes: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[tuple[str, str], ...] = ()
    listed: int = 0

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def generators(self) -> tuple[str, ...]:
        """Names of the generators, in the order of `families`."""
        present = set(self.table.loc[self.table["label"] == 1, "generator"])
        return tuple(name for name in self.families if name in present)

    @cached_property
    def held_out(self) -> Split:
        """The split that answers are given on: "test" where the set has one, else "val"."""
        return "test" if (self.table["split"] == "test").any() else "val"

    def generators_in(self, split: Split) -> tuple[str, ...]:
        """The generators that have images in a split."""
        rows = self.table[(self.table["label"] == 1) & (self.table["split"] == split)]
        present = set(rows["generator"])
        return tuple(name for name in self.generators if name in present)

    @cached_property
    def short_side(self) -> int:
        """The commonest short side among a few images of each generator, in pixels."""
        few = self.table.groupby(["generator", "label"], sort=True, observed=True).head(4).index
        sides = [min(size) for row in few if (size := self._size(int(row)))]
        if not sides:
            msg = f"{self.files.where}: none of the first images of each generator can be read; see `lineup data`"
            raise InputError(msg)
        return int(pd.Series(sides).mode().iloc[0])

    def _size(self, row: int) -> tuple[int, ...] | None:
        """Two sides of an image as it is used; None where it cannot be read, which the inspection reports."""
        name = self.names[row]
        try:
            if self.degradations[row]:
                return self[row].pixels.shape[:2]
            return size_of(self.files.read(name), self.where(name))
        except (OSError, Unreadable):
            return None

    @cached_property
    def names(self) -> Sequence[str]:
        """Image names, in order."""
        return self.table["name"].tolist()

    @cached_property
    def labels(self) -> Labels:
        """int64 (N,), 0 real, 1 generated."""
        return self.table["label"].to_numpy(dtype=np.int64)

    @cached_property
    def degradations(self) -> Sequence[str]:
        """The chain of degradations that is part of each image, "" for none."""
        return self.table["degradation"].tolist()

    def __getitem__(self, index: int) -> Sample:
        name = self.names[index]
        sample = decode(self.files.read(name), self.where(name))
        return degradation(self.degradations[index])(sample) if self.degradations[index] else sample

    def where(self, name: str) -> str:
        """What messages call one image."""
        return f"{self.files.where}/{name}"

    def keeping(self, rows: NDArray[np.bool_] | pd.Series[bool]) -> ImageSet:
        """The images of the rows that are true."""
        return replace(self, table=self.table[rows].reset_index(drop=True))

    @cached_property
    def contents(self) -> tuple[str, ...]:
        """What its images show, in alphabetical order; none where the data does not say."""
        return tuple(sorted(set(self.table["content"]) - {""}))

    def largest_size(self, subset: Subset) -> int:
        """The largest `size` that a subset can be asked for: images of its rarer class."""
        labels = self.table.loc[self._of(subset), "label"]
        return min(int((labels == label).sum()) for label in (0, 1))

    def rows(self, subset: Subset) -> NDArray[np.int64]:
        """The rows of a subset in its split: those its generators made, and the real ones that stand against them.

        Raises:
            InputError: One of its classes is empty, or has fewer images than the subset asks for.
        """
        rows = np.flatnonzero(self._of(subset))
        selected = self.at(rows)
        wanted = 1 if subset.size is None else subset.size
        for label, noun in ((0, "real"), (1, "generated")):
            if (there := int((selected.table["label"] == label).sum())) < wanted:
                contents = f" of {', '.join(subset.contents)}" if subset.contents else ""
                where = f"{subset.name} has {there or 'no'} {noun} images{contents} in its {subset.split} split"
                asked = "" if subset.size is None else f", {subset.size} are asked for"
                msg = f"{self.files.where}: {where}{asked}; add some, or name other data"
                raise InputError(msg)
        return rows if subset.size is None else rows[selected.drawn(subset.size)]

    def drawn(self, size: int) -> NDArray[np.bool_]:
        """So many images of each class, by a hash of their names: a smaller draw is part of a larger one."""
        ranks = pd.Series([sha256(name.encode()).hexdigest() for name in self.names]).argsort().argsort()
        chosen: NDArray[np.bool_] = (ranks.groupby(self.table["label"]).rank() <= size).to_numpy()
        return chosen

    def at(self, rows: Rows) -> ImageSet:
        """The images of these rows, in this order."""
        return replace(self, table=self.table.iloc[np.asarray(rows)].reset_index(drop=True))

    def select(self, subset: Subset) -> ImageSet:
        """The images of a subset. Raises what `rows` raises."""
        return self.at(self.rows(subset))

    def _of(self, subset: Subset) -> pd.Series[bool]:
        pools = [self.pools.get(generator, generator) for generator in subset.generators]
        generated = self.table["generator"].isin(subset.generators) & (self.table["label"] == 1)
        real = self.table["generator"].isin(pools) & (self.table["label"] == 0)
        shown = self.table["content"].isin(subset.contents) if subset.contents else True
        return (generated | real) & (self.table["split"] == subset.split) & shown

    def covering(self, subsets: Collection[Subset]) -> ImageSet:
        """The images of all these subsets together."""
        wanted = np.zeros(len(self), bool)
        for subset in subsets:
            wanted |= self._of(subset).to_numpy()
        return self.keeping(wanted)

    def limited(self, limit: int) -> ImageSet:
        """At most `limit` images of each generator, split and class, evenly spread over their names."""
        groups = self.table.groupby(["generator", "split", "label"], sort=False, observed=True)
        kept = [group.iloc[_spread(len(group), limit)] for _, group in groups]
        return replace(self, table=pd.concat(kept).sort_values("name").reset_index(drop=True))


def _spread(size: int, limit: int) -> Any:  # noqa: ANN401 - an index array
    return np.unique(np.linspace(0, size - 1, min(size, limit)).round().astype(int))
