"""Which attributes of the files tell real images from generated ones: what a detector could learn instead of traces.

For every generator and attribute a histogram classifier is cross-validated, five folds, grouped by source: an image is
called generated where its bin holds a larger share of the generated training images than of the real ones. (This is
naive Bayes with equal priors on one attribute; smoothing both classes alike would change no decision.) An image whose
bin says nothing counts as half right.

The test that decides what is reported learns each fold from the folds before it alone. Cross-validated decisions help
each other (a fold that is taught by chance teaches the others), and a test that took them for independent would call
chance a leak several times too often.

Sources rather than images are counted, because images of one source are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from bench.images.quality.attributes import ATTRIBUTES, Attribute
from bench.statistics.intervals import LEVEL
from bench.statistics.tests import holm
from detectors.types import Array

FOLDS = 5
FEWEST = 10  # sources of a class: with fewer nothing is claimed
SIGNIFICANCE = 0.01  # of all tests together
RELEVANT = 0.55  # a leak has to tell more than this of the images
COMMON_SHARE = 0.02  # of the training images of a class: from here on a value has a bin of its own
COMMON_IMAGES = 5  # and at least so many
PER_BIN = 25  # training images, for values that are not common
MOST_BINS = 24
NAMED = 4  # generators that a sentence names


@dataclass(frozen=True, slots=True)
class Finding:
    """What one attribute says of one generator's images and the real ones that stand against them.

    Attributes:
        generator: Name of the generator.
        attribute: Name of the attribute.
        accuracy: Balanced accuracy of the held-out decisions in [0, 1]; NaN where there are too few images.
        low: Lower end of its 95% interval; NaN as above.
        high: Upper end of it; NaN as above.
        p: One-sided probability of telling as much by chance, corrected for all findings; NaN as above.
        leaks: Whether the attribute gives the label away: significant, and more than `RELEVANT`.
        telling: What tells most, such as "generated are PNG in 100%, real in 0%".
    """

    generator: str
    attribute: str
    accuracy: float
    low: float
    high: float
    p: float
    leaks: bool
    telling: str


@dataclass(frozen=True, slots=True)
class _Column:
    """One attribute of the images of one comparison."""

    codes: Array  # int64 (N,), of the exact values
    values: Array  # the values that the codes stand for
    numbers: list[Array]  # float64 (N,) each


@dataclass(frozen=True, slots=True)
class _Images:
    """The images of one comparison. The images of one class of one source make up a unit, which counts once."""

    labels: Array  # int64 (N,)
    folds: Array  # int64 (N,)
    units: Array  # int64 (N,), 0 to U - 1
    unit_labels: Array  # int64 (U,)
    unit_folds: Array  # int64 (U,)


def audit(table: pd.DataFrame, pools: Mapping[str, str]) -> tuple[Finding, ...]:
    """Find out which attributes of the files tell real images from generated ones.

    Args:
        table: One row per image, in any order. Columns: name, label (0 real, 1 generated), generator (of a real image
            its pool), source, format, width, height (pixels), quality (-1 for none), bytes, mode, exif (bool), profile.
            The splits are taken together.
        pools: Generator to the pool of real images that stands against it.

    Returns:
        For each generator of `pools`, in order, one finding per attribute. The same images give the same findings.
    """
    table = table.sort_values("name", ignore_index=True)
    columns = [_column(table, attribute) for attribute in ATTRIBUTES]
    sources = pd.factorize(table["source"], sort=True)[0]
    shuffle = pd.util.hash_array(table["source"].to_numpy(object))
    found = []
    for generator, pool in pools.items():
        label, owner = table["label"].to_numpy(np.int64), table["generator"].to_numpy(object)
        rows = np.flatnonzero(((label == 1) & (owner == generator)) | ((label == 0) & (owner == pool)))
        images = _images(label[rows], sources[rows], shuffle[rows])
        for attribute, column in zip(ATTRIBUTES, columns, strict=True):
            found.append(_finding(generator, attribute, _restricted(column, rows), images))
    return _corrected(found)


def _column(table: pd.DataFrame, attribute: Attribute) -> _Column:
    codes, values = pd.factorize(attribute.values(table), sort=True)
    return _Column(codes, np.asarray(values), attribute.numbers(table))


def _restricted(column: _Column, rows: Array) -> _Column:
    present, codes = np.unique(column.codes[rows], return_inverse=True)
    return _Column(codes, column.values[present], [numbers[rows] for numbers in column.numbers])


def _images(labels: Array, sources: Array, shuffle: Array) -> _Images:
    """Folds that keep a source together and share out the classes evenly, drawn from the names of the sources."""
    unique, first, owner = np.unique(sources, return_index=True, return_inverse=True)
    kinds = np.zeros(unique.size, np.int64)  # which classes a source has images of
    np.bitwise_or.at(kinds, owner, labels + 1)
    order = np.lexsort((unique, shuffle[first], kinds))
    fold_of = np.empty(unique.size, np.int64)
    fold_of[order] = np.arange(unique.size) % FOLDS  # the classes follow each other, each evenly spread
    folds = fold_of[owner]
    _, one, units = np.unique(2 * owner + labels, return_index=True, return_inverse=True)
    return _Images(labels, folds, units, labels[one], folds[one])


def _finding(generator: str, attribute: Attribute, column: _Column, images: _Images) -> Finding:
    """One finding, its p not yet corrected."""
    sources = np.bincount(images.unit_labels, minlength=2)
    if sources.min() < FEWEST:
        telling = f"too few independent images to say: {sources[1]} generated, {sources[0]} real"
        unknown = float("nan")
        return Finding(generator, attribute.name, unknown, unknown, unknown, unknown, leaks=False, telling=telling)
    called = np.bincount(images.unit_labels, _called(column, images, np.not_equal), minlength=2)
    false_alarms, hits = called / sources
    accuracy = (1 + hits - false_alarms) / 2
    low, high = _interval(accuracy, np.array([1 - false_alarms, hits]), sources)
    p = _chance(_called(column, images, np.less), images)
    telling = _telling(attribute, column, images)
    return Finding(generator, attribute.name, float(accuracy), low, high, p, leaks=False, telling=telling)


def _called(column: _Column, images: _Images, teaches: Callable[[Array, int], Array]) -> Array:
    """The decision for each unit, (U,): 1 generated, 0 real, 0.5 where the bin says nothing, else their mean.

    Args:
        column: The attribute.
        images: The images.
        teaches: Which folds, compared with the one that is decided, it is learnt from.
    """
    called = np.empty(images.labels.size)
    for fold in range(FOLDS):
        decided, train = images.folds == fold, teaches(images.folds, fold)
        bins = _bins(column, images.labels, train)
        counts = np.bincount(2 * bins[train] + images.labels[train], minlength=2 * (bins.max() + 1))
        real, generated = counts.reshape(-1, 2).T
        says = np.sign(generated * real.sum() - real * generated.sum())  # whole numbers: equal shares are equal
        called[decided] = (1 + says[bins[decided]]) / 2
    means: Array = np.bincount(images.units, called) / np.bincount(images.units)
    return means


def _bins(column: _Column, labels: Array, train: Array) -> Array:
    """The bin of every image, learnt from the training images: a common value has its own, the others share some."""
    common = _common(column.codes[train], labels[train], column.values.size)
    rest, size = np.zeros(labels.size, np.int64), 1
    rare = ~common[column.codes]
    learnt = rare & train
    share = np.clip(np.count_nonzero(learnt) // PER_BIN, 1, MOST_BINS) ** (1 / max(1, len(column.numbers)))
    for numbers in column.numbers if learnt.any() else ():
        ends = np.quantile(numbers[learnt], np.arange(1, round(share)) / round(share))
        rest = rest * round(share) + np.searchsorted(ends, numbers, side="left")
        size *= round(share)
    own = np.cumsum(common) - 1 + size
    return np.where(rare, rest, own[column.codes])


def _common(codes: Array, labels: Array, values: int) -> Array:
    """Which of the values, bool (values,), enough images of one class have."""
    enough = np.zeros(values, bool)
    for label in (0, 1):
        of_class = codes[labels == label]
        enough |= np.bincount(of_class, minlength=values) >= max(COMMON_IMAGES, COMMON_SHARE * of_class.size)
    return enough


def _chance(called: Array, images: _Images) -> float:
    """One-sided probability that shuffled labels call as many of the generated units generated.

    The labels of each fold are shuffled within it, as in the test of Cochran, Mantel and Haenszel, with its normal
    approximation and correction for continuity.
    """
    folds = np.bincount(images.unit_folds, minlength=FOLDS)
    generated = np.bincount(images.unit_folds, images.unit_labels, minlength=FOLDS)
    mean = np.bincount(images.unit_folds, called, minlength=FOLDS) / np.maximum(folds, 1)
    spread = np.bincount(images.unit_folds, (called - mean[images.unit_folds]) ** 2, minlength=FOLDS)
    variance = np.sum(generated * (folds - generated) / np.maximum(folds * (folds - 1), 1) * spread)
    excess = called @ images.unit_labels - generated @ mean
    if variance < 1e-9:  # nothing was ever told apart
        return 1.0
    return float(norm.sf((excess - 0.5) / np.sqrt(variance)))


def _interval(accuracy: float, rates: Array, sources: Array) -> tuple[float, float]:
    """95% interval of the mean of two rates: Wilson's of each, put together as Newcombe does for a difference.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17, 1998.
    """
    z2 = norm.ppf((1 + LEVEL) / 2) ** 2
    centre = (rates + z2 / (2 * sources)) / (1 + z2 / sources)
    half = np.sqrt(z2 * (rates * (1 - rates) / sources + z2 / (4 * sources**2))) / (1 + z2 / sources)
    below, above = rates - (centre - half), centre + half - rates
    return float(accuracy - np.hypot(*below) / 2), float(accuracy + np.hypot(*above) / 2)


def _corrected(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with p corrected over all that were tested, and leaks told."""
    tested = [one for one in found if not np.isnan(one.p)]
    corrected = iter(holm(np.array([one.p for one in tested])).tolist())
    final = []
    for one in found:
        p = one.p if np.isnan(one.p) else next(corrected)
        final.append(replace(one, p=p, leaks=p < SIGNIFICANCE and one.accuracy > RELEVANT))
    return tuple(final)


def _telling(attribute: Attribute, column: _Column, images: _Images) -> str:
    """The value whose share differs most between the classes, or the medians where that says more."""
    real, generated = (
        np.bincount(column.codes[images.labels == label], minlength=column.values.size)
        / np.count_nonzero(images.labels == label)
        for label in (0, 1)
    )
    gap = np.abs(generated - real)
    most = int(gap.argmax())
    if attribute.medians and gap[most] < _median_gap(column.numbers[0], images.labels):
        middle = [np.median(column.numbers[0][images.labels == label]) for label in (1, 0)]
        return f"{attribute.medians} {middle[0]:.4g} against {middle[1]:.4g}"
    phrase = attribute.phrase(column.values[most])
    return f"generated {phrase} in {_percent(generated[most])}, real in {_percent(real[most])}"


def _median_gap(numbers: Array, labels: Array) -> float:
    """How much larger a share of one class than of the other lies above the median of all."""
    above = numbers > np.median(numbers)
    return float(abs(above[labels == 1].mean() - above[labels == 0].mean()))


def _percent(share: float) -> str:
    """A share in whole percent; 0% and 100% mean none and all."""
    if 0 < share < 0.005:
        return "under 1%"
    if 0.995 <= share < 1:
        return "over 99%"
    return f"{share:.0%}"


def sentence(findings: Sequence[Finding]) -> str:
    """What leaks, in one line, the most telling attribute first."""
    leaks: dict[str, list[Finding]] = {}
    for one in findings:
        if one.leaks:
            leaks.setdefault(one.attribute, []).append(one)
    if not leaks:
        return "no attribute of the files tells real from generated"
    generators = len({one.generator for one in findings})
    ordered = sorted(leaks.items(), key=lambda item: -max(one.accuracy for one in item[1]))
    first, *others = [f"in {_range(of_it)} for {_names(of_it, generators)}" for _, of_it in ordered]
    more = [f"; {attribute} {part}" for (attribute, _), part in zip(ordered[1:], others, strict=True)]
    return f"{ordered[0][0]} tells real from generated {first}{''.join(more)}"


def _range(leaks: Sequence[Finding]) -> str:
    least, most = (f"{pick(one.accuracy for one in leaks):.1%}" for pick in (min, max))
    return most if least == most else f"{least} to {most}"


def _names(leaks: Sequence[Finding], generators: int) -> str:
    names = [one.generator for one in leaks]
    if len(names) <= NAMED:
        return ", ".join(names)
    if len(names) == generators:
        return f"all {generators} generators"
    return ", ".join(names[: NAMED - 1]) + f" and {len(names) - NAMED + 1} more"
