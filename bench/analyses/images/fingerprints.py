"""Fingerprints of generators: what their images have in common at the same pixels, told from chance.

The mean residual of many images of a generator keeps the pattern that it leaves in each, as that of a camera does, and
the scenes cancel: Marra et al., "Do GANs leave artificial fingerprints?", MIPR 2019, arXiv 1812.11842. Two questions
are asked of it.

- Is there a periodic pattern? At each frequency the power of the sum of the residuals is divided by the sum of their
  powers: 1 in the mean where phases are unrelated, as many as there are images where all agree. For unrelated uniform
  phases the chance of z or more is at most z exp(1 - z), whatever the powers, and 2 exp(-z / 2) at the frequencies that
  have no phase but a sign; over all frequencies it is at most the sum (Bonferroni).
- Do two generators have a pattern in common? The mean residuals of disjoint halves of the images are correlated, one
  half of either generator, and two halves of the same one. By chance the residuals of a part are as likely as their
  negatives: the exact sign-flip test over `BLOCKS` parts counts how often the correlation is as high for flipped signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.images.residuals import Map, power
from bench.analyses.images.spectra import AverageSpectrum, Spectra
from bench.records.columns import DEGRADATION, GENERATOR, IMAGES

FEWEST = 4  # images of a generator whose halves are correlated
PEAK, PEAK_P = "peak_to_noise", "peak_p"
PEAK_Y, PEAK_X = "peak_frequency_y", "peak_frequency_x"
CORRELATION, CORRELATION_P, OTHER = "correlation", "p", "other"
FINGERPRINTS = (GENERATOR, DEGRADATION, IMAGES, PEAK, PEAK_Y, PEAK_X, PEAK_P, "split_half_correlation", "split_half_p")
CORRELATIONS = (DEGRADATION, GENERATOR, OTHER, CORRELATION, CORRELATION_P)  # columns of `correlation_table`
Signs = NDArray[np.float64]  # (2 ** B, B), each -1 or 1
Products = NDArray[np.float64]  # inner products of residuals


@dataclass(frozen=True)
class Peak:
    """The frequency at which residuals agree most.

    Attributes:
        ratio: The power of their sum, divided by the sum of their powers: about 1 by chance, the number of images where
            all agree.
        y: Cycles per pixel from top to bottom, in [-0.5, 0]. (y, x) and (-y, -x) are one frequency.
        x: Cycles per pixel from left to right, in [-0.5, 0.5).
        p: The most that the chance of such agreement at any frequency can be, for unrelated uniform phases.
    """

    ratio: float
    y: float
    x: float
    p: float


@dataclass(frozen=True)
class Correlations:
    """Correlations of the fingerprints of generators under one degradation.

    Attributes:
        degradation: Canonical name.
        generators: Their names, and that of real images, in order.
        values: float64 (G, G), symmetric, in [-1, 1]: of different halves of the images; beside the diagonal the mean
            of the two ways to take a half of either. NaN where one has fewer than `FEWEST` images.
        p: float64 (G, G), symmetric: how often chance gives as much or more, the larger of the two where the signs of
            either are flipped; not adjusted for the number of pairs.
    """

    degradation: str
    generators: tuple[str, ...]
    values: NDArray[np.float64]
    p: NDArray[np.float64]


def normalised(fingerprint: Map) -> Map:
    """A fingerprint without its mean, of unit energy, float64 (side, side); zeros where it is flat."""
    centred = fingerprint - fingerprint.mean()
    energy = float(np.sqrt(np.square(centred).sum()))
    return np.asarray(centred / energy) if energy else centred


def agreement(spectrum: AverageSpectrum) -> Map:
    """How far the residuals of a generator agree at each frequency, float64 (side, side), frequency 0 in the middle.

    In [0, number of images]: the power of the sum of the residuals, divided by the sum of their powers, 0 where they
    have none.
    """
    total = power(spectrum.blocks.sum(axis=0))
    parts = spectrum.power * spectrum.images
    found: Map = np.divide(total, parts, out=np.zeros_like(total), where=parts > 0)
    return found


def peak(spectrum: AverageSpectrum) -> Peak:
    """The frequency of a generator whose agreement is the least likely by chance, frequency 0 left out."""
    side = spectrum.side
    ratios = agreement(spectrum).ravel()
    steps = np.arange(side) - side // 2
    places = np.arange(side * side)
    negative = (side - np.arange(side)) % side  # where the negative of each centred step is
    opposite = (negative[:, None] * side + negative[None, :]).ravel()
    one_of_two = (places <= opposite) & (places != side // 2 * (side + 1))
    signed = places == opposite  # frequencies that have no phase but a sign
    chance = np.where(signed, 2 * np.exp(-ratios / 2), ratios * np.exp(1 - np.maximum(ratios, 1)))
    chance = np.where(ratios > 1, np.minimum(chance, 1), 1.0)
    asked = np.flatnonzero(one_of_two)
    # of equal ones, as are all that are certain to come by chance, the strongest
    top = asked[np.lexsort((-ratios[asked], chance[asked]))[0]]
    y, x = steps[top // side] / side, steps[top % side] / side
    return Peak(float(ratios[top]), float(y), float(x), min(1.0, float(chance[top]) * len(asked)))


def correlations(spectra: Mapping[str, AverageSpectrum]) -> Correlations:
    """Correlations between the fingerprints of different halves of the images.

    Args:
        spectra: By generator, its spectrum and residuals; all under one degradation and of one side.
    """
    names = tuple(spectra)
    values, p = (np.full((len(names), len(names)), np.nan) for _ in range(2))
    enough = [place for place, name in enumerate(names) if spectra[name].images >= FEWEST]
    if enough:
        maps = [_centred_blocks(spectra[names[place]]) for place in enough]
        limits = np.cumsum([0, *(len(one) for one in maps)])
        stacked = np.concatenate(maps)
        products = stacked @ stacked.T
        parts = [slice(start, stop) for start, stop in pairwise(limits)]
        for (one, first), (two, second) in product(zip(enough, parts, strict=True), repeat=2):
            values[one, two], p[one, two] = _own(products, first) if one == two else _pair(products, first, second)
    degradation = next((one.degradation for one in spectra.values()), "")
    return Correlations(degradation, names, (values + values.T) / 2, np.maximum(p, p.T))


def _centred_blocks(spectrum: AverageSpectrum) -> NDArray[np.float64]:
    """The residuals of the parts of the images, each without its mean, (B, side * side)."""
    flat = spectrum.blocks.reshape(len(spectrum.blocks), -1)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


def _all_signs(count: int) -> Signs:
    """Every way to give so many parts a sign, all positive first."""
    return np.array(list(product((1.0, -1.0), repeat=count)))


def _own(products: Products, part: slice) -> tuple[float, float]:
    """The correlation of the two halves of one generator, and its p; the signs of all parts are flipped."""
    own = products[part, part]
    signs = _all_signs(len(own))
    even, odd = own[::2], own[1::2]
    return _observed(_half_correlations(even[:, 1::2], even[:, ::2], odd[:, 1::2], signs[:, ::2], signs[:, 1::2]))


def _pair(products: Products, first: slice, second: slice) -> tuple[float, float]:
    """The mean correlation of a half of one generator with the other half of another, whose signs are flipped."""
    across, own, other = products[first, second], products[first, first], products[second, second]
    signs = _all_signs(len(other))
    found = []
    for start in (0, 1):
        mine, others = slice(start, None, 2), slice(1 - start, None, 2)
        whole = np.ones((1, len(own[mine])))
        parts = across[mine, others], own[mine, mine], other[others, others]
        found.append(_half_correlations(*parts, whole, signs[:, others]))
    return _observed(np.mean(found, axis=0))


def _half_correlations(
    across: Products, first: Products, second: Products, first_signs: Signs, second_signs: Signs
) -> NDArray[np.float64]:
    """Correlations of two sums of parts, for each row of signs.

    Args:
        across: Products of the parts of the first and of the second, (A, B).
        first: Products of the parts of the first, (A, A).
        second: Products of the parts of the second, (B, B).
        first_signs: (R, A), or (1, A) for the same ones everywhere.
        second_signs: (R, B).

    Returns:
        Float64 (R,); 0 where one is flat.
    """
    joint = ((first_signs @ across) * second_signs).sum(axis=1)
    energies = [((signs @ own) * signs).sum(axis=1) for signs, own in ((first_signs, first), (second_signs, second))]
    energy = np.maximum(energies[0], 0) * np.maximum(energies[1], 0)
    return np.asarray(np.divide(joint, np.sqrt(energy), out=np.zeros_like(joint), where=energy > 0))


def _observed(found: NDArray[np.float64]) -> tuple[float, float]:
    """The correlation without flipped signs, which is first, and how often one is as high; rounding counts as equal."""
    return float(found[0]), float((found >= found[0] - 1e-12).mean())


def fingerprint_table(spectra: Spectra) -> pd.DataFrame:
    """One row per generator and degradation, columns `FINGERPRINTS`."""
    rows = []
    for degradation in dict.fromkeys(one.degradation for one in spectra.spectra):
        found = spectra.under(degradation)
        related = correlations(found)
        own = zip(np.diag(related.values), np.diag(related.p), strict=True)
        for one, (value, p) in zip(found.values(), own, strict=True):
            top = peak(one)
            rows.append((one.generator, degradation, one.images, top.ratio, top.y, top.x, top.p, value, p))
    return pd.DataFrame(rows, columns=list(FINGERPRINTS))


def correlation_table(spectra: Spectra) -> pd.DataFrame:
    """One row per degradation and ordered pair of generators, a generator with itself among them: `CORRELATIONS`."""
    rows = []
    for degradation in dict.fromkeys(one.degradation for one in spectra.spectra):
        found = correlations(spectra.under(degradation))
        for one, other in product(range(len(found.generators)), repeat=2):
            names = found.generators[one], found.generators[other]
            rows.append((degradation, *names, found.values[one, other], found.p[one, other]))
    return pd.DataFrame(rows, columns=list(CORRELATIONS))
