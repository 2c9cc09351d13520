"""Which attributes of the files tell real images from generated ones: what a detector could learn instead of traces.

For every generator and attribute a classifier is cross-validated, five folds, grouped by source
(`bench.images.quality.cross_validation`).

The test that decides what is a leak learns each fold from the folds before it alone. Cross-validated decisions are
dependent (a fold in which labels differ by chance trains the decisions on the others), and a test that took them for
independent would call chance a leak several times too often.

What is no leak is not therefore harmless: few images show neither. So an attribute is called harmless only where it is
the same in all images, or where the whole interval of the accuracy is below `HARMLESS_ACCURACY`.

Sources rather than images are counted, because images of one source are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from bench.images.quality.attributes import ATTRIBUTES, AttributeColumn
from bench.images.quality.cross_validation import (
    ComparedImages,
    accuracy_interval,
    compared_images,
    p_value,
    unit_decisions,
)
from bench.statistics.hypothesis_tests import holm_correction

CHANCE = 0.5
MIN_SOURCES = 10  # of each class, for a finding to be tested
SIGNIFICANCE = 0.01  # level of all tests together
MIN_LEAK_ACCURACY = 0.55  # balanced accuracy above which a significant finding is a leak
HARMLESS_ACCURACY = 0.6  # balanced accuracy that the upper end of an interval stays below where there is no leak
MAX_NAMED_GENERATORS = 4  # in a summary
REWRITTEN_QUALITY, REWRITTEN_SUBSAMPLING = 95, ("4:2:0", "")  # of what download tools write, grey included

Verdict = Literal["leaks", "too few images", "no leak"]
VERDICTS: tuple[Verdict, ...] = ("leaks", "too few images", "no leak")  # in the order in which a reader needs them


@dataclass(frozen=True, slots=True)
class Finding:
    """How well one attribute tells the images of one generator from those of its pool.

    Attributes:
        generator: Name of the generator.
        attribute: Name of the attribute.
        accuracy: Balanced accuracy of the held-out decisions in [0, 1]; NaN where there are too few images to learn
            from.
        low: Lower end of its 95% interval; NaN as above.
        high: Upper end of it; NaN as above.
        p: One-sided p-value, corrected for all findings that were tested; NaN as above, 1 where all images have the
            same value.
        verdict: "leaks": the attribute reveals the label, significantly, and with more than `MIN_LEAK_ACCURACY`. "no
            leak": it is the same in all images, or the interval ends below `HARMLESS_ACCURACY`. Else "too few images".
        evidence: The largest difference of the classes, such as "generated are PNG in 100%, real in 0%".
    """

    generator: str
    attribute: str
    accuracy: float
    low: float
    high: float
    p: float
    verdict: Verdict
    evidence: str

    @property
    def constant(self) -> bool:
        """Whether the attribute is the same in all images."""
        return self.low == self.high

    @property
    def leaks(self) -> bool:
        """Whether the attribute reveals the label."""
        return self.verdict == "leaks"


def audit_attributes(table: pd.DataFrame, pools: Mapping[str, str]) -> tuple[Finding, ...]:
    """Test which attributes of the files tell real images from generated ones.

    Args:
        table: One row per image, in any order. Columns: name, label (0 real, 1 generated), generator (of a real image
            its pool), source, and the fields of `bench.images.quality.file_records.FileRecord` but for hashes and
            reason, `size` called bytes. The splits are taken together.
        pools: Generator to its pool of real images.

    Returns:
        For each generator of `pools`, in order, one finding per attribute. The same images give the same findings.
    """
    table = table.sort_values("name", ignore_index=True)
    columns = {name: attribute(table) for name, attribute in ATTRIBUTES.items()}
    sources = pd.factorize(table["source"], sort=True)[0]
    shuffle = pd.util.hash_array(table["source"].to_numpy(object))
    labels, owners = table["label"].to_numpy(np.int64), table["generator"].to_numpy(object)
    findings = []
    for generator, pool in pools.items():
        rows = np.flatnonzero(((labels == 1) & (owners == generator)) | ((labels == 0) & (owners == pool)))
        images = compared_images(labels[rows], sources[rows], shuffle[rows])
        findings += [_finding(generator, name, column.select(rows), images) for name, column in columns.items()]
    return _with_verdicts(findings)


def _finding(generator: str, attribute: str, column: AttributeColumn, images: ComparedImages) -> Finding:
    """One finding, its p not yet corrected, and its verdict too early by that."""
    evidence, unknown = column.evidence(images.labels), float("nan")
    if column.is_constant:
        return Finding(generator, attribute, CHANCE, CHANCE, CHANCE, 1.0, "no leak", evidence)
    sources = np.bincount(images.unit_labels, minlength=2)
    if sources.min() < MIN_SOURCES:
        count = f"{sources[1]} independent generated images, {sources[0]} real"
        return Finding(
            generator, attribute, unknown, unknown, unknown, unknown, "too few images", f"{evidence} ({count})"
        )
    called_generated = np.bincount(images.unit_labels, unit_decisions(column.decide, images, np.not_equal), minlength=2)
    false_positives, true_positives = called_generated / sources
    accuracy = float((1 + true_positives - false_positives) / 2)
    low, high = accuracy_interval(accuracy, np.array([1 - false_positives, true_positives]), sources)
    p = p_value(unit_decisions(column.decide, images, np.less), images)
    return Finding(generator, attribute, accuracy, low, high, p, "too few images", evidence)


def _with_verdicts(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with p corrected over all that were tested, and the verdicts that follow.

    An attribute that is the same in all images could not have been a leak, whatever the labels, and is no test.
    """
    tested = [row for row, finding in enumerate(findings) if finding.verdict != "no leak" and not np.isnan(finding.p)]
    corrected = holm_correction(np.array([findings[row].p for row in tested])).tolist()
    final = list(findings)
    for row, p in zip(tested, corrected, strict=True):
        final[row] = replace(findings[row], p=p, verdict=_verdict(findings[row], p))
    return tuple(final)


def _verdict(finding: Finding, p: float) -> Verdict:
    if p < SIGNIFICANCE and finding.accuracy > MIN_LEAK_ACCURACY:
        return "leaks"
    return "no leak" if finding.high < HARMLESS_ACCURACY else "too few images"


def leak_summary(findings: Sequence[Finding]) -> str:
    """The leaks in one line, the attribute of the highest accuracy first, and of what too few images tell nothing."""
    generators = len({finding.generator for finding in findings})
    leaks, unclear = (group_findings(findings, verdict) for verdict in ("leaks", "too few images"))
    told = [
        f"{name} in {_accuracies(group)} for {_generator_names(group, generators)}" for name, group in leaks.items()
    ]
    if told:
        told[0] = told[0].replace(" in ", " tells real from generated in ", 1)
    if unclear:
        what = "of" if leaks else "whether the files tell real from generated:"
        told.append(f"too few images to tell {what} {', '.join(map(_doubt, unclear.values()))}")
    return "; ".join(told) or f"no attribute of the files tells real from generated in {HARMLESS_ACCURACY:.0%} or more"


def group_findings(findings: Iterable[Finding], verdict: Verdict) -> dict[str, list[Finding]]:
    """The findings of one verdict by attribute, the most telling attribute first, and in each the most telling one."""
    groups: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: -np.nan_to_num(finding.accuracy)):
        if finding.verdict == verdict:
            groups.setdefault(finding.attribute, []).append(finding)
    return groups


def accuracy_text(finding: Finding) -> str:
    """The accuracy in percent with its interval, such as "61.3% [55.0, 67.1]"."""
    if np.isnan(finding.accuracy):
        return ""
    return f"{finding.accuracy:.1%} [{100 * finding.low:.1f}, {100 * finding.high:.1f}]"


def _generator_names(findings: Sequence[Finding], generators: int) -> str:
    """The generators of some findings of one attribute, shortened where they are many.

    Args:
        findings: One for each generator.
        generators: How many generators were tested.
    """
    names = [finding.generator for finding in findings]
    if len(names) <= MAX_NAMED_GENERATORS:
        return ", ".join(names)
    if len(names) == generators:
        return f"all {generators} generators"
    shown = MAX_NAMED_GENERATORS - 1
    return ", ".join(names[:shown]) + f" and {len(names) - shown} more"


def _doubt(findings: Sequence[Finding]) -> str:
    """An attribute that may be a leak, with its accuracy where that is above chance."""
    finding = max(findings, key=lambda finding: np.nan_to_num(finding.low))
    return f"{finding.attribute} ({accuracy_text(finding)})" if finding.low > CHANCE else finding.attribute


def _accuracies(leaks: Sequence[Finding]) -> str:
    """The range of accuracies of some leaks, in percent."""
    lowest, highest = (f"{pick(finding.accuracy for finding in leaks):.1%}" for pick in (min, max))
    return highest if lowest == highest else f"{lowest} to {highest}"


def rewritten_note(table: pd.DataFrame) -> str:
    """A sentence where every file is as download tools write it whatever they got; else "".

    Args:
        table: As of `audit_attributes`.
    """
    rewritten = table["quality"].eq(REWRITTEN_QUALITY) & table["subsampling"].isin(REWRITTEN_SUBSAMPLING)
    if not len(table) or not rewritten.all() or not table["subsampling"].ne("").any():
        return ""
    return (
        f"every file is a JPEG of quality {REWRITTEN_QUALITY}, 4:2:0, as download tools such as img2dataset write it "
        "whatever they got: format, JPEG quality and bytes per pixel say nothing of the files that were downloaded, "
        "whose encoding may still tell the classes apart in the pixels"
    )
