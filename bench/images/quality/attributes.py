"""The attributes of image files that an audit tests: their values, numbers that order them, words for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bench.images.quality.appearance_classifiers import ColourColumn, OverlayColumn
from bench.images.quality.histogram_classifier import histogram_decisions
from detectors.types import Array

OTHER_TABLES = 1000  # added to the nearest quality of a JPEG file whose tables are of none
FEW = 20  # images of a class: shares of so few are told as numbers


class AttributeColumn(Protocol):
    """One attribute of some images, by which they can be told apart."""

    @property
    def is_constant(self) -> bool:
        """Whether all images have the same value."""

    def select(self, rows: Array) -> AttributeColumn:
        """The images at these positions."""

    def decide(self, labels: Array, train: Array) -> Array:
        """Decisions on all images, (N,), 1 generated and 0 real, 0.5 for neither.

        Args:
            labels: int64 (N,), 0 real, 1 generated.
            train: bool (N,), the images that are learned from.
        """

    def evidence(self, labels: Array) -> str:
        """The largest difference of the classes in words."""


@dataclass(frozen=True, slots=True)
class ValuedAttribute:
    """An attribute that has a value in each file.

    Attributes:
        values: The value of each image, (N,).
        phrase: The predicate that states a value of images, such as "are PNG".
        numbers: Numbers by which values that few images have are divided into bins, float64 (N,) each; without any,
            such values are in one bin.
        median_label: What messages call the median of the first of the numbers; "" for none.
    """

    values: Callable[[pd.DataFrame], Array]
    phrase: Callable[[Any], str]
    numbers: Callable[[pd.DataFrame], list[Array]] = lambda _: []
    median_label: str = ""

    def __call__(self, table: pd.DataFrame) -> ValueColumn:
        """The attribute of the images of a table."""
        codes, values = pd.factorize(self.values(table), sort=True)
        return ValueColumn(self, codes, np.asarray(values), self.numbers(table))


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """The values of one attribute of some images.

    Attributes:
        attribute: The attribute.
        codes: int64 (N,), position of each image's value among `values`.
        values: The different values.
        numbers: float64 (N,) each, as `ValuedAttribute.numbers`.
    """

    attribute: ValuedAttribute
    codes: Array
    values: Array
    numbers: Sequence[Array]

    @property
    def is_constant(self) -> bool:
        """Whether all images have the same value."""
        return self.values.size == 1

    def select(self, rows: Array) -> ValueColumn:
        """The images at these positions."""
        present, codes = np.unique(self.codes[rows], return_inverse=True)
        return ValueColumn(self.attribute, codes, self.values[present], [numbers[rows] for numbers in self.numbers])

    def decide(self, labels: Array, train: Array) -> Array:
        """Decisions on all images, (N,), by a histogram."""
        return histogram_decisions(self.codes, self.numbers, labels, train)

    def evidence(self, labels: Array) -> str:
        """The value whose share differs most between the classes, or the medians where they differ more."""
        if self.is_constant:
            return f"all {self.attribute.phrase(self.values[0])}"
        totals = np.bincount(labels, minlength=2)
        counts = [np.bincount(self.codes[labels == label], minlength=self.values.size) for label in (0, 1)]
        gap = np.abs(counts[1] / totals[1] - counts[0] / totals[0])
        largest = int(
            np.flatnonzero(gap == gap.max())[-1]
        )  # of equals not the first, which is "none" where there is one
        if self.attribute.median_label and gap[largest] < _median_gap(self.numbers[0], labels):
            medians = [np.median(self.numbers[0][labels == label]) for label in (1, 0)]
            return f"{self.attribute.median_label} {medians[0]:.4g} against {medians[1]:.4g}"
        real, generated = (_share(int(counts[label][largest]), int(totals[label])) for label in (0, 1))
        return f"generated {self.attribute.phrase(self.values[largest])} in {generated}, real in {real}"


def _median_gap(numbers: Array, labels: Array) -> float:
    """Difference of the shares of the two classes that are above the median of all, in [0, 1]."""
    above = numbers > np.median(numbers)
    return float(abs(above[labels == 1].mean() - above[labels == 0].mean()))


def _share(count: int, total: int) -> str:
    """A share in whole percent; 0% and 100% mean none and all. Of few images, their number."""
    if total < FEW:
        return f"{count} of {total}"
    share = count / total
    if 0 < share < 0.005:
        return "under 1%"
    if 0.995 <= share < 1:
        return "over 99%"
    return f"{share:.0%}"


def _column(column: str) -> Callable[[pd.DataFrame], Array]:
    return lambda table: table[column].to_numpy()


def _area(table: pd.DataFrame) -> Array:
    area: Array = np.maximum(table["width"].to_numpy(np.float64) * table["height"].to_numpy(np.float64), 1)
    return area


def _bytes_per_pixel(table: pd.DataFrame) -> Array:
    density: Array = table["bytes"].to_numpy(np.float64) / _area(table)
    return density


def _packed_sizes(table: pd.DataFrame) -> Array:
    """Width, times 2^32, plus height."""
    return np.asarray(table["width"].to_numpy(np.int64) << 32 | table["height"].to_numpy(np.int64))


def _size_numbers(table: pd.DataFrame) -> list[Array]:
    """Area in pixels, and width divided by height."""
    return [_area(table), table["width"].to_numpy(np.float64) / np.maximum(table["height"].to_numpy(np.float64), 1)]


def _qualities(table: pd.DataFrame) -> Array:
    """The JPEG quality, or the nearest one and `OTHER_TABLES`; -1 for none."""
    quality, nearest = (table[name].to_numpy(np.int64) for name in ("quality", "nearest_quality"))
    return np.where((quality < 0) & (nearest >= 0), OTHER_TABLES + nearest, quality)


def _quality_phrase(value: int) -> str:
    if value >= OTHER_TABLES:
        return f"have non-standard JPEG tables, near quality {value - OTHER_TABLES},"
    return "have no JPEG quality" if value < 0 else f"have JPEG quality {value}"


ATTRIBUTES: Mapping[str, Callable[[pd.DataFrame], AttributeColumn]] = {
    "format": ValuedAttribute(_column("format"), lambda value: f"are {value}"),
    "size": ValuedAttribute(
        _packed_sizes, lambda value: f"are {value >> 32}x{value & 0xFFFFFFFF}", _size_numbers, "median area in pixels"
    ),
    "JPEG quality": ValuedAttribute(
        _qualities,
        _quality_phrase,
        lambda table: [table["nearest_quality"].to_numpy(np.float64)],
        "median JPEG quality (or nearest)",
    ),
    "chroma subsampling": ValuedAttribute(
        _column("subsampling"), lambda value: f"have JPEG's chroma {value}" if value else "have no JPEG chroma"
    ),
    "bytes per pixel": ValuedAttribute(
        _bytes_per_pixel,
        lambda value: f"have {value:.3g} bytes per pixel",
        lambda table: [_bytes_per_pixel(table)],
        "median bytes per pixel",
    ),
    "colour mode": ValuedAttribute(_column("mode"), lambda value: f"are in colour mode {value}"),
    "EXIF": ValuedAttribute(_column("exif"), lambda value: "have EXIF" if value else "have no EXIF"),
    "colour profile": ValuedAttribute(
        _column("profile"),
        lambda value: f"have the colour profile {value!r}" if value else "have no colour profile",
    ),
    "borders": ValuedAttribute(
        _column("borders"), lambda value: f"have borders ({value})" if value else "have no borders"
    ),
    "fixed pattern": OverlayColumn.of,
    "colour statistics": ColourColumn.of,
}
