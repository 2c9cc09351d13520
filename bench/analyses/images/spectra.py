"""Average spectra of noise residuals, by generator and degradation, and what each image adds to fingerprints.

The spectrum of a generator is the mean over its images of the logarithm of the power of the residual, at each
frequency of the two-dimensional Fourier transform: traces of upsampling stand out as peaks, and the fall towards high
frequencies differs from that of real images. `bench.analyses.images.residuals` says what a residual is, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.images.degraded_pass import REAL, LeftOut, drawn_by_content, made_arrays
from bench.analyses.images.residuals import Map, decibels, frequencies, power, radial_profile, residual
from bench.engine.selections import Positions
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
from bench.records.columns import DEGRADATION, GENERATOR, IMAGES, NAME, REASON
from detectors.api import Array, Sample
from detectors.types import Facts
from protocols.api import NONE
from protocols.degradations import Degradation, parse_degradation

LARGEST_SIDE = 256  # where no side is stated: what is kept of a generator is 12 maps of it
SMALLEST_SIDE = 16
SHARE = 0.95  # of the drawn images that have the side, where none is stated: one small image does not shrink all others
BLOCKS = 10  # disjoint parts of the images of a generator, whose residuals are added up apart
SIDE, FREQUENCY, LOG_POWER, DIFFERENCE = "side", "frequency", "log_power_db", "difference_db"
SPECTRA = (GENERATOR, DEGRADATION, IMAGES, SIDE, FREQUENCY, LOG_POWER, DIFFERENCE)  # columns of `spectrum_table`


@dataclass(frozen=True)
class SpectraRequest:
    """Which spectra are averaged.

    Attributes:
        degradations: Applied to every image first, one after the other.
        count: Images of each generator, and real ones, at most.
        side: Of the centre crop; None for the largest power of two, up to `LARGEST_SIDE`, that nearly all images have.
            An even number.
    """

    degradations: tuple[str, ...] = (NONE,)
    count: int = 100
    side: int | None = None

    def __post_init__(self) -> None:
        """Raises InputError for a number of images or a side that there cannot be."""
        if self.count < 1:
            msg = f"spectra of {self.count} images of each generator were asked for; give 1 or more"
            raise InputError(msg)
        if self.side is not None and (self.side < SMALLEST_SIDE or self.side % 2):
            msg = f"spectra of crops of {self.side} pixels were asked for; give an even side from {SMALLEST_SIDE} on"
            raise InputError(msg)


@dataclass(frozen=True)
class AverageSpectrum:
    """The average spectrum of one generator, or of real images, under one degradation.

    Attributes:
        generator: Its name, or `REAL`.
        degradation: Canonical name.
        images: Number of images.
        log_power: Mean logarithmic power at each frequency, float64 (side, side) in decibels to one squared grey level;
            frequency 0 at [side // 2, side // 2].
        power: Mean power, likewise, in squares of grey levels.
        blocks: Sums of the residuals of disjoint parts of the images, float64 (B, side, side) in grey levels.
    """

    generator: str
    degradation: str
    images: int
    log_power: Map
    power: Map
    blocks: NDArray[np.float64]

    @property
    def side(self) -> int:
        """Of the crops, in pixels."""
        return len(self.log_power)

    @cached_property
    def radial(self) -> NDArray[np.float64]:
        """Mean logarithmic power over rings of one frequency, float64 (side // 2 + 1,), as `radial_profile`."""
        return radial_profile(self.log_power)

    @property
    def fingerprint(self) -> Map:
        """The mean residual, float64 (side, side) in grey levels."""
        return np.asarray(self.blocks.sum(axis=0) / self.images)


@dataclass(frozen=True)
class Spectra:
    """The spectra of a data set.

    Attributes:
        spectra: Of each generator in the order of the data, then of real images; degradation by degradation.
        left_out: The drawn images that some of them are without.
    """

    spectra: tuple[AverageSpectrum, ...]
    left_out: tuple[LeftOut, ...]

    def under(self, degradation: str) -> dict[str, AverageSpectrum]:
        """The spectra under one degradation, by generator and `REAL`."""
        return {one.generator: one for one in self.spectra if one.degradation == degradation}

    def differences(self, degradation: str = NONE) -> dict[str, Map]:
        """By generator, its spectrum minus that of real images, float64 (side, side) in decibels."""
        found = self.under(degradation)
        real = found.pop(REAL, None)
        return {} if real is None else {name: one.log_power - real.log_power for name, one in found.items()}


@dataclass
class _Sums:
    """What is added up over the images of one generator under one degradation."""

    side: int
    images: int = 0
    log_power: Map = field(init=False)
    power: Map = field(init=False)
    blocks: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.log_power, self.power = (np.zeros((self.side, self.side)) for _ in range(2))
        self.blocks = np.zeros((BLOCKS, self.side, self.side))

    def add(self, values: Map, powers: Map) -> None:
        self.log_power += decibels(powers)
        self.power += powers
        self.blocks[self.images % BLOCKS] += values
        self.images += 1

    def mean(self, generator: str, degradation: str) -> AverageSpectrum:
        blocks = self.blocks[: min(BLOCKS, self.images)]
        return AverageSpectrum(
            generator, degradation, self.images, self.log_power / self.images, self.power / self.images, blocks
        )


def average_spectra(inspected: InspectedImages, request: SpectraRequest, workers: int) -> Spectra:
    """The average spectra of residuals of each generator and of real images, under each degradation.

    Sums are taken in the order of the draw, so that neither names nor workers change a bit of them.

    Args:
        inspected: The images.
        request: Which spectra.
        workers: Threads that decode, degrade and transform.

    Raises:
        InputError: Hardly an image has a crop of the smallest side.
        UnknownDegradation: A degradation is none.
    """
    drawn = drawn_by_content(inspected, request.count)
    chains = {one.name: one for one in map(parse_degradation, request.degradations)}
    sides = {name: request.side or common_side(inspected, drawn, chain) for name, chain in chains.items()}
    makers = {name: partial(_residual_and_power, side=side) for name, side in sides.items()}
    left_out: list[LeftOut] = []
    found: dict[tuple[str, str], AverageSpectrum] = {}
    for generator, rows in drawn.items():
        sums = {name: _Sums(side) for name, side in sides.items()}
        for made in made_arrays(inspected.images, rows, makers, workers):
            if made.array is None:
                left_out.append(LeftOut(inspected.images.names[made.row], made.degradation, made.reason))
            else:
                sums[made.degradation].add(*made.array)
        found |= {(name, generator): one.mean(generator, name) for name, one in sums.items() if one.images}
    order = [(name, generator) for name in chains for generator in drawn]
    return Spectra(tuple(found[key] for key in order if key in found), tuple(left_out))


def _residual_and_power(sample: Sample, side: int) -> Array:
    """The residual of a sample and its power, float64 (2, side, side)."""
    values = residual(sample.pixels, side)
    return np.stack([values, power(values)])


def common_side(inspected: InspectedImages, drawn: Mapping[str, Positions], degradation: Degradation) -> int:
    """The largest power of two, up to `LARGEST_SIDE`, that `SHARE` of some images have after a degradation.

    Args:
        inspected: The images; nothing of them is read, as their sizes are known.
        drawn: By generator, positions of images.
        degradation: Its effect on sizes is found with a black image.

    Raises:
        InputError: It would be less than `SMALLEST_SIDE`.
    """
    rows = np.concatenate(list(drawn.values()))
    sizes = inspected.records[["height", "width"]].to_numpy()[rows]
    smallest = sizes[np.argsort(sizes.min(axis=1), kind="stable")[int((1 - SHARE) * len(rows))]]
    black = np.zeros((*smallest, 3), np.uint8)
    facts = Facts("PNG", int(smallest[1]), int(smallest[0]), black.nbytes)
    try:
        short = min(degradation(Sample(black, facts)).pixels.shape[:2])
    except ValueError:  # a size that it does not take is left out when its turn comes
        short = int(smallest.min())
    if short < SMALLEST_SIDE:
        msg = (
            f"{inspected.images.files.where}: under {degradation.name} images have {short} pixels on their shorter "
            f"side, and a spectrum needs {SMALLEST_SIDE}; leave the degradation out, or give larger images"
        )
        raise InputError(msg)
    return min(LARGEST_SIDE, 1 << (int(short).bit_length() - 1))


def spectrum_table(spectra: Spectra) -> pd.DataFrame:
    """The radial profiles, one row per generator, degradation and frequency, columns `SPECTRA`.

    `frequency` is in cycles per pixel, `log_power_db` in decibels to one squared grey level, and `difference_db` what
    it is above that of real images under the same degradation, missing where there are none.
    """
    tables = [_rows(one, spectra.under(one.degradation).get(REAL)) for one in spectra.spectra]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(SPECTRA))


def _rows(one: AverageSpectrum, real: AverageSpectrum | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            GENERATOR: one.generator,
            DEGRADATION: one.degradation,
            IMAGES: one.images,
            SIDE: one.side,
            FREQUENCY: frequencies(one.side),
            LOG_POWER: one.radial,
            DIFFERENCE: np.nan if real is None else one.radial - real.radial,
        },
        columns=list(SPECTRA),
    )


def left_out_table(left_out: Sequence[LeftOut]) -> pd.DataFrame:
    """The images that an analysis is without, columns `name`, `degradation` and `reason`."""
    rows = [(one.name, one.degradation, one.reason) for one in left_out]
    return pd.DataFrame(rows, columns=[NAME, DEGRADATION, REASON])
