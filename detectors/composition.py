"""Detectors that are composed of others: their contract, fits within a fit, states within a state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from detectors.api import Answer, Array, Detector, Probe, Recipe, Runtime, Sample, Scores, State, TrainSet
from detectors.aside import set_aside


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


def divided(train: TrainSet, share: float, seed: int) -> tuple[TrainSet, TrainSet]:
    """A train set in two, the second with this share of each class. Raises what `set_aside` raises."""
    kept, aside = set_aside(train, share, f"{seed}/aside")
    return train.part(kept), train.part(aside)


def within(runtime: Runtime, name: str) -> Runtime:
    """The same runtime for one of several fits inside of a fit: a folder of its own, and nobody watches."""
    folder = None if runtime.folder is None else runtime.folder / name
    return replace(runtime, folder=folder, watch=None)


def joined(states: Mapping[str, State]) -> State:
    """Several states as one."""
    return {f"{name}/{key}": array for name, state in states.items() for key, array in state.items()}


def parted(state: State, name: str) -> State:
    """One of the states that were joined."""
    return {key.partition("/")[2]: array for key, array in state.items() if key.partition("/")[0] == name}
