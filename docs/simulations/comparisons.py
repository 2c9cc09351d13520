"""Size and power of the tests between detectors, and coverage of the interval across generators, as Markdown tables.

    .venv/bin/python docs/simulations/comparisons.py > docs/simulations/comparisons.md

Everything is drawn from seeds that are named by what is drawn. It takes about five minutes on one core.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from page import say, table
from scipy.special import expit, logit, ndtri, stdtr
from scipy.stats import wilcoxon

from bench.evaluation.cells import decisions
from bench.golden.golden_record import read_golden
from bench.records import columns
from bench.statistics.comparisons import delong_test, difference_test, mcnemar_two_sided, source_sign_flip
from bench.statistics.generator_margins import across_generators, generator_interval, generator_test
from bench.statistics.intervals import random_generator
from bench.statistics.ranks import better_beyond_chance, correct_for_pairs, ranks

Floats = NDArray[np.floating[Any]]
GOLDEN = Path(__file__).parents[2] / "results" / "golden" / "cross_generator"
REPEATS = 10_000
LEVEL = 0.05
DIFFERENCES = (0.02, 0.05, 0.10)
NOTES = """\
- Cells share trainings and test images: a Wilcoxon test over cells calls equal detectors different many times too
  often. Random signs for whole rows and whole columns at once (`flips`) leave neither variance in place. Variances
  clustered by both margins, with Student's law (`clustered`; Cameron, Gelbach and Miller, 2011), take rows and columns
  for two samples of generators.
- The two effects of one generator, as trained and as tested, go together in the embedded run (`roles`): to take rows
  and columns for different generators is wrong in both directions. `across_generators` looks at their names.
- Where cells vary and generators hardly do, the test and the interval are cautious, because few generators cannot
  show that this is so. Averages near 1 with a long tail of hard generators are covered less often than stated: a
  generator that was not drawn is not in the spread either.
"""


@dataclass(frozen=True)
class Components:
    """Standard deviations of a matrix of cells, and how far the two roles of one generator go together.

    Attributes:
        trained: Of the effect of the generator that was trained on.
        tested: Of the effect of the generator that was tested on.
        cell: Of what is left, the choice of images included.
        roles: Correlation of the two effects of one generator.
        mirrored: Correlation of a cell with that of the exchanged generators.
    """

    trained: float
    tested: float
    cell: float
    roles: float = 0.0
    mirrored: float = 0.0


def percent(hits: Floats) -> str:
    """Share of replications, with one decimal."""
    return f"{100 * float(np.mean(hits)):.1f}"


def names(count: int, prefix: str = "") -> list[str]:
    """Names of generators."""
    return [f"{prefix}{position}" for position in range(count)]


def golden_accuracies() -> tuple[list[str], Floats]:
    """Detectors, and their accuracies (A, G, G) in the golden record, each the mean over its seeds."""
    run = read_golden(GOLDEN)
    cells = run.cells.merge(decisions(run)[[columns.KEY, columns.CORRECT]], on=columns.KEY)
    keys = [columns.DETECTOR, columns.TRAIN, columns.TEST]
    means = cells.groupby(keys, sort=False, observed=True)[columns.CORRECT].mean()
    detectors, generators = list(run.cells[columns.DETECTOR].unique()), list(run.cells[columns.TRAIN].unique())
    shape = [[[means[one, row, column] for column in generators] for row in generators] for one in detectors]
    return detectors, np.array(shape)


def off_diagonal(values: Floats) -> Floats:
    """The matrices (..., G, G) with NaN for own generators."""
    return np.where(np.eye(values.shape[-1], dtype=bool), np.nan, values)


def components(matrix: Floats) -> Components:
    """Those of a matrix (G, G) without its diagonal, by the method of moments."""
    size = len(matrix)
    rows, cells = np.nonzero(~np.eye(size, dtype=bool))
    y = matrix[rows, cells]
    margins = [np.eye(size)[rows], np.eye(size)[cells]]
    both = np.hstack(margins)
    fitted = np.linalg.lstsq(both, y, rcond=None)[0]
    left = y - both @ fitted
    noise = left @ left / (len(y) - 2 * size + 1)
    found = []
    for own, other in (margins, margins[::-1]):
        projection = np.eye(len(y)) - other @ np.linalg.pinv(other)
        alone = y @ projection @ y
        loading = np.trace(own.T @ projection @ own)
        found.append(max(0.0, (alone - left @ left - (size - 1) * noise) / loading) ** 0.5)
    rest = np.zeros((size, size))
    rest[rows, cells] = left
    upper = np.triu_indices(size, 1)
    return Components(
        found[0],
        found[1],
        noise**0.5,
        float(np.corrcoef(fitted[:size], fitted[size:])[0, 1]),
        float(np.corrcoef(rest[upper], rest.T[upper])[0, 1]),
    )


def drawn(of: Components, shape: tuple[int, int, int], name: str, *, heavy: bool = False) -> Floats:
    """Matrices (B, R, C) of mean 0; heavy tails are Student's law with 3 degrees of freedom, of the same variance."""
    random = random_generator([name, repr(of), repr(shape), repr(heavy)])
    count, rows, cells = shape

    def law(*size: int) -> Floats:
        return random.standard_t(3, size) / 3**0.5 if heavy else random.standard_normal(size)

    row, column, cell = law(count, rows, 1), law(count, 1, cells), law(count, rows, cells)
    if of.roles:
        column = of.roles * row.transpose(0, 2, 1) + (1 - of.roles**2) ** 0.5 * column
    if of.mirrored:
        upper = np.triu(law(count, rows, cells))
        paired = upper + np.sign(of.mirrored) * np.triu(upper, 1).transpose(0, 2, 1)
        cell = abs(of.mirrored) ** 0.5 * paired + (1 - abs(of.mirrored)) ** 0.5 * cell
    return of.trained * row + of.tested * column + of.cell * cell


def found(values: Floats, *, one_sample: bool = True) -> str:
    """Share of matrices called different from 0; rows and columns are one sample of generators or two."""
    rows = names(values.shape[1], "" if one_sample else "row ")
    mean = across_generators(values, rows, names(values.shape[2]))
    return "" if mean is None else percent(generator_test(mean) <= LEVEL)


def clustered(values: Floats) -> Floats:
    """The p (B,) of variances clustered by rows and by columns, less that of cells, with Student's law."""
    there = ~np.isnan(values[0])
    left = np.where(there, values - np.nanmean(values, axis=(1, 2), keepdims=True), 0.0)
    sums = [np.sum(left.sum(axis=axis) ** 2, axis=1) for axis in (1, 2)]
    count, size = there.sum(), len(there)
    variance = (size / (size - 1) * (sums[0] + sums[1]) - np.sum(left**2, axis=(1, 2))) / count**2
    variance = np.where(variance > 0, variance, np.maximum(*sums) / count**2)
    p: Floats = 2 * stdtr(size - 1, -np.abs(np.nanmean(values, axis=(1, 2))) / np.sqrt(variance))
    return p


def flipped(values: Floats, flips: int = 499) -> Floats:
    """The p (B,) of random signs of whole rows and whole columns."""
    random = random_generator(["flips"])
    rows, cells = (random.choice([-1.0, 1.0], (flips, size)) for size in values.shape[1:])
    filled = np.nan_to_num(values)
    sums = np.sum((rows @ filled) * cells, axis=2)
    far: Floats = 1.0 + np.count_nonzero(np.abs(sums) >= np.abs(filled.sum(axis=(1, 2)))[:, None] - 1e-12, axis=1)
    return far / (flips + 1)


def embedded_pairs() -> None:
    """Size and power with the components of every pair of detectors in the golden record."""
    say("## Across generators: pairs of detectors of the embedded run")
    say()
    say("Standard deviations in points. `cells` is a Wilcoxon test over the 56 cells, `two samples` is the test with")
    say("rows and columns for different generators, `test` is `across_generators`, on normal effects and with heavy")
    say("tails.")
    say()
    detectors, accuracies = golden_accuracies()
    rows = []
    for first, second in itertools.combinations(range(len(detectors)), 2):
        of = components(accuracies[first] - accuracies[second])
        name = f"{detectors[first]}, {detectors[second]}"
        values = off_diagonal(drawn(of, (REPEATS, 8, 8), name))
        tails = off_diagonal(drawn(of, (REPEATS, 8, 8), name, heavy=True))
        flat = values.reshape(REPEATS, -1)
        cells = wilcoxon(flat[:2000, ~np.isnan(flat[0])], axis=1).pvalue
        deviations = (f"{100 * value:.1f}" for value in (of.trained, of.tested, of.cell))
        roles = (f"{of.roles:.2f}", f"{of.mirrored:.2f}")
        others = (percent(p <= LEVEL) for p in (cells, flipped(values[:2000]), clustered(values)))
        sizes = (*others, found(values, one_sample=False), found(values), found(tails))
        rows.append((name, *deviations, *roles, *sizes, *(found(values + shift) for shift in DIFFERENCES)))
    effects, others = ("trained", "tested", "cell", "roles", "mirrored"), ("cells", "flips", "clustered", "two samples")
    shown = (*effects, *others, "test", "test, heavy tails")
    table(("pair", *shown, *(f"power {100 * shift:.0f} points" for shift in DIFFERENCES)), rows)


def other_margins() -> None:
    """Size and power with components that are not those of the embedded run."""
    say("## Across generators: other margins")
    say()
    say("Components in points (trained, tested, cell); `one` where rows and columns are the same generators.")
    say()
    kinds = {
        "trained alone": Components(0.06, 0, 0.001),
        "tested alone": Components(0, 0.06, 0.001),
        "cells alone": Components(0, 0, 0.06),
        "trained and tested": Components(0.06, 0.06, 0.001),
        "all": Components(0.06, 0.06, 0.07),
    }
    rows = []
    for (kind, of), size in itertools.product(kinds.items(), (6, 10, 20)):
        count = REPEATS // 2
        values = [drawn(of, (count, size, size), kind, heavy=heavy) for heavy in (False, True)]
        holes = [off_diagonal(one) for one in values]
        sizes = [found(one, one_sample=sample) for sample in (True, False) for one in (*holes, *values)]
        rows.append((kind, size, *sizes, *(found(holes[0] + shift) for shift in DIFFERENCES)))
    places = ("no diagonal", "no diagonal, heavy", "diagonal", "diagonal, heavy")
    headers = (*(f"one, {place}" for place in places), *(f"two, {place}" for place in places))
    table(("components", "generators", *headers, *(f"power {100 * shift:.0f}" for shift in DIFFERENCES)), rows)
    rows = []
    for shape in ((6, 8), (6, 20), (20, 6), (10, 44)):
        values = [drawn(kinds["all"], (REPEATS // 2, *shape), "uneven", heavy=heavy) for heavy in (False, True)]
        rows.append((*shape, *(found(one, one_sample=False) for one in values)))
    table(("trained", "tested", "size", "size, heavy tails"), rows)


def partly_the_same() -> None:
    """Size where some generators alone are on both margins."""
    say("## Across generators: some generators on both margins")
    say()
    say("`both` generators are trained on and tested on, others are on one margin; their two effects correlate as each")
    say("column says. 6 and 6 points standard deviation, and the cells'.")
    say()
    rows = []
    for (trained, tested, both), cell in itertools.product(
        ((6, 8, 6), (8, 8, 4), (8, 8, 7), (6, 20, 6), (20, 6, 6), (12, 12, 9)), (0.01, 0.07)
    ):
        size, begin = trained + tested - both, trained - both
        sizes = []
        for roles in (-1.0, 0.0, 0.5, 1.0):
            of = Components(0.06, 0.06, cell, roles)
            values = off_diagonal(drawn(of, (REPEATS // 2, size, size), "partly the same"))
            mean = across_generators(values[:, :trained, begin:], names(size)[:trained], names(size)[begin:])
            sizes.append("" if mean is None else percent(generator_test(mean) <= LEVEL))
        rows.append((trained, tested, both, f"{100 * cell:.0f}", *sizes))
    table(("trained", "tested", "both", "cell", "-1", "0", "0.5", "1"), rows)


def released() -> None:
    """Size and power over the tested margin alone."""
    say("## Across generators: released detectors")
    say()
    say(
        "Differences of 6 points standard deviation. The exponential law is skewed, which a difference of two detectors"
    )
    say("of one law cannot be: it shows what an interval of one detector meets.")
    say()
    laws: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Floats]] = {
        "normal": lambda random, shape: random.standard_normal(shape),
        "heavy": lambda random, shape: random.standard_t(3, shape) / 3**0.5,
        "exponential": lambda random, shape: random.standard_exponential(shape) - 1,
    }
    rows = []
    for size in (6, 8, 12, 20, 44):
        shape = (REPEATS, 1, size)
        values = [0.06 * law(random_generator(["released", name, str(size)]), shape) for name, law in laws.items()]
        shifted = (values[0] + shift for shift in DIFFERENCES)
        means = [across_generators(one, None, names(size)) for one in (*values, *shifted)]
        rows.append((size, *(percent(generator_test(mean) <= LEVEL) for mean in means if mean is not None)))
    table(("generators", *laws, *(f"power {100 * shift:.0f} points" for shift in DIFFERENCES)), rows)


def coverage() -> None:
    """Coverage of the interval across generators of one detector's average."""
    say("## Across generators: the interval of one detector")
    say()
    say("Cells are normal on log odds, with the components of each detector of the embedded run. Coverage in percent,")
    say("nominal 95, and mean width in points, without the diagonal; `released` has one row.")
    say()
    detectors, accuracies = golden_accuracies()
    kinds = {}
    for detector, matrix in zip(detectors, accuracies, strict=True):
        odds = logit(matrix)
        kinds[detector] = (float(np.nanmean(off_diagonal(odds))), components(odds))
    kinds["near 1, uneven"] = (3.5, Components(0.6, 0.6, 0.8, 0.3, 0.5))
    kinds["at 1, uneven"] = (5.0, Components(0.7, 0.7, 1.0, 0.3, 0.5))
    kinds["trained alone"] = (1.5, Components(1.2, 0, 0.2))
    kinds["cells alone"] = (1.0, Components(0, 0, 1.0))
    rows = []
    for name, (centre, of) in kinds.items():
        spread = (of.trained**2 + of.tested**2 + of.cell**2) ** 0.5
        truth = float(expit(centre + spread * ndtri((np.arange(100_000) + 0.5) / 100_000)).mean())
        row: list[object] = [name, f"{100 * truth:.1f}"]
        for size in (6, 8, 20):
            values = off_diagonal(expit(centre + drawn(of, (REPEATS // 2, size, size), name)))
            row += covered(values, names(size), truth)
        for size in (6, 20, 44):
            one = Components(0, 0, spread)
            row += covered(expit(centre + drawn(one, (REPEATS // 2, 1, size), name)), None, truth)[:1]
        rows.append(row)
    sizes = [header for size in (6, 8, 20) for header in (f"{size}", f"width {size}")]
    table(("detector", "average", *sizes, *(f"released {size}" for size in (6, 20, 44))), rows)


def covered(values: Floats, trained: list[str] | None, truth: float) -> list[object]:
    """Coverage and mean width of the intervals of matrices."""
    mean = across_generators(values, trained, names(values.shape[2]))
    if mean is None:
        return ["", ""]
    low, high = generator_interval(mean)
    return [percent((low <= truth) & (truth <= high)), f"{100 * float(np.mean(high - low)):.0f}"]


def decisions_of_pairs() -> None:
    """Size and power of tests of decisions of two detectors on the same images."""
    say("## These generators: decisions on the same images")
    say()
    say("Two detectors of one accuracy, correlated by shared difficulty; sources of one image or of four. `power` is")
    say(
        "that of `source_sign_flip` where the second detector's accuracy is 5 points below (1 point below from .99 on)."
    )
    say()
    rows = []
    for size, accuracy, images in itertools.product((20, 100, 400), (0.5, 0.9, 0.99, 1.0), (1, 4)):
        same = sides(size, accuracy, accuracy, images)
        worse = sides(size, accuracy, accuracy - (0.05 if accuracy < 0.99 else 0.01), images)
        lost, won = np.sum(same == 1, axis=(1, 2)), np.sum(same == -1, axis=(1, 2))
        totals = same.sum(axis=2)
        mean = same.mean(axis=(1, 2))
        influences = totals / (2 * size) - mean[:, None] / totals.shape[1]
        p = [mcnemar_two_sided(lost, won), *(flips(one) for one in (same, worse))]
        p.insert(2, difference_test(mean, influences.T))
        rows.append((size, accuracy, images, *(percent(one <= LEVEL) for one in p)))
    tests = ("mcnemar_two_sided", "source_sign_flip", "difference_test", "power")
    table(("images per class", "accuracy", "images of a source", *tests), rows)


def sides(size: int, first: float, second: float, images: int) -> NDArray[np.integer[Any]]:
    """By replication, source and image, whether the first detector alone (1) or the second alone (-1) is right."""
    random = random_generator(["decisions", str(size), str(first), str(second), str(images)])
    shape = (5000, 2 * size // images, 1)
    shared = random.standard_normal(shape)
    right = []
    for accuracy in (first, second):
        own, noise = random.standard_normal(shape), random.standard_normal((*shape[:2], images))
        right.append(0.4**0.5 * shared + 0.35**0.5 * own + 0.25**0.5 * noise < ndtri(accuracy))
    return right[0].astype(np.int64) - right[1]


def flips(changes: NDArray[np.integer[Any]]) -> Floats:
    """The p of `source_sign_flip` of each replication."""
    return np.array([source_sign_flip(one) for one in changes.sum(axis=2)])


def areas() -> None:
    """Size and power of tests of two areas under ROC curves of the same images."""
    say("## These generators: areas under ROC curves")
    say()
    say("Two detectors of one area. `power` is that of `difference_test` where the second's distance from 1 is half as")
    say("large again.")
    say()
    rows = []
    for size, area, images in itertools.product((20, 100, 400), (0.5, 0.9, 0.99), (1, 4)):
        p = [area_tests(size, area, area, images), area_tests(size, area, 1 - 1.5 * (1 - area), images)]
        power = percent(p[1][:, 1] <= LEVEL)
        rows.append((size, area, images, *(percent(one <= LEVEL) for one in p[0].T), power))
    table(("images per class", "area", "images of a source", "delong_test", "difference_test", "power"), rows)


def area_tests(size: int, first: float, second: float, images: int, repeats: int = 2000) -> Floats:
    """The p (B, 2) of both tests."""
    random = random_generator(["areas", str(size), str(first), str(second), str(images)])
    labels, sources = np.repeat([0, 1], size), np.arange(2 * size) // images
    count = int(sources[-1]) + 1
    own = 0.3 if images > 1 else 0.0
    found = []
    for _ in range(repeats):
        shared = random.standard_normal(count)[sources]
        scores = []
        for area in (first, second):
            source, image = random.standard_normal(count)[sources], random.standard_normal(2 * size)
            noise = 0.4**0.5 * shared + own**0.5 * source + (0.6 - own) ** 0.5 * image
            scores.append(noise + 2**0.5 * ndtri(area) * labels)
        test = delong_test(labels, scores[0], scores[1], sources)
        found.append((test.p, difference_test(np.array([test.difference]), test.influences[:, None])[0]))
    return np.array(found)


def pools() -> None:
    """How often a pool of equal detectors has any verdict, and any rank but 1."""
    say("## Ranks of equal detectors")
    say()
    say(
        "Detectors with the same law, 8 x 8 cells without the diagonal (6, 6 and 7 points): share of pools in which any"
    )
    say("two are told apart after the correction for the number of pairs, and detectors with a rank other than 1.")
    say()
    rows = []
    for count in (3, 5, 10):
        of, repeats = Components(0.06, 0.06, 0.07), 4000
        cells = off_diagonal(drawn(of, (repeats * count, 8, 8), f"pool of {count}")).reshape(repeats, count, 8, 8)
        first, second = np.triu_indices(count, 1)
        mean = across_generators((cells[:, first] - cells[:, second]).reshape(-1, 8, 8), names(8), names(8))
        if mean is None:
            continue
        p = np.ones((repeats, count, count))
        p[:, first, second] = p[:, second, first] = generator_test(mean).reshape(repeats, -1)
        averages = np.nanmean(cells, axis=(2, 3))
        apart = []
        for one, values in zip(p, averages, strict=True):
            corrected = correct_for_pairs(one, np.zeros((count, count), dtype=bool))[0]
            apart.append(ranks(better_beyond_chance(values, corrected))[0] > 1)
        rows.append((count, percent(np.any(apart, axis=1)), percent(np.array(apart))))
    table(("detectors", "any verdict", "detectors ranked below 1"), rows)


def main() -> None:
    """The whole page."""
    warnings.simplefilter("error")
    say("# Simulations of the tests between detectors")
    say()
    say("Made by `.venv/bin/python docs/simulations/comparisons.py > docs/simulations/comparisons.md`. Nominal level")
    say("5%, shares in percent. A share of 5% of 10,000 replications has a standard error of .2, of 2,000 one of .5.")
    say()
    say(NOTES)
    for part in (embedded_pairs, other_margins, partly_the_same, released, coverage, decisions_of_pairs, areas, pools):
        part()


if __name__ == "__main__":
    main()
