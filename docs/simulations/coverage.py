"""How often the intervals of `bench.statistics` contain the truth, by simulated scores of which the truth is known.

    python docs/simulations/coverage.py          # a part, in about two minutes
    python docs/simulations/coverage.py --all    # everything; coverage.md beside this file is what it prints

A detector gives each image a score; above 0 it calls the image generated. The scores of real and of generated images
have known distributions, so that accuracy, area and average precision of the whole population are known. Samples are
drawn again and again, as many images of either class as in a cell of a run, and the share of samples whose interval
contains the population's value is counted. It should be 95%.

Images of one source have correlated scores. An average is that of 56 cells: eight trained detectors, each tested on the
images of the seven other generators, with the same real images in every cell. A difference is that of two detectors
that scored the same images.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from bench.statistics.influences import RowMeasures, mean_influences, ranking_influences, source_layout, sum_by_source
from bench.statistics.intervals import (
    AREAS,
    AVERAGE_SHARES,
    PRECISIONS,
    SHARES,
    Floats,
    Spread,
    bounded_interval,
    difference_interval,
    random_generator,
    sample_size,
    source_variances,
)

SIZES = (20, 100, 400)  # images per cell
ACCURACIES = (0.5, 0.9, 0.99, 1.0)
GENERATORS = 8
LOWEST, HIGHEST = 0.93, 0.97  # coverage that is asked for
FEW = 5  # expected errors below which counts are too coarse for 97%
UNSURE = 10  # contributors to a variance below which it says little of the sources that were not drawn
MARKS = (
    "Accuracy is that of the scores, truth the measure's in the population. Where fewer than "
    f"{FEW} wrong images (or images on which two detectors differ) are expected in a sample, counted in independent "
    "sources, there is a *: counts are then too coarse for a coverage of at most 97%. **Bold** is outside 93% to 97%. "
    "Contributors is the effective number of sources that make up the variance of a sample, the median of all samples."
)
MEASURES = {
    "accuracy": SHARES,
    "balanced accuracy": SHARES,
    "ROC AUC": AREAS,
    "average precision": PRECISIONS,
}
OF_AVERAGES = MEASURES | {"accuracy": AVERAGE_SHARES}


class Design(NamedTuple):
    """How images come from sources: how many images each class has of a source, and how their scores correlate."""

    name: str
    images: str = "one"  # "one", "five" and "mixed" images of one class, or a "twin": one of either class
    correlation: float = 0.0
    real: float = 0.5  # share of real images


DESIGNS = (
    Design("independent"),
    Design("independent, a quarter real", real=0.25),
    Design("twins, r .9", "twin", 0.9),
    Design("twins, r .3", "twin", 0.3),
    Design("fives, r .9", "five", 0.9),
    Design("fives, r .3", "five", 0.3),
    Design("one to five, r .9", "mixed", 0.9),
)


def real_and_generated(scores: str, accuracy: float) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """What turns standard normal numbers into scores of real and of generated images."""
    error = max(1 - accuracy, 1e-9)
    if scores == "normal, unequal classes":
        of_real, of_generated = (0.2, 0.8) if accuracy == 0.5 else (0.4 * error, 1.6 * error)
        return lambda u: u + ndtri(of_real), lambda u: u - ndtri(of_generated)
    if scores == "normal, unequal spread":
        return lambda u: u + ndtri(error), lambda u: 2 * (u - ndtri(error))
    if scores.startswith("t"):
        freedom = float(scores[1:])
        shift = -stdtrit(freedom, error)
        return lambda u: stdtrit(freedom, ndtr(u)) - shift, lambda u: stdtrit(freedom, ndtr(u)) + shift
    return lambda u: u + ndtri(error), lambda u: u - ndtri(error)


SCORES = ("normal", "normal, unequal classes", "normal, unequal spread", "t4", "t2")


def population(
    real: Callable[[Floats], Floats], generated: Callable[[Floats], Floats], share: float
) -> dict[str, float]:
    """The measures of a population with such a share of real images, by its quantiles."""
    quantiles = (np.arange(400_000) + 0.5) / 400_000
    of_real, of_generated = real(ndtri(quantiles)), generated(ndtri(quantiles))
    alarms = 1 - np.searchsorted(of_real, of_generated) / len(of_real)  # false positives at each generated image
    recall = 1 - quantiles
    rates = np.mean(of_real <= 0), np.mean(of_generated > 0)
    return {
        "accuracy": float(share * rates[0] + (1 - share) * rates[1]),
        "balanced accuracy": float(np.mean(rates)),
        "ROC AUC": float(np.mean(1 - alarms)),
        "average precision": float(np.mean((1 - share) * recall / ((1 - share) * recall + share * alarms))),
    }


def labels_and_sources(design: Design, size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The labels of a cell's images, real ones first, and the number of the source of each."""
    real = round(size * design.real)
    labels = np.repeat([0, 1], [real, size - real])
    if design.images == "twin":
        return labels, np.tile(np.arange(real), 2)
    lengths = {"one": [1], "five": [5], "mixed": [1, 5, 3, 2, 4]}[design.images]
    of_real = np.repeat(np.arange(real), np.resize(lengths, real))[:real]
    of_generated = np.repeat(np.arange(size - real), np.resize(lengths, size - real))[: size - real]
    return labels, np.concatenate([of_real, of_real[-1] + 1 + of_generated])


def normal_numbers(random: np.random.Generator, rows: int, sources: NDArray[Any], correlation: float) -> Floats:
    """Standard normal numbers (rows, N), correlated within each source."""
    shared = random.standard_normal((rows, int(sources.max()) + 1))[:, sources]
    own = random.standard_normal((rows, len(sources)))
    numbers: Floats = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    return numbers


def image_weights(labels: NDArray[Any], measure: str) -> Floats:
    """How much each image of a cell weighs in a measure."""
    own = np.full(len(labels), len(labels)) if measure == "accuracy" else 2 * np.bincount(labels)[labels]
    weights: Floats = 1 / own
    return weights


def measured(scores: Floats, labels: NDArray[Any]) -> dict[str, RowMeasures]:
    """Every measure of rows of scores."""
    right = (scores > 0) == (labels == 1)
    area, precision = ranking_influences(scores, labels)
    both = mean_influences(right, labels), mean_influences(right, labels, balanced=True)
    return dict(zip(MEASURES, (*both, area, precision), strict=True))


class Evidence(NamedTuple):
    """What the samples of a row have to go by.

    Attributes:
        errors: Wrong images that are expected in a sample, counted in independent sources.
        contributors: Effective number of sources that make up the variance of the measure, the median of all samples.
    """

    errors: float
    contributors: float


class Row(NamedTuple):
    """One row of the table."""

    measure: str
    design: str
    scores: str
    size: int
    accuracy: float
    truth: float
    coverage: float
    width: float
    few: bool
    contributors: float
    reachable: bool


class Setting(NamedTuple):
    """What is drawn again and again."""

    design: Design
    scores: str
    size: int
    accuracy: float


def random_of(setting: Setting) -> np.random.Generator:
    """The random numbers of a setting, always the same."""
    return random_generator([setting.design.name, setting.scores, str(setting.size), str(setting.accuracy)])


def reachable(values: Floats, truth: float) -> bool:
    """Whether intervals that contain the truth up to some distance of the value could cover it in 93% to 97%."""
    distances = np.abs(values - truth)
    nearest = np.quantile(distances, LOWEST, method="inverted_cdf")
    return bool(np.mean(distances <= nearest + 1e-9) <= HIGHEST)


def evidence_of(errors: float, spread: Spread) -> Evidence:
    """What samples have to go by, of the number of errors expected in each and the spread of their measures."""
    return Evidence(errors, float(np.median(spread.contributors)))


def row(
    setting: Setting, measure: str, truth: float, values: Floats, ends: tuple[Floats, Floats], evidence: Evidence
) -> Row:
    """The row of a measure, from all samples' values and intervals."""
    low, high = ends
    coverage = float(np.mean((low <= truth + 1e-12) & (truth - 1e-12 <= high)))
    width = float(np.mean(high - low))
    design, scores, size, accuracy = setting
    few, seen = evidence.errors < FEW - 1e-6, evidence.contributors
    could = reachable(values, truth)
    return Row(measure, design.name, scores, size, accuracy, truth, coverage, width, few, seen, could)


def of_cells(setting: Setting, replications: int) -> Iterator[Row]:
    """Coverage of the intervals of single cells."""
    design, size = setting.design, setting.size
    labels, sources = labels_and_sources(design, size)
    real, generated = real_and_generated(setting.scores, setting.accuracy)
    numbers = normal_numbers(random_of(setting), replications, sources, design.correlation)
    scores = np.where(labels, generated(numbers), real(numbers))
    layout = source_layout(labels, sources, sources.max() + 1)
    truths = population(real, generated, design.real)
    expected = (1 - setting.accuracy) / float(np.sum(layout.accuracy**2))
    losses = layout.accuracy, layout.balanced_accuracy, layout.roc_auc, layout.average_precision
    for (name, one), loss in zip(measured(scores, labels).items(), losses, strict=True):
        if name == "balanced accuracy" and design.real == 0.5:
            continue  # it is the accuracy
        spread = source_variances(sum_by_source(one.influences, sources, len(layout.shares)), layout.shares)
        sample = sample_size(image_weights(labels, name), sources, layout.shares, loss.max())
        ends = bounded_interval(one.centres, spread, sample, MEASURES[name], values=one.values)
        yield row(setting, name, truths[name], one.values, ends, evidence_of(expected, spread))


class Averages(NamedTuple):
    """Averages of one measure over cells, of every sample, and what their intervals are made of."""

    values: Floats  # (replications,)
    centres: Floats  # (replications,)
    sums: Floats  # (replications, sources)
    losses: Floats  # (sources,)


def of_averages(setting: Setting, replications: int) -> Iterator[Row]:
    """Coverage of the intervals of averages over cells of eight generators; the generators differ in difficulty."""
    design, half = setting.design, setting.size // 2
    errors = (1 - setting.accuracy) * np.linspace(0.4, 1.6, GENERATORS)
    real = real_and_generated(setting.scores, setting.accuracy)[0]
    generated = [real_and_generated(setting.scores, 1 - error)[1] for error in errors]
    every = np.arange(half * (GENERATORS + 1))
    sources = every % half if design.images == "twin" else every
    count = int(sources.max()) + 1
    averages = {
        name: Averages(np.zeros(replications), np.zeros(replications), np.zeros((replications, count)), np.zeros(count))
        for name in MEASURES
    }
    random = random_of(setting)
    for start in range(0, replications, 100):
        rows = slice(start, min(start + 100, replications))
        shape = rows.stop - start, GENERATORS, len(sources)
        of_image = normal_numbers(random, shape[0], sources, design.correlation)[:, None]
        numbers = np.sqrt(0.5) * of_image + np.sqrt(0.5) * random.standard_normal(shape)  # by every trained detector
        for tested in range(GENERATORS):
            add_cells(averages, rows, numbers, (sources, tested), (real, generated[tested]))
    shares, truths = np.zeros(count), dict.fromkeys(MEASURES, 0.0)
    for tested in range(GENERATORS):
        layout = source_layout(np.repeat([0, 1], half), sources[images_of(tested, half)], count)
        shares = np.maximum(shares, layout.shares)
        for name, loss in zip(MEASURES, layout[2:], strict=True):
            averages[name].losses[:] += loss / GENERATORS
        for name, truth in population(real, generated[tested], 0.5).items():
            truths[name] += truth / GENERATORS
    weights = np.repeat([0.5 / half, 0.5 / half / GENERATORS], [half, half * GENERATORS])
    expected = (1 - setting.accuracy) / float(np.sum(averages["accuracy"].losses ** 2))
    for name, (values, centres, sums, losses) in averages.items():
        if name != "balanced accuracy":
            sample = sample_size(weights, sources, shares, losses.max())
            spread = source_variances(sums, shares)
            ends = bounded_interval(centres, spread, sample, OF_AVERAGES[name], values=values)
            yield row(setting, f"average of {name}", truths[name], values, ends, evidence_of(expected, spread))


def images_of(tested: int, half: int) -> NDArray[Any]:
    """The images of a cell: the real ones, which come first, and those of a generator."""
    return np.concatenate([np.arange(half), np.arange((tested + 1) * half, (tested + 2) * half)])


def add_cells(
    averages: dict[str, Averages],
    rows: slice,
    numbers: Floats,
    place: tuple[NDArray[Any], int],
    parts: tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]],
) -> None:
    """Add the cells of one tested generator to the averages of some samples.

    Args:
        averages: What is added to.
        rows: Which samples.
        numbers: Their normal numbers (samples, trained detectors, images).
        place: The source of every image, and the tested generator.
        parts: What makes scores of the numbers of real and of generated images.
    """
    sources, tested = place
    half = len(sources) // (GENERATORS + 1)
    images, labels = images_of(tested, half), np.repeat([0, 1], half)
    cells = GENERATORS * (GENERATORS - 1)
    chosen = np.delete(numbers, tested, axis=1)[:, :, images].reshape(-1, len(images))
    scores = np.where(labels, parts[1](chosen), parts[0](chosen))
    for name, one in measured(scores, labels).items():
        influences = one.influences.reshape(len(numbers), -1, len(images)).sum(axis=1) / cells
        averages[name].sums[rows] += sum_by_source(influences, sources[images], averages[name].sums.shape[1])
        averages[name].values[rows] += one.values.reshape(len(numbers), -1).sum(axis=1) / cells
        averages[name].centres[rows] += one.centres.reshape(len(numbers), -1).sum(axis=1) / cells


def of_differences(setting: Setting, replications: int, likeness: float, better: float) -> Iterator[Row]:
    """Coverage of the intervals of differences of two detectors.

    Args:
        setting: The first detector.
        replications: Number of samples.
        likeness: Correlation of the scores that the two detectors give to one image.
        better: Part of the first detector's errors that the second makes.
    """
    design, random = setting.design, random_of(setting)
    labels, sources = labels_and_sources(design, setting.size)
    layout = source_layout(labels, sources, sources.max() + 1)
    first = normal_numbers(random, replications, sources, design.correlation)
    other = normal_numbers(random, replications, sources, design.correlation)
    second = likeness * first + np.sqrt(1 - likeness**2) * other
    results, truths, calls = [], [], []
    for numbers, error in ((first, 1 - setting.accuracy), (second, (1 - setting.accuracy) * better)):
        real, generated = real_and_generated(setting.scores, 1 - error)
        scores = np.where(labels, generated(numbers), real(numbers))
        results.append(measured(scores, labels))
        truths.append(population(real, generated, design.real))
        calls.append(scores > 0)
    expected = float(np.mean(calls[0] != calls[1]) / np.sum(layout.accuracy**2))
    identical = np.zeros(replications, np.bool_)
    for (name, rule), loss in zip(MEASURES.items(), layout[2:], strict=True):
        if name == "balanced accuracy":
            continue
        first_one, second_one = (result[name] for result in results)
        sums = sum_by_source(first_one.influences - second_one.influences, sources, len(layout.shares))
        differences = first_one.values - second_one.values
        sample = sample_size(image_weights(labels, name), sources, layout.shares, loss.max())
        spread = source_variances(sums, layout.shares)
        ends = difference_interval(differences, spread, sample, identical, rule)
        title = f"difference of {name}, detectors' r {likeness:g}"
        truth = truths[0][name] - truths[1][name]
        yield row(setting, title, truth, differences, ends, evidence_of(expected, spread))


def simulations(replications: int, *, everything: bool) -> Iterator[Row]:
    """All rows of the table, or those of normal scores, fewer images and the designs that differ most."""
    plain = [one for one in DESIGNS if one.name in {"independent", "twins, r .9", "fives, r .9"}]
    sizes = SIZES if everything else SIZES[:2]
    drawn = [("normal", design) for design in (DESIGNS if everything else plain)]
    drawn += [(scores, design) for scores in (SCORES[1:] if everything else ()) for design in plain]
    for (scores, design), size, accuracy in product(drawn, sizes, ACCURACIES):
        yield from of_cells(Setting(design, scores, size, accuracy), replications)
    pairs = ((0.5, 1.0), (0.5, 0.6), (0.99, 1.0))
    for design, size, accuracy, (likeness, better) in product(plain, sizes, ACCURACIES, pairs):
        yield from of_differences(Setting(design, "normal", size, accuracy), replications, likeness, better)
    for design, size, accuracy in product(plain[:2], sizes if everything else SIZES[:1], ACCURACIES):
        yield from of_averages(Setting(design, "normal", size, accuracy), replications)


def too_wide(one: Row) -> bool:
    """Whether a row covers more than it should, though not for few errors alone."""
    return one.coverage > HIGHEST and not one.few


def limits(rows: list[Row]) -> str:
    """How many rows cover too much, which could not do otherwise, and how many of them few sources speak for."""
    wide = [one for one in rows if too_wide(one)]
    coarse = [f"{one.measure}, {one.design}, {one.scores}, {one.size} images" for one in wide if not one.reachable]
    text = (
        f"{len(wide)} rows without a * cover more than {HIGHEST:.0%}. In {len(coarse)} of them the value takes so few "
        f"steps that no distance from the truth holds between {LOWEST:.0%} and {HIGHEST:.0%} of the samples"
    )
    return (
        text + (f": {'; '.join(coarse)}. " if coarse else ". ") + by_contributors([one for one in rows if not one.few])
    )


def by_contributors(rows: list[Row]) -> str:
    """How many of some rows cover too much, by whether few or many sources make up the variance."""
    unsure, sure = ([one.coverage for one in rows if (one.contributors < UNSURE) is few] for few in (True, False))
    wide = [sum(one > HIGHEST for one in some) for some in (unsure, sure)]
    return (
        f"They are {wide[0]} of the {len(unsure)} rows with fewer than {UNSURE} contributors, which say little of "
        f"sources that were not drawn, and {wide[1]} of the {len(sure)} others, which cover at most "
        f"{100 * max(sure):.1f}%."
    )


def printed(rows: list[Row]) -> str:
    """The table, in Markdown."""
    lines = ["| measure | design | scores | images | accuracy | truth | coverage | mean width | contributors |"]
    lines.append("|---|---|---|--:|--:|--:|--:|--:|--:|")
    for one in rows:
        coverage = f"{100 * one.coverage:.1f}" + (" *" if one.few else "")
        if one.coverage < LOWEST or too_wide(one):
            coverage = f"**{coverage}**"
        cells = (one.measure, one.design, one.scores, one.size, one.accuracy, f"{one.truth:.4f}", coverage)
        lines.append("| " + " | ".join(map(str, (*cells, f"{one.width:.4f}", f"{one.contributors:.1f}"))) + " |")
    return "\n".join(lines)


def summary(rows: list[Row]) -> str:
    """The lowest and the highest coverage of every measure, in Markdown."""
    lines = ["| measure | rows | lowest | below 93% | highest | above 97% |", "|---|--:|--:|--:|--:|--:|"]
    for measure in dict.fromkeys(row.measure for row in rows):
        own = [one for one in rows if one.measure == measure]
        many = [one.coverage for one in own if not one.few]
        low = [one.coverage for one in own]
        above = f"{100 * max(many):.1f} | {sum(one > HIGHEST for one in many)} of {len(many)}" if many else "- | -"
        lines.append(
            f"| {measure} | {len(own)} | {100 * min(low):.1f} | {sum(one < LOWEST for one in low)} | {above} |"
        )
    return "\n".join(lines)


def page(rows: list[Row], command: str) -> str:
    """The page of all rows, in Markdown, with the command that writes it."""
    parts = (
        "# Coverage of 95% intervals",
        f"Written by `{command}`.",
        f"Coverage in percent of the samples. {MARKS}",
        summary(rows),
        limits(rows),
        printed(rows),
    )
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Print the summary and the table."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals, by simulation.")
    parser.add_argument("--all", action="store_true", help="every design, distribution and size")
    parser.add_argument("--replications", type=int, default=2000, help="samples of each row (2000)")
    options = parser.parse_args()
    command = "python docs/simulations/coverage.py" + (" --all" if options.all else "")
    rows = list(simulations(options.replications, everything=options.all))
    sys.stdout.write(page(rows, f"{command} --replications {options.replications}"))


if __name__ == "__main__":
    main()
