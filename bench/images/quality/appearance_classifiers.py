"""Two attributes of pixels that an audit tests: the statistics of colours, and patterns that stand at one place.

A logo, a watermark or a frame is found by the differences between neighbouring cells of the luma grid: over many images
their mean is about 0 where nothing is fixed, whatever the images show and however bright or sharp they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bench.images.quality.appearance import CELL_STARTS, CELLS, COLOUR_NUMBERS, SMALL_SIDE
from detectors.types import Array

MIN_TRAINING_IMAGES = 5  # of each class, to learn from
# of the means of the classes, for a difference between two cells to count as a fixed pattern of one class
MIN_STANDARD_ERRORS = 4.5
MIN_DEVIATIONS = 0.5
MIN_VARIANCE = 1.0  # of levels
BLOCK_IMAGES = 4096  # in memory at a time
COLOUR_WORDS = (
    *("mean luma", "mean of red minus green", "mean of blue minus green"),
    *("spread of luma", "spread of red minus green", "spread of blue minus green"),
)
ROWS, COLUMNS = ("top", "", "bottom"), ("left", "", "right")


@dataclass(frozen=True)
class ColourColumn:
    """The colour statistics of some images.

    Attributes:
        numbers: float64 (N, 6), as `appearance.colour_and_grid`.
    """

    numbers: Array

    @classmethod
    def of(cls, table: pd.DataFrame) -> ColourColumn:
        """From a column `colour`."""
        joined = np.frombuffer(b"".join(table["colour"]), np.float32)
        return cls(joined.reshape(-1, COLOUR_NUMBERS).astype(np.float64))

    @property
    def is_constant(self) -> bool:
        """Whether all images have the same."""
        return bool((self.numbers == self.numbers[:1]).all())

    def select(self, rows: Array) -> ColourColumn:
        """The images at these positions."""
        return ColourColumn(self.numbers[rows])

    def decide(self, labels: Array, train: Array) -> Array:
        """Decisions on all images, (N,), by a normal distribution of each number in each class."""
        likelihoods = []
        for label in (0, 1):
            members = self.numbers[train & (labels == label)]
            if len(members) < MIN_TRAINING_IMAGES:
                return np.full(labels.size, 0.5)
            variance = members.var(axis=0) + 1e-3 * MIN_VARIANCE
            likelihoods.append(
                -(((self.numbers - members.mean(axis=0)) ** 2) / variance + np.log(variance)).sum(axis=1)
            )
        decisions: Array = (1 + np.sign(likelihoods[1] - likelihoods[0])) / 2
        return decisions

    def evidence(self, labels: Array) -> str:
        """The number whose medians differ most between the classes, for its spread."""
        medians = np.array([np.median(self.numbers[labels == label], axis=0) for label in (0, 1)])
        most = int(np.argmax(np.abs(medians[1] - medians[0]) / (self.numbers.std(axis=0) + 1e-9)))
        return f"{COLOUR_WORDS[most]}: median {medians[1][most]:.3g} of generated against {medians[0][most]:.3g}"


@dataclass(frozen=True)
class OverlayColumn:
    """The luma grids of some images.

    Attributes:
        grids: uint8 (N, 16, 16), as `appearance.colour_and_grid`.
    """

    grids: Array

    @classmethod
    def of(cls, table: pd.DataFrame) -> OverlayColumn:
        """From a column `luma_grid`."""
        return cls(np.frombuffer(b"".join(table["luma_grid"]), np.uint8).reshape(-1, CELLS, CELLS))

    @property
    def is_constant(self) -> bool:
        """Whether all images have the same."""
        return bool((self.grids == self.grids[:1]).all())

    def select(self, rows: Array) -> OverlayColumn:
        """The images at these positions."""
        return OverlayColumn(self.grids[rows])

    def decide(self, labels: Array, train: Array) -> Array:
        """Decisions on all images, (N,), by the differences that are fixed in one class; 0.5 where there are none."""
        pattern = self._pattern(labels, train)
        if pattern is None:
            return np.full(labels.size, 0.5)
        weights = np.where(pattern.fixed, pattern.shift / pattern.variance, 0)
        middle = pattern.means.mean(axis=0)
        scores = [(differences - middle) @ weights for _, differences in self._blocks(np.arange(labels.size))]
        decisions: Array = (1 + np.sign(np.concatenate(scores))) / 2
        return decisions

    def evidence(self, labels: Array) -> str:
        """Which class has a pattern, and where."""
        pattern = self._pattern(labels, np.ones(labels.size, bool))
        if pattern is None:
            return "no pattern stands at one place"
        strength = np.where(pattern.fixed, np.abs(pattern.shift) / np.sqrt(pattern.variance), 0)
        most = int(strength.argmax())
        owner = ("real", "generated")[int(np.abs(pattern.means[:, most]).argmax())]
        return f"{owner} share a pattern {_place(most)} (a mark, or what they show)"

    def _pattern(self, labels: Array, train: Array) -> _Pattern | None:
        """The differences between cells that are fixed in one class of the training images; None for none."""
        counts = np.bincount(labels[train], minlength=2)
        if counts.min() < MIN_TRAINING_IMAGES:
            return None
        sums, squares = np.zeros((2, _DIFFERENCES)), np.zeros((2, _DIFFERENCES))
        for rows, differences in self._blocks(np.flatnonzero(train)):
            for label in (0, 1):
                members = differences[labels[rows] == label]
                sums[label] += members.sum(axis=0)
                squares[label] += np.einsum("ij,ij->j", members, members)
        means = sums / counts[:, None]
        variances = np.maximum(squares / counts[:, None] - means**2, MIN_VARIANCE)
        pattern = _Pattern(means, variances, counts)
        return pattern if pattern.fixed.any() else None

    def _blocks(self, rows: Array) -> Iterator[tuple[Array, Array]]:
        """Positions of some images, and the differences between the neighbouring cells of each, float32 (B, 480)."""
        for start in range(0, rows.size, BLOCK_IMAGES):
            block = rows[start : start + BLOCK_IMAGES]
            grids = self.grids[block].astype(np.float32)
            parts = [np.diff(grids, axis=axis).reshape(block.size, -1) for axis in (1, 2)]
            yield block, np.concatenate(parts, axis=1)


_DIFFERENCES = 2 * CELLS * (CELLS - 1)


@dataclass(frozen=True)
class _Pattern:
    """Differences between neighbouring cells, down and then across, in the two classes.

    Attributes:
        means: float64 (2, 480).
        variances: float64 (2, 480).
        counts: int64 (2,), images.
    """

    means: Array
    variances: Array
    counts: Array

    @property
    def shift(self) -> Array:
        """From the mean of real images to that of generated ones, (480,)."""
        shift: Array = self.means[1] - self.means[0]
        return shift

    @property
    def variance(self) -> Array:
        """Within the classes, both alike, (480,)."""
        variance: Array = self.variances.mean(axis=0)
        return variance

    @cached_property
    def fixed(self) -> Array:
        """Which differences tell the classes apart, bool (480,): by far more than chance, and than images differ."""
        error = np.sqrt((self.variances / self.counts[:, None]).sum(axis=0))
        shift = np.abs(self.shift)
        fixed: Array = (shift > MIN_STANDARD_ERRORS * error) & (shift > MIN_DEVIATIONS * np.sqrt(self.variance))
        return fixed


def _place(difference: int) -> str:
    """Where in an image a difference between two cells lies, by thirds."""
    down, rest = divmod(difference, CELLS * (CELLS - 1))
    row, column = divmod(rest, CELLS if down == 0 else CELLS - 1)
    row_word, column_word = (
        names[3 * CELL_STARTS[cell] // SMALL_SIDE] for names, cell in ((ROWS, row), (COLUMNS, column))
    )
    if row_word and column_word:
        return f"in the {row_word} {column_word} corner"
    side = row_word or column_word
    return f"at the {side}" if side else "in the middle"
