"""An image set: one row per image, decoded when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.annotations.attributes import AttributeReader
from bench.images.decoding.decoder import UnreadableImage, decode, size_of
from bench.images.decoding.structure import MAX_PIXELS
from bench.images.files.tree import FileSource
from bench.images.layouts.api import ImageRow
from bench.platform.errors import InputError
from detectors.api import Labels, Rows, Sample
from protocols.api import Split, Subset
from protocols.degradations import parse_degradation

COLUMNS = ImageRow._fields
DATE_COLUMNS = frozenset({"releasedate", "datereleased", "modelreleasedate", "released"})  # without marks
DATE = r"^(\d{4}-(?:0[1-9]|1[0-2])(?:-\d{2})?)"  # at the beginning of a text
IMAGES_MEASURED = 4  # of each generator and pool, for their size
LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif")  # whose decoding costs about as much as that of PNG


class TooFewImages(InputError):
    """A subset lacks images of a class.

    Attributes:
        reason: Which, without the place of the data.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}; add some, or name other data")
        self.reason = reason


@dataclass(frozen=True)
class ImageSet:
    """Images of one data set, or a selection of them.

    Attributes:
        files: Where their bytes are read.
        title: What tables call the set.
        kind: "embedded" for the project's own corpus, "folder" for anything else.
        version: The version that the data set states; "" for none.
        families: Generator to family, in reading order; a generator of unknown family is its own.
        table: One row per image, sorted by name, columns as the fields of `bench.images.layouts.api.ImageRow`.
        pools: Generator to its pool of real images: the `generator` of the pool's rows.
        notes: What a reader of results should know of the data, one sentence each.
        missing: What the data set lists and does not hold, to the number of images.
        refused: Name and reason of each image file that is not to be read.
        listed: Number of images of the whole data set that this is a selection of.
        drawn_splits: Whether its splits were drawn here, for the data set has none or one alone.
        reading: What its folders and columns were taken for, one line each.
        max_pixels: The largest number of pixels of an image that is read.
        attributes: By name, the columns of the data set that have no role; `attribute` reads one.
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
    drawn_splits: bool = False
    reading: tuple[str, ...] = ()
    max_pixels: int = MAX_PIXELS
    attributes: Mapping[str, AttributeReader] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def generators(self) -> tuple[str, ...]:
        """Names of the generators, in the order of `families`."""
        present = set(self.table.loc[self.table["label"] == 1, "generator"].unique())
        return tuple(name for name in self.families if name in present)

    @cached_property
    def held_out(self) -> Split:
        """The split that answers are given on: "test" where the set has one, else "val"."""
        return "test" if (self.table["split"] == "test").any() else "val"

    @property
    def untouched(self) -> Split:
        """The images that nobody trained on: the split that is held out, or "all" where splits were drawn here."""
        return "all" if self.drawn_splits else self.held_out

    def generators_in(self, split: Split) -> tuple[str, ...]:
        """The generators that have images in a split."""
        if split == "all":
            return self.generators
        return tuple(name for name in self.generators if (split, name) in self._splits_of_generators)

    @cached_property
    def _splits_of_generators(self) -> Set[tuple[str, str]]:
        """Pairs of a split and a generator that has images in it."""
        rows = self.table.loc[self.table["label"] == 1, ["split", "generator"]].drop_duplicates()
        return set(rows.itertuples(index=False, name=None))

    @cached_property
    def image_counts(self) -> NDArray[np.int64]:
        """How many images each row stands for, (N,): one, but where images are known by their numbers alone."""
        return np.ones(len(self), np.int64)

    @property
    def count(self) -> int:
        """Number of images."""
        return int(self.image_counts.sum())

    @cached_property
    def pixel_counts(self) -> NDArray[np.float64]:
        """Pixels of each image, (N,): the mean of the first ones of its generator and class; NaN where none is read."""
        keys = self.table[["generator", "label"]]
        rows = keys.groupby(["generator", "label"], sort=True, observed=True).head(IMAGES_MEASURED).index
        sizes = [self._size(int(row)) for row in rows]
        measured = keys.loc[rows].assign(pixels=[float(np.prod(size)) if size else np.nan for size in sizes])
        means = measured.groupby(["generator", "label"])["pixels"].mean()
        found = keys.join(means, on=["generator", "label"])["pixels"]
        return found.fillna(found.mean()).to_numpy(dtype=np.float64)

    @cached_property
    def formats(self) -> Sequence[str]:
        """Format of each file, as its name has it: "PNG", or "JPEG" for any other that stands for a lossy one."""
        return ["PNG" if name.lower().endswith(LOSSLESS) else "JPEG" for name in self.names]

    @cached_property
    def short_side(self) -> int:
        """The commonest short side of the first images of each generator and pool, in pixels.

        Raises:
            InputError: None of them can be read.
        """
        first = self.table.groupby(["generator", "label"], sort=True, observed=True).head(IMAGES_MEASURED).index
        sides = [min(size) for row in first if (size := self._size(int(row)))]
        if not sides:
            msg = f"{self.files.where}: none of the first images of each generator can be read; see `lineup data`"
            raise InputError(msg)
        return int(pd.Series(sides).mode().iloc[0])

    def _size(self, row: int) -> tuple[int, ...] | None:
        """The two sides in pixels of an image after its degradations; None where it cannot be read."""
        name = self.names[row]
        try:
            if self.degradations[row]:
                return self[row].pixels.shape[:2]
            return size_of(self.files.read(name), self.where(name), self.max_pixels)
        except (OSError, UnreadableImage):
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
        """The chain of degradations that the data set gives each image, "" for none."""
        return self.table["degradation"].tolist()

    def __getitem__(self, index: int) -> Sample:
        return self.decoded(index, self.encoded(index))

    def encoded(self, index: int) -> bytes:
        """The file of an image. Raises `OSError`."""
        return self.files.read(self.names[index])

    def decoded(self, index: int, data: bytes) -> Sample:
        """An image from its file, after the degradations that the data set gives it. Raises `UnreadableImage`."""
        sample = decode(data, self.where(self.names[index]), self.max_pixels)
        return parse_degradation(self.degradations[index])(sample) if self.degradations[index] else sample

    def where(self, name: str) -> str:
        """What messages call one image."""
        return f"{self.files.where}/{name}"

    @cached_property
    def contents(self) -> tuple[str, ...]:
        """What its images show, in alphabetical order; none where the data set does not state it."""
        return tuple(sorted(set(self.table["content"].unique()) - {""}))

    @cached_property
    def copies(self) -> tuple[str, ...]:
        """The copies that the data set ships of its images, "" first for originals; none where it ships none.

        Strengths are in the order of their numbers: q_5 before q_50.
        """
        names = set(self.table["copy"].unique())
        return tuple(sorted(names, key=_with_numbers)) if names - {""} else ()

    def attribute(self, name: str) -> Sequence[str]:
        """What a column without a role says of each image, in order; "" where it says nothing.

        Args:
            name: As the data set calls the column.

        Raises:
            InputError: There is no such column, or its table cannot be read any more.
        """
        if name not in self.attributes:
            known = ", ".join(self.attributes) or "none"
            msg = f"{self.files.where} has no attribute {name!r}; it has {known}"
            raise InputError(msg)
        texts = self.attributes[name](self.names)
        return [texts.get(image, "") for image in self.names]

    @cached_property
    def release_dates(self) -> Mapping[str, str]:
        """The earliest release date that a column of the data states of each generator, where one does."""
        column = next((name for name in self.attributes if re.sub(r"[\W_]", "", name.lower()) in DATE_COLUMNS), None)
        if column is None:
            return {}
        dates = pd.Series(self.attribute(column), dtype=str).str.extract(DATE)[0]
        stated = dates[(self.table["label"] == 1) & dates.notna()]
        return {str(name): str(date) for name, date in stated.groupby(self.table["generator"]).min().items()}

    def largest_size(self, subset: Subset) -> int:
        """The largest `size` that a subset can be asked for: images of its rarer class."""
        labels = self.labels[self._mask(subset)]
        return min(int((labels == label).sum()) for label in (0, 1))

    def rows_of(self, subset: Subset, ranks: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Positions of the images of a subset, (N,): of its generators and of their pools, in its split.

        Args:
            subset: The subset.
            ranks: The place of each image of the set, (M,), in an order of contents, by which a `size` is drawn; their
                order in the set where None.

        Raises:
            TooFewImages: One of its classes is empty, or is to be, or has fewer images than the subset asks for.
        """
        parts = [self._rows_of_part(part, ranks) for part in subset.parts]
        if low := [part.size for part in subset.parts if part.size is not None and part.size < 1]:
            raise TooFewImages(self.files.where, f"{subset.name} is asked for with {low[0]} images of each class")
        return np.unique(np.concatenate(parts))

    def _rows_of_part(self, subset: Subset, ranks: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The rows of a subset in which no further generators join."""
        rows = np.flatnonzero(self._mask(subset))
        labels = self.labels[rows]
        required = max(1, subset.size or 1)
        for label, noun in ((0, "real"), (1, "generated")):
            if (count := int((labels == label).sum())) < required:
                contents = f" of {', '.join(subset.contents)}" if subset.contents else ""
                contents += f" as {subset.copy}" if subset.copy else ""
                split = "" if subset.split == "all" else f" in its {subset.split} split"
                where = f"{subset.name} has {count or 'no'} {noun} images{contents}{split}"
                asked = "" if subset.size is None else f", {subset.size} are asked for"
                raise TooFewImages(self.files.where, where + asked)
        if subset.size is None:
            return rows
        return rows[_drawn(labels, rows if ranks is None else ranks[rows], subset.size)]

    @cached_property
    def _kinds(self) -> tuple[list[tuple[str, int, str, str, str]], NDArray[np.int64]]:
        """The kinds of images that subsets can tell apart, and which of them each image is, (N,)."""
        columns = ["generator", "label", "split", "content", "copy"]
        kinds = np.asarray(self.table.groupby(columns, sort=False, observed=True).ngroup(), np.int64)
        first = self.table.loc[~pd.Series(kinds).duplicated(), columns]
        return list(first.itertuples(index=False, name=None)), kinds

    def _mask(self, subset: Subset) -> NDArray[np.bool_]:
        """Which images are of a subset, whatever its size, (N,)."""
        known, kinds = self._kinds
        generated, contents = set(subset.generators), set(subset.contents)
        pools = {self.pools.get(generator, generator) for generator in generated}
        chosen = [
            generator in (generated if label else pools)
            and subset.split in {"all", split}
            and (not contents or content in contents)
            and subset.copy in {None, copy}
            for generator, label, split, content, copy in known
        ]
        return np.array(chosen, bool)[kinds]

    def select(self, rows: Rows | NDArray[np.bool_] | pd.Series[bool]) -> ImageSet:
        """The images at these positions, in this order, or those whose row is true."""
        return replace(self, table=self.table.iloc[np.asarray(rows)].reset_index(drop=True))

    def to_be_sent(self) -> ImageSet:
        """The same images without what is asked of a whole data set alone: attributes may hold its tables."""
        return replace(self, attributes={}, refused=())

    def select_subsets(self, subsets: Collection[Subset]) -> ImageSet:
        """The images of all these subsets together."""
        selected = np.zeros(len(self), bool)
        for part in dict.fromkeys(part for subset in subsets for part in subset.parts):
            selected |= self._mask(part)
        return self if selected.all() else self.select(selected)

    def select_at_most(self, limit: int) -> ImageSet:
        """At most `limit` images of each generator, split, class and copy, evenly spread over their names.

        By names and not by content, as draws are otherwise: a limit is there so that most files need not be read.
        """
        groups = self.table.groupby(["generator", "split", "label", "copy"], sort=False, observed=True)
        selected = [group.iloc[_evenly_spaced(len(group), limit)] for _, group in groups]
        return replace(self, table=pd.concat(selected).sort_values("name").reset_index(drop=True))


def _drawn(labels: Labels, ranks: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Which images are among `size` of each class, by their ranks: a smaller draw is part of a larger one."""
    drawn: NDArray[np.bool_] = (pd.Series(ranks).groupby(labels).rank(method="first") <= size).to_numpy()
    return drawn


def _with_numbers(name: str) -> list[tuple[float, str]]:
    """What orders names by the numbers in them."""
    parts = re.findall(r"[0-9]+(?:\.[0-9]+)?|[^0-9]+", name)
    return [(float(part), "") if part[0].isdigit() else (-1, part) for part in parts]


def _evenly_spaced(size: int, limit: int) -> NDArray[np.int64]:
    """At most `limit` of the positions 0 to `size` - 1."""
    return np.unique(np.linspace(0, size - 1, min(size, limit)).round().astype(int))
