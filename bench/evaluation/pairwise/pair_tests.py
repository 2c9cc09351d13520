"""Tests of all pairs of some detectors."""

from __future__ import annotations

from dataclasses import dataclass

from bench.statistics.generator_margins import GeneratorMean
from bench.statistics.intervals import Floats


@dataclass(frozen=True)
class PairTests:
    """Tests of all pairs of A detectors.

    Attributes:
        p: Floats (A, A), two-sided, corrected for the number of pairs; 1 on the diagonal; NaN where pairs were not
            tested.
        low: Floats (A, A), lower ends of the 95% intervals of the differences row - column, for each pair alone.
        high: Floats (A, A), upper ends.
        pairs: Number of pairs that p is corrected for.
        covariance: Floats (A, A), of the averages.
        of_trainings: Floats (A, A), what of the variance of each difference is over trainings, in tests on these
            generators.
        means: Of tests across generators, the differences of all pairs in the order of `np.triu_indices`.
    """

    p: Floats
    low: Floats
    high: Floats
    pairs: int
    covariance: Floats
    of_trainings: Floats | None = None
    means: GeneratorMean | None = None
