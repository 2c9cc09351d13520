"""Numbers of images and of their pixels: of any images of a run, by the format of their files and by degradation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engine.image_pass import position_mask
from bench.engine.selections import DistinctImages, Positions
from bench.images.image_set import ImageSet
from protocols.api import NONE

Counted = Mapping[str, "Amount"]


@dataclass(frozen=True)
class Amount:
    """Images that something is done to.

    Attributes:
        images: Their number; an image counts as often as it is done to it.
        pixels: Of all of them together, before any degradation.
    """

    images: int = 0
    pixels: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.images + other.images, self.pixels + other.pixels)

    def times(self, factor: float) -> Amount:
        """So many times as many images."""
        return Amount(round(self.images * factor), self.pixels * factor)


@dataclass(frozen=True)
class ImagesRead:
    """What one pass over images reads, or all fits together.

    Attributes:
        decoded: Images that are decoded, by format of the file.
        degraded: How often a step of a degradation is taken, by the beginning of its chain up to it, such as "lr:112"
            and "lr:112+jpeg:75".
    """

    decoded: Counted
    degraded: Counted

    def __add__(self, other: ImagesRead) -> ImagesRead:
        return ImagesRead(added([self.decoded, other.decoded]), added([self.degraded, other.degraded]))

    def times(self, factor: float) -> ImagesRead:
        """The same so many times."""
        return ImagesRead(
            *({name: one.times(factor) for name, one in part.items()} for part in (self.decoded, self.degraded))
        )


def added(parts: Iterable[Counted]) -> dict[str, Amount]:
    """Amounts added up by name."""
    total: dict[str, Amount] = defaultdict(Amount)
    for part in parts:
        for name, amount in part.items():
            total[name] += amount
    return dict(total)


def beginnings(chain: str) -> list[str]:
    """A chain up to each of its steps, the whole of it last; none of `NONE` and of ""."""
    steps = chain.split("+") if chain not in {"", NONE} else []
    return ["+".join(steps[: end + 1]) for end in range(len(steps))]


class ImageAmounts:
    """How many images, and which, stand behind the distinct images of a run.

    Attributes:
        size: Number of the distinct images.
    """

    def __init__(self, pool: DistinctImages) -> None:
        """Look at the distinct images of a run."""
        self.size = len(pool)
        self._counts = _of_pool(pool, [images.image_counts for images in pool.sets])
        self._pixels = self._counts * _of_pool(pool, [images.pixel_counts for images in pool.sets])
        self._formats = _of_pool(pool, [np.array(images.formats, dtype=object) for images in pool.sets])
        self._own_chains = _of_pool(pool, [np.array(images.degradations, dtype=object) for images in pool.sets])

    def of(self, images: Positions | NDArray[np.bool_]) -> Amount:
        """The amount of these images."""
        return Amount(int(self._counts[images].sum()), float(self._pixels[images].sum()))

    def reading(self, requests: Iterable[tuple[str, Positions]]) -> ImagesRead:
        """What a pass reads in which these images are asked for under these chains of degradations.

        An image is decoded once, and a step that several chains begin with is taken once. What the data set itself has
        degraded is degraded whenever it is decoded.
        """
        masks: dict[str, NDArray[np.bool_]] = defaultdict(lambda: np.zeros(self.size, bool))
        for chain, images in requests:
            masks[chain] |= position_mask(images, self.size)
        read: NDArray[np.bool_] = np.logical_or.reduce([np.zeros(self.size, bool), *masks.values()])
        steps: dict[str, NDArray[np.bool_]] = defaultdict(lambda: np.zeros(self.size, bool))
        for chain, mask in masks.items():
            for step in beginnings(chain):
                steps[step] |= mask
        of_data = self._by(self._own_chains, read).items()
        degraded = added(
            [
                *({step: self.of(mask)} for step, mask in steps.items()),
                *({step: amount} for chain, amount in of_data for step in beginnings(chain)),
            ]
        )
        return ImagesRead(self._by(self._formats, read), degraded)

    def _by(self, values: NDArray[np.object_], read: NDArray[np.bool_]) -> dict[str, Amount]:
        """The amounts of the images that are read, by the value of each."""
        return {str(value): self.of(read & (values == value)) for value in dict.fromkeys(values[read])}


def by_format(images: ImageSet) -> dict[str, Amount]:
    """All images of a set by the format of their files."""
    formats = np.array(images.formats, dtype=object)
    return {
        str(one): Amount(int(counts.sum()), float((counts * images.pixel_counts[formats == one]).sum()))
        for one in dict.fromkeys(formats)
        for counts in [images.image_counts[formats == one]]
    }


def _of_pool(pool: DistinctImages, by_set: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """A value of each distinct image, (M,), from those of the rows of each set."""
    if not by_set:
        return np.zeros(0)
    starts = np.cumsum([0, *(len(values) for values in by_set[:-1])])
    values: NDArray[Any] = np.concatenate(by_set)[starts[pool.owners] + pool.rows]
    return values
