"""An image set: a manifest in columns, with lazy strict decoding."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from bench.errors import InputError
from bench.images.decoding import decode, size_of
from detectors.api import Labels, Sample
from protocols.api import Subset

COLUMNS = ("name", "label", "generator", "split", "content", "source")


@dataclass(frozen=True)
class ImageSet:
    """Images of one data set, or a selection of them.

    Attributes:
        root: The folder that image names are relative to.
        title: What the set is called on every table.
        kind: "embedded" for the project's own corpus, "folder" for anything else.
        version: What the data set says of itself; "" where it says nothing.
        families: Generator to family, in reading order; a generator of unknown family is its own.
        table: One row per image, columns `COLUMNS`, sorted by name: `name` relative to the root with forward slashes;
            `label` 0 real or 1 generated; `generator` the generator whose folder the image stands in, for real images
            too; `split` "train" or "val"; `content` the content class or ""; `source` an id shared by images that are
            not independent of each other.
    """

    root: Path
    title: str
    kind: Literal["embedded", "folder"]
    version: str
    families: Mapping[str, str]
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def generators(self) -> tuple[str, ...]:
        """Names of the generators, in the order of `families`."""
        present = set(self.table["generator"])
        return tuple(name for name in self.families if name in present)

    @cached_property
    def short_side(self) -> int:
        """The commonest short side among a few images of each generator, in pixels."""
        few = self.table.groupby(["generator", "label"], sort=True, observed=True).head(2)["name"]
        sides = [min(size_of(self.root / name)) for name in few]
        return int(pd.Series(sides).mode().iloc[0])

    @cached_property
    def names(self) -> Sequence[str]:
        """Image names, in order."""
        return self.table["name"].tolist()

    @cached_property
    def labels(self) -> Labels:
        """int64 (N,), 0 real, 1 generated."""
        return self.table["label"].to_numpy(dtype=np.int64)

    def __getitem__(self, index: int) -> Sample:
        return self._decode(self.names[index])

    def path(self, index: int) -> Path:
        """Where an image lies."""
        return self.root / self.names[index]

    def _decode(self, name: str) -> Sample:
        return decode(self.root / name)

    def select(self, subset: Subset) -> ImageSet:
        """The images of a subset: its generators' folders, real and generated, in its split.

        Raises:
            InputError: One of its classes is empty.
        """
        wanted = self.table["generator"].isin(subset.generators) & (self.table["split"] == subset.split)
        table = self.table[wanted]
        for label, noun in ((0, "real"), (1, "generated")):
            if not (table["label"] == label).any():
                msg = f"{self.root}: {subset.name} has no {noun} image in its {subset.split} split; add some, or name "
                raise InputError(msg + "other data")
        return replace(self, table=table.reset_index(drop=True))

    def covering(self, subsets: Collection[Subset]) -> ImageSet:
        """The images of all these subsets together."""
        places = {(generator, subset.split) for subset in subsets for generator in subset.generators}
        wanted = [place in places for place in zip(self.table["generator"], self.table["split"], strict=True)]
        return replace(self, table=self.table[wanted].reset_index(drop=True))

    def limited(self, limit: int) -> ImageSet:
        """At most `limit` images of each generator, split and class, evenly spread over their names."""
        groups = self.table.groupby(["generator", "split", "label"], sort=False, observed=True)
        kept = [group.iloc[_spread(len(group), limit)] for _, group in groups]
        return replace(self, table=pd.concat(kept).sort_values("name").reset_index(drop=True))


def _spread(size: int, limit: int) -> Any:  # noqa: ANN401 - an index array
    return np.unique(np.linspace(0, size - 1, min(size, limit)).round().astype(int))
