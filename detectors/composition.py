"""The contract of detectors that are composed of others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from detectors.api import Answer, Array, Detector, Probe, Recipe, Sample, Scores


class Composite(Detector):
    """A detector whose answer follows from those of other fitted detectors.

    The harness prepares and scores each member as it does a detector by itself, then combines their answers.

    Attributes:
        members: By name, in order.
    """

    members: Mapping[str, Detector]

    @abstractmethod
    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The answer for N images from the answers of all members for them, by name."""

    def prepare(self, sample: Sample) -> Array:
        """The prepared arrays of all members, as one structured array () with a field for each."""
        prepared = {name: np.asarray(member.prepare(sample)) for name, member in self.members.items()}
        record: Array = np.empty((), [(name, array.dtype, array.shape) for name, array in prepared.items()])
        for name, array in prepared.items():
            record[name] = array
        return record

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Answer by every member, then combine."""
        return self.combine(
            {name: member.answer([record[name] for record in batch]) for name, member in self.members.items()}
        )

    def score(self, batch: Sequence[Array]) -> Scores:
        """The scores of the answer."""
        return self.answer(batch).scores


def as_member(recipe: Recipe, detector: Detector) -> Detector:
    """Mark a fitted detector as preparing images as all of its recipe do: one preparation serves all such members."""
    if detector.preparation is None and not isinstance(detector, Probe):
        detector.preparation = recipe.key
    return detector
