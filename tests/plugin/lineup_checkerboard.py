"""A detector of checkerboards: the energy of one high-pass filter, cut where it parts the training images best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors.api import (
    Array,
    Card,
    Detector,
    Recipe,
    Runtime,
    Sample,
    Scores,
    Setting,
    State,
    TrainSet,
    Variant,
    for_all_settings,
)


class CheckerboardDetector(Detector):
    """Scores by a logistic curve over the distance from a learned cut."""

    def __init__(self, cut: float, slope: float) -> None:
        self._cut = cut
        self._slope = slope

    def prepare(self, sample: Sample) -> Array:
        """Log energy of the diagonal second difference, float32 ()."""
        grey = sample.pixels.astype(np.float32).mean(axis=2)
        if min(grey.shape) < 2:
            return np.float32(0) * grey[0, 0]
        difference = grey[1:, 1:] - grey[1:, :-1] - grey[:-1, 1:] + grey[:-1, :-1]
        return np.log1p(np.square(difference).mean())

    def score(self, batch: Sequence[Array]) -> Scores:
        """Probability of "generated" of N log energies."""
        distance = np.asarray(batch, dtype=np.float64).reshape(-1) - self._cut
        return (1 / (1 + np.exp(-self._slope * distance))).astype(np.float32)

    def state(self) -> State:
        """The cut and the slope."""
        return {"cut": np.float64([self._cut]), "slope": np.float64([self._slope])}


@dataclass(frozen=True)
class Checkerboard(Recipe):
    """Recipe of the detector of checkerboards."""

    card: ClassVar[Card] = Card(
        name="checkerboard",
        family="example",
        year=2026,
        version=1,
        title="Checkerboard energy",
        paper="none: an example of a plug-in",
        upstream="none",
        licence="Apache-2.0",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = for_all_settings(
        Variant(
            trained_on="the train subset of the run",
            input_size="any",
            input_policy="the whole image, as it is",
        )
    )

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> CheckerboardDetector:
        """Put the cut between the mean energies of both classes."""
        del seed, runtime
        blank = CheckerboardDetector(0.0, 1.0)
        energies = np.array([blank.prepare(train[index]) for index in range(len(train))], dtype=np.float64)
        real, generated = energies[train.labels == 0].mean(), energies[train.labels == 1].mean()
        return CheckerboardDetector(float((real + generated) / 2), float(np.sign(generated - real) * 4))

    def restore(self, state: State, runtime: Runtime) -> CheckerboardDetector:
        """The detector with this cut and slope."""
        del runtime
        return CheckerboardDetector(float(state["cut"][0]), float(state["slope"][0]))
