"""Which attributes of the files tell real images from generated ones: what a detector could learn instead of traces.

For every generator and attribute a histogram classifier is cross-validated, five folds, grouped by source
(`bench.images.quality.histogram_classifier`).

The test that decides what is reported learns each fold from the folds before it alone. Cross-validated decisions are
dependent (a fold in which labels differ by chance trains the decisions on the others), and a test that took them for
independent would call chance a leak several times too often.

Sources rather than images are counted, because images of one source are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.images.quality.attributes import ATTRIBUTES, Attribute
from bench.images.quality.histogram_classifier import (
    AttributeColumn,
    ComparedImages,
    accuracy_interval,
    compared_images,
    p_value,
    unit_decisions,
)
from bench.statistics.hypothesis_tests import holm_correction
from detectors.types import Array

MIN_SOURCES = 10  # of each class, for a finding to be tested
SIGNIFICANCE = 0.01  # level of all tests together
MIN_LEAK_ACCURACY = 0.55  # balanced accuracy above which a significant finding is a leak
MAX_NAMED_GENERATORS = 4  # in a summary


@dataclass(frozen=True, slots=True)
class Finding:
    """How well one attribute tells the images of one generator from those of its pool.

    Attributes:
        generator: Name of the generator.
        attribute: Name of the attribute.
        accuracy: Balanced accuracy of the held-out decisions in [0, 1]; NaN where there are too few images.
        low: Lower end of its 95% interval; NaN as above.
        high: Upper end of it; NaN as above.
        p: One-sided p-value, corrected for all findings; NaN as above.
        leaks: Whether the attribute reveals the label: significantly, and with more than `MIN_LEAK_ACCURACY`.
        evidence: The largest difference of the classes, such as "generated are PNG in 100%, real in 0%".
    """

    generator: str
    attribute: str
    accuracy: float
    low: float
    high: float
    p: float
    leaks: bool
    evidence: str


def audit_attributes(table: pd.DataFrame, pools: Mapping[str, str]) -> tuple[Finding, ...]:
    """Test which attributes of the files tell real images from generated ones.

    Args:
        table: One row per image, in any order. Columns: name, label (0 real, 1 generated), generator (of a real image
            its pool), source, format, width, height (pixels), quality (-1 for none), bytes, mode, exif (bool), profile.
            The splits are taken together.
        pools: Generator to its pool of real images.

    Returns:
        For each generator of `pools`, in order, one finding per attribute. The same images give the same findings.
    """
    table = table.sort_values("name", ignore_index=True)
    columns = [_column(table, attribute) for attribute in ATTRIBUTES]
    sources = pd.factorize(table["source"], sort=True)[0]
    shuffle = pd.util.hash_array(table["source"].to_numpy(object))
    labels, owners = table["label"].to_numpy(np.int64), table["generator"].to_numpy(object)
    findings = []
    for generator, pool in pools.items():
        rows = np.flatnonzero(((labels == 1) & (owners == generator)) | ((labels == 0) & (owners == pool)))
        images = compared_images(labels[rows], sources[rows], shuffle[rows])
        for attribute, column in zip(ATTRIBUTES, columns, strict=True):
            findings.append(_finding(generator, attribute, _select_rows(column, rows), images))
    return _with_corrected_p(findings)


def _column(table: pd.DataFrame, attribute: Attribute) -> AttributeColumn:
    codes, values = pd.factorize(attribute.values(table), sort=True)
    return AttributeColumn(codes, np.asarray(values), attribute.numbers(table))


def _select_rows(column: AttributeColumn, rows: Array) -> AttributeColumn:
    present, codes = np.unique(column.codes[rows], return_inverse=True)
    return AttributeColumn(codes, column.values[present], [numbers[rows] for numbers in column.numbers])


def _finding(generator: str, attribute: Attribute, column: AttributeColumn, images: ComparedImages) -> Finding:
    """One finding, its p not yet corrected."""
    sources = np.bincount(images.unit_labels, minlength=2)
    if sources.min() < MIN_SOURCES:
        evidence = f"too few independent images to say: {sources[1]} generated, {sources[0]} real"
        unknown = float("nan")
        return Finding(generator, attribute.name, unknown, unknown, unknown, unknown, leaks=False, evidence=evidence)
    called_generated = np.bincount(images.unit_labels, unit_decisions(column, images, np.not_equal), minlength=2)
    false_positives, true_positives = called_generated / sources
    accuracy = (1 + true_positives - false_positives) / 2
    low, high = accuracy_interval(accuracy, np.array([1 - false_positives, true_positives]), sources)
    p = p_value(unit_decisions(column, images, np.less), images)
    evidence = _evidence(attribute, column, images)
    return Finding(generator, attribute.name, float(accuracy), low, high, p, leaks=False, evidence=evidence)


def _with_corrected_p(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with p corrected over all that were tested, and whether they are leaks."""
    tested = [finding for finding in findings if not np.isnan(finding.p)]
    corrected = iter(holm_correction(np.array([finding.p for finding in tested])).tolist())
    final = []
    for finding in findings:
        p = finding.p if np.isnan(finding.p) else next(corrected)
        leaks = p < SIGNIFICANCE and finding.accuracy > MIN_LEAK_ACCURACY
        final.append(replace(finding, p=p, leaks=leaks))
    return tuple(final)


def _evidence(attribute: Attribute, column: AttributeColumn, images: ComparedImages) -> str:
    """The value whose share differs most between the classes, or the medians where they differ more."""
    real, generated = (
        np.bincount(column.codes[images.labels == label], minlength=column.values.size)
        / np.count_nonzero(images.labels == label)
        for label in (0, 1)
    )
    gap = np.abs(generated - real)
    largest = int(gap.argmax())
    if attribute.median_label and gap[largest] < _median_gap(column.numbers[0], images.labels):
        medians = [np.median(column.numbers[0][images.labels == label]) for label in (1, 0)]
        return f"{attribute.median_label} {medians[0]:.4g} against {medians[1]:.4g}"
    phrase = attribute.phrase(column.values[largest])
    return f"generated {phrase} in {_percent(generated[largest])}, real in {_percent(real[largest])}"


def _median_gap(numbers: Array, labels: Array) -> float:
    """Difference of the shares of the two classes that are above the median of all, in [0, 1]."""
    above = numbers > np.median(numbers)
    return float(abs(above[labels == 1].mean() - above[labels == 0].mean()))


def _percent(share: float) -> str:
    """A share in whole percent; 0% and 100% mean none and all."""
    if 0 < share < 0.005:
        return "under 1%"
    if 0.995 <= share < 1:
        return "over 99%"
    return f"{share:.0%}"


def leak_summary(findings: Sequence[Finding]) -> str:
    """The leaks in one line, the attribute of the highest accuracy first."""
    leaks: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.leaks:
            leaks.setdefault(finding.attribute, []).append(finding)
    if not leaks:
        return "no attribute of the files tells real from generated"
    generators = len({finding.generator for finding in findings})
    ordered = sorted(leaks.items(), key=lambda item: -max(finding.accuracy for finding in item[1]))
    first, *others = [f"in {_accuracies(group)} for {_generators(group, generators)}" for _, group in ordered]
    more = [f"; {attribute} {part}" for (attribute, _), part in zip(ordered[1:], others, strict=True)]
    return f"{ordered[0][0]} tells real from generated {first}{''.join(more)}"


def _accuracies(leaks: Sequence[Finding]) -> str:
    """The range of accuracies of some leaks, in percent."""
    lowest, highest = (f"{pick(finding.accuracy for finding in leaks):.1%}" for pick in (min, max))
    return highest if lowest == highest else f"{lowest} to {highest}"


def _generators(leaks: Sequence[Finding], generators: int) -> str:
    """The generators of some leaks, shortened where they are many.

    Args:
        leaks: The leaks, one for each generator.
        generators: How many generators were tested.
    """
    names = [finding.generator for finding in leaks]
    if len(names) <= MAX_NAMED_GENERATORS:
        return ", ".join(names)
    if len(names) == generators:
        return f"all {generators} generators"
    shown = MAX_NAMED_GENERATORS - 1
    return ", ".join(names[:shown]) + f" and {len(names) - shown} more"
