"""Images that are known by their numbers alone, as an image set of few rows that stand for many images each.

Plans are made of it as of any other data set. The images of one generator, class and split are cut into parts that
grow, so that a draw of a few of them is met closely, and 3 million images are some thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.counts.table import ImageCount, counts_path, read_counts
from bench.images.files.tree import FileStamp
from bench.images.image_set import COLUMNS, ImageSet, TooFewImages
from bench.images.layouts.api import SHARED_POOL, ImageRow
from bench.images.vocabulary.generator_names import GENIMAGE, canonical_name, family_of
from bench.platform.errors import InputError
from bench.platform.files import digest
from protocols.api import Subset

GROWTH = 0.1  # of a part against all before it: how far off a draw can be, as a share of what is drawn
COUNT_COLUMNS = ("images", "width", "height", "format")


@dataclass(frozen=True)
class CountedFiles:
    """Files of which nothing is known but how many there are.

    Attributes:
        where: The table of counts.
        identity: What a cache calls them.
    """

    where: str
    identity: str

    def read(self, name: str) -> bytes:
        """None. Raises `FileNotFoundError`."""
        raise FileNotFoundError(name)

    def stamp(self, name: str) -> FileStamp:
        """None. Raises `FileNotFoundError`."""
        raise FileNotFoundError(name)


class CountedImages(ImageSet):
    """An image set whose rows stand for several images each, with the further columns `COUNT_COLUMNS`."""

    @cached_property
    def image_counts(self) -> NDArray[np.int64]:
        """How many images each row stands for, (N,)."""
        return self.table["images"].to_numpy(dtype=np.int64)

    @cached_property
    def pixel_counts(self) -> NDArray[np.float64]:
        """Pixels of a usual image of each row, (N,)."""
        return (self.table["width"] * self.table["height"]).to_numpy(dtype=np.float64)

    @cached_property
    def formats(self) -> Sequence[str]:
        """Format of the files of each row."""
        return self.table["format"].tolist()

    @cached_property
    def short_side(self) -> int:
        """The commonest short side of a usual image of each generator and pool, in pixels."""
        groups = self.table.drop_duplicates(["generator", "label"])
        return int(groups[["width", "height"]].min(axis=1).mode().iloc[0])

    def largest_size(self, subset: Subset) -> int:
        """The largest `size` that a subset can be asked for: images of its rarer class."""
        selected = self.table[self._mask(subset)]
        return min(int(selected.loc[selected["label"] == label, "images"].sum()) for label in (0, 1))

    def select_at_most(self, limit: int) -> ImageSet:
        """At most `limit` images of each generator, split and class."""
        groups = self.table.groupby(["generator", "split", "label"], sort=False, observed=True)
        before = groups["images"].cumsum() - self.table["images"]
        kept = self.table.assign(images=self.table["images"].clip(upper=limit - before))
        return replace(self, table=kept[kept["images"] > 0].reset_index(drop=True))

    def _rows_of_part(self, subset: Subset, ranks: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The rows of a subset in which no further generators join; of a `size`, those that come closest to it."""
        del ranks  # the rows of a group are in the order in which its images are drawn
        rows = np.flatnonzero(self._mask(subset))
        required = max(1, subset.size or 1)
        parts = []
        for label, noun in ((0, "real"), (1, "generated")):
            part = rows[self.labels[rows] == label]
            if (count := int(self.image_counts[part].sum())) < required:
                split = "" if subset.split == "all" else f" in its {subset.split} split"
                asked = "" if subset.size is None else f", {subset.size} are asked for"
                reason = f"{subset.name} has {count or 'no'} {noun} images{split}{asked}"
                raise TooFewImages(self.files.where, reason)
            parts.append(part if subset.size is None else self._drawn_rows(part, subset.size))
        return np.sort(np.concatenate(parts))

    def _drawn_rows(self, rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """The rows that are drawn for so many images: a smaller draw is part of a larger one."""
        table = self.table.iloc[rows]
        groups = table.groupby(["generator", "split"], sort=False, observed=True)["images"]
        places = ((groups.cumsum() - table["images"]) / groups.transform("sum")).to_numpy()
        order = rows[np.argsort(places, kind="stable")]
        drawn = np.cumsum(self.image_counts[order])
        return order[: int(np.argmin(np.abs(drawn - size))) + 1]


def counted_images(place: str) -> CountedImages:
    """The images of a table of counts, by its name or path. Raises `InputError` where it is none."""
    path = str(counts_path(place))
    counts = [count._replace(generator=canonical_name(count.generator)) for count in read_counts(place)]
    rows = [
        (
            *ImageRow(f"{name}/{index}", count.label, count.generator, count.split, "", f"{name}/{index}"),
            images,
            *count[4:],
        )
        for count in counts
        for name in ["/".join((count.generator, count.split, "ai" if count.label else "nature"))]
        for index, images in enumerate(_parts(count.images))
    ]
    generators = dict.fromkeys(count.generator for count in counts if count.label)
    known = [name for name, _, _ in GENIMAGE if name in generators]
    return CountedImages(
        CountedFiles(path, f"counts:{digest(*map(str, rows))}"),
        place,
        "folder",
        "",
        {name: family_of(name) for name in dict.fromkeys([*known, *sorted(generators)])},
        pd.DataFrame(rows, columns=[*COLUMNS, *COUNT_COLUMNS]),
        _pools(counts, path),
        notes=(
            "these are numbers of images, of which none is here: the plan of a run can be seen, and no run started",
        ),
        listed=len(rows),
    )


def _parts(images: int) -> Iterator[int]:
    """A number as a sum of parts, of 1 at first and then in proportion to what is before them."""
    done = 0
    while done < images:
        part = min(images - done, 1 + int(done * GROWTH))
        yield part
        done += part


def _pools(counts: Sequence[ImageCount], path: str) -> dict[str, str]:
    """The pool of real images of each generator. Raises `InputError` for a generator without one."""
    present = {count.generator for count in counts if not count.label}
    pools = {}
    for generator in dict.fromkeys(count.generator for count in counts if count.label):
        pool = next((name for name in (generator, SHARED_POOL) if name in present), None)
        if pool is None:
            msg = (
                f"counts {path} have no real images that stand against {generator}; add some, or some of {SHARED_POOL}"
            )
            raise InputError(msg)
        pools[generator] = pool
    return pools
