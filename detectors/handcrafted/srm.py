"""The bank of 30 filters of the spatial rich model, its fourth-order co-occurrences, and logistic regression.

Fridrich and Kodovsky, "Rich Models for Steganalysis of Digital Images" (SRM), IEEE TIFS 2012: linear high-pass filters
of seven kinds; their residuals divided by the filter's centre and by a step, rounded and truncated at 2; runs of four
neighbours counted along and across the filter; runs that differ by sign or by direction, and filters that differ by a
rotation, counted together ("spam" submodels). The bank of 30 is the one that forensic networks start from: 8 filters of
first, 4 of second and 8 of third order, 4 edges of 3x3 and 4 of 5x5, squares of 3x3 and 5x5.

Of the 30, 22 differ: the other half of the first and third order are these with sign and position changed, under which
these statistics are invariant. Where this departs: the model's minimum and maximum residuals are left out, as they are
not linear; its diagonal filters, which it has only among those, are in. Its spam submodels have the steps 1 and 2 for
the first order and 1, 1.5 and 2 for all others, here 1 and 2 for all. A linear head replaces the paper's ensemble of
Fisher discriminants. Square roots of the frequencies are taken, as is usual where a linear head reads histograms.

The method `residual` keeps 3 of these filters, longer steps and shorter runs: fewer columns, less noise in each.
"""

# Why this size and step in the small setting: mean accuracy on the training generator, 5-fold on the train split of
# the embedded corpus, and milliseconds an image on one core.
#   64x64, step 2     .944   0.9
#   96x96, step 1     .954   1.8
#   96x96, step 2     .972   1.9   (.970 with C = 0.1)
# 128x128 with step 1 takes 4 ms and gained .006 over 96x96 with step 2, on the three generators it was tried on.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Runtime, Sample, Setting
from detectors.embedders.co_occurrences import count_codes, root_frequencies, symmetry_classes
from detectors.embedders.tensor_embedder import TensorEmbedder
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant
from detectors.preprocessing.crops import centre_square, luma

if TYPE_CHECKING:
    from torch import Tensor

Kernels = NDArray[np.float32]

SIDE, SMALL_SIDE = 256, 96
STEPS, SMALL_STEPS = (1.0, 2.0), (2.0,)  # of a residual divided by its filter's centre
C = 1.0
TRUNCATION = 2
RUN = 4
SYMBOLS = 2 * TRUNCATION + 1
RUNS = SYMBOLS**RUN
CLASSES = 169
WIDTH = 5  # of a filter

EDGE = ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2))  # the upper half of the 5x5 square


@dataclass(frozen=True)
class FilterClass:
    """Filters that are rotations of one filter.

    Attributes:
        kernel: The unrotated filter, along the rows if it has a direction; smaller ones are padded with zeros.
        centre: Divisor of the residuals.
        rotations: Number of quarter turns of it that differ.
        directed: Whether along and across differ: not for diagonals and squares.
    """

    kernel: tuple[tuple[int, ...], ...]
    centre: int
    rotations: int
    directed: bool


FILTER_CLASSES = (
    FilterClass(((0, 0, 0), (0, -1, 1), (0, 0, 0)), 1, 2, directed=True),
    FilterClass(((0, 0, 1), (0, -1, 0), (0, 0, 0)), 1, 2, directed=False),
    FilterClass(((0, 0, 0), (1, -2, 1), (0, 0, 0)), 2, 2, directed=True),
    FilterClass(((0, 0, 1), (0, -2, 0), (1, 0, 0)), 2, 2, directed=False),
    FilterClass(((0,) * 5, (0,) * 5, (0, 1, -3, 3, -1), (0,) * 5, (0,) * 5), 3, 2, directed=True),
    FilterClass(((0, 0, 0, 0, -1), (0, 0, 0, 3, 0), (0, 0, -3, 0, 0), (0, 1, 0, 0, 0), (0,) * 5), 3, 2, directed=False),
    FilterClass(((-1, 2, -1), (2, -4, 2), (0, 0, 0)), 4, 4, directed=True),
    FilterClass((*EDGE, (0,) * 5, (0,) * 5), 12, 4, directed=True),
    FilterClass(((-1, 2, -1), (2, -4, 2), (-1, 2, -1)), 4, 1, directed=False),
    FilterClass((*EDGE, EDGE[1], EDGE[0]), 12, 1, directed=False),
)
HISTOGRAMS = sum(1 + kind.directed for kind in FILTER_CLASSES)


class SrmEmbedder(TensorEmbedder):
    """Co-occurrences of 22 residuals: float32 (N, steps * 15 * 169), in [0, 1]."""

    def __init__(self, side: int, steps: tuple[float, ...], runtime: Runtime) -> None:
        named = "-".join(map(str, steps))
        super().__init__(f"srm.1.{side}.{named}", len(steps) * HISTOGRAMS * CLASSES, runtime)
        self.side = side
        self.steps = steps

    def prepare(self, sample: Sample) -> Array:
        """The luma of the centre, uint8 (side, side)."""
        return luma(centre_square(sample.pixels, self.side))

    def features(self, images: Tensor) -> Tensor:
        """Square roots of the frequencies of merged runs in N grey images, uint8 (N, side, side)."""
        import torch
        from torch.nn.functional import conv2d

        kernels, centres, rows, columns = (torch.from_numpy(array).to(images.device) for array in filter_bank())
        residuals = conv2d(images.float()[:, None], kernels)  # of whole numbers: exact in float32
        counts = images.new_zeros(len(images), len(self.steps), HISTOGRAMS, RUNS, dtype=torch.int64)
        for number, step in enumerate(self.steps):
            symbols = _quantise(residuals, centres * step)
            counts[:, number].index_add_(1, rows, count_codes(_codes(symbols, -1), RUNS))
            counts[:, number].index_add_(1, columns, count_codes(_codes(symbols, -2), RUNS))
        return root_frequencies(counts.flatten(1, 2), symmetry_classes(TRUNCATION, RUN))


def filter_bank() -> tuple[Kernels, Kernels, NDArray[np.int64], NDArray[np.int64]]:
    """The 22 filters, and the histograms in which their runs are counted.

    Returns:
        The filters, float32 (22, 1, 5, 5); their centres, float32 (22, 1, 1); and for each, int64 (22,), the histogram
        of its runs along the rows, and that of its runs along the columns.
    """
    kernels, centres, rows, columns = [], [], [], []
    histogram = 0
    for kind in FILTER_CLASSES:
        base = np.array(kind.kernel)
        padded = np.pad(base, (WIDTH - len(base)) // 2)
        for rotation in range(kind.rotations):
            along, across = histogram, histogram + kind.directed
            of_rows, of_columns = (along, across) if rotation % 2 == 0 else (across, along)
            kernels.append(np.rot90(padded, rotation))
            centres.append(kind.centre)
            rows.append(of_rows)
            columns.append(of_columns)
        histogram += 1 + kind.directed
    filters = np.array(kernels, np.float32)[:, None]
    return filters, np.array(centres, np.float32)[:, None, None], np.array(rows), np.array(columns)


def _quantise(residuals: Tensor, steps: Tensor) -> Tensor:
    """Residuals in steps, rounded half away from 0 as published, truncated at 2: uint8 with values 0 to 4."""
    import torch

    ratios = residuals / steps
    return (
        ratios.add_(ratios.sign(), alpha=0.5).trunc_().clamp_(-TRUNCATION, TRUNCATION).add_(TRUNCATION).to(torch.uint8)
    )


def _codes(symbols: Tensor, axis: int) -> Tensor:
    """The code of the run of four that begins at each symbol along an axis of N times F maps, int16 (N, F, ., .)."""
    length = symbols.shape[axis] - 1
    pairs = (SYMBOLS * symbols.narrow(axis, 0, length) + symbols.narrow(axis, 1, length)).short()
    return SYMBOLS**2 * pairs.narrow(axis, 0, length - 2) + pairs.narrow(axis, 2, length - 2)


VARIANT = ProbeVariant(
    trained_on="the train subset of the run",
    input_size="256x256, luma",
    input_policy="centre crop, nothing resampled; a smaller image: its centred square, enlarged bilinearly",
    embedder=partial(SrmEmbedder, SIDE, STEPS),
    head=Logistic(C),
)


@dataclass(frozen=True)
class Srm(ProbeRecipe):
    """Fourth-order co-occurrences of the whole filter bank and logistic regression."""

    card: ClassVar[Card] = Card(
        name="srm",
        family="noise residual",
        year=2012,
        version=1,
        title="SRM filter bank + logistic regression",
        paper="Fridrich and Kodovsky, Rich Models for Steganalysis of Digital Images, IEEE TIFS 2012",
        upstream="https://dde.binghamton.edu/download/feature_extractors (nothing copied)",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, ProbeVariant]] = {
        "paper": VARIANT,
        "small": replace(VARIANT, input_size="96x96, luma", embedder=partial(SrmEmbedder, SMALL_SIDE, SMALL_STEPS)),
    }
