"""Detectors that are composed of others: their contract, fits within a fit, states within a state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from detectors.api import Answer, Array, Detector, Probe, Recipe, Sample, Scores


class Composite(Detector):
    """A detector whose answer follows from those of other fitted detectors.

    The harness reads, prepares and scores the members as it does detectors of their own, then combines their answers.

    Attributes:
        members: By name, in order.
    """

    members: Mapping[str, Detector]

    @abstractmethod
    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The answer that follows from those of every member, by name, on the same N images."""

    def prepare(self, sample: Sample) -> Array:
        """What every member prepares, as one record () with a field for each."""
        prepared = {name: np.asarray(member.prepare(sample)) for name, member in self.members.items()}
        record: Array = np.empty((), [(name, array.dtype, array.shape) for name, array in prepared.items()])
        for name, array in prepared.items():
            record[name] = array
        return record

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Let every member answer, then combine."""
        return self.combine(
            {name: member.answer([one[name] for one in batch]) for name, member in self.members.items()}
        )

    def score(self, batch: Sequence[Array]) -> Scores:
        """The scores of the answer."""
        return self.answer(batch).scores


def member_of(recipe: Recipe, detector: Detector) -> Detector:
    """A fitted detector as a member: all members of one recipe prepare alike, so an image is prepared once for them."""
    if detector.preparation is None and not isinstance(detector, Probe):
        detector.preparation = recipe.key
    return detector
