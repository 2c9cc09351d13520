"""How much more data would settle an observed difference, were it the true one."""

from __future__ import annotations

import math

from scipy.special import ndtri, stdtrit

from bench.statistics.generator_margins import FEWEST_GENERATORS, GeneratorMean

POWER = 0.8
_MOST_GENERATORS = 100_000


def sources_to_settle(
    difference: float, variance: float, sources: int, level: float = 0.05, *, unmoved: float = 0.0
) -> int | None:
    """Number of sources at which a test on these generators finds the difference with a power of 80%.

    Args:
        difference: Observed, in [-1, 1].
        variance: Of the difference, on the sources that were tried; it falls with their number.
        sources: Number of them. Images grow in proportion.
        level: Of the two-sided test, after any correction for several tests.
        unmoved: The part of the variance that more images do not change, such as that over trainings.

    Returns:
        None where there is no difference or no variance to reckon with, or where what more images do not change is
        too much: no number of images follows from these.
    """
    reach = float(ndtri(1 - level / 2) + ndtri(POWER))
    room = (difference / reach) ** 2 - unmoved
    if not (variance > 0 and room > 0):
        return None
    return max(1, math.ceil(sources * variance / room))


def generators_to_settle(mean: GeneratorMean, pair: int, level: float = 0.05, power: float = POWER) -> int | None:
    """Number of generators, on each margin, at which the test across generators finds the difference.

    The part of the variance between generators falls with their number, that of single cells with its square.

    Args:
        mean: Differences that `across_generators` measured.
        pair: Which of them.
        level: Of the two-sided test, after any correction for several tests.
        power: In (0, 1).

    Returns:
        At least six. None where there is no difference, where its variance is 0, or where the images of these cells
        are too few for any number of generators.
    """
    difference = abs(float(mean.value[pair]))
    total = float(mean.variance[pair])
    if not (difference and total > 0):
        return None
    of_cells, of_images = float(mean.of_cells[pair]), float(mean.image_variance[pair])
    of_generators = max(0.0, total - of_images - of_cells)

    def settles(generators: int) -> bool:
        ratio = mean.generators / generators
        variance = of_generators * ratio + of_cells * ratio**2 + of_images
        reach = stdtrit(generators - 1, 1 - level / 2) + stdtrit(generators - 1, power)
        return bool(reach * math.sqrt(variance) <= difference)

    if not settles(_MOST_GENERATORS):
        return None
    low, high = FEWEST_GENERATORS - 1, _MOST_GENERATORS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high
