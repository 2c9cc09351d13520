"""Train sets that are part of another one, and fitted detectors inside of another one's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Detector, Embedder, Embeddings, Labels, Probe, Runtime, Sample, Scores, State, TrainSet
from detectors.aside import set_aside

Rows = NDArray[np.int64]
BATCH = 50  # images that are decoded and scored at once


@dataclass(frozen=True)
class Part:
    """Some rows of a train set, as a train set."""

    whole: TrainSet
    rows: Rows

    @property
    def labels(self) -> Labels:
        """Per image, 0 real or 1 generated."""
        return self.whole.labels[self.rows]

    @cached_property
    def names(self) -> Sequence[str]:
        """Stable image names."""
        return self._chosen(self.whole.names)

    @cached_property
    def generators(self) -> Sequence[str]:
        """Per image, its generator, or the empty string for a real one."""
        return self._chosen(self.whole.generators)

    @cached_property
    def sources(self) -> Sequence[str]:
        """Per image, what it was made from."""
        return self._chosen(self.whole.sources)

    @cached_property
    def contents(self) -> Sequence[str]:
        """Per image, what it shows."""
        return self._chosen(self.whole.contents)

    def _chosen(self, column: Sequence[str]) -> list[str]:
        return [column[row] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        return self.whole[int(self.rows[index])]

    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of these images, in order."""
        return self.whole.embed(embedder)[self.rows]


def divided(train: TrainSet, share: float, seed: int) -> tuple[Part, Part]:
    """A train set in two, the second with this share of each class. Raises what `set_aside` raises."""
    kept, aside = set_aside(train, share, f"{seed}/aside")
    return Part(train, np.array(kept)), Part(train, np.array(aside))


def scores_of(detector: Detector, images: TrainSet) -> Scores:
    """Scores of all images of a train set, from embeddings where the detector has them."""
    if isinstance(detector, Probe):
        return detector.decide(images.embed(detector.embedder))
    parts = [
        detector.score([detector.prepare(images[row]) for row in range(start, min(start + BATCH, len(images)))])
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def within(runtime: Runtime, name: str) -> Runtime:
    """The same runtime for one of several fits inside of a fit: a folder of its own, and nobody watches."""
    folder = None if runtime.folder is None else runtime.folder / name
    return replace(runtime, folder=folder, watch=None)


def together(prepared: Mapping[str, Array]) -> Array:
    """What several detectors prepared of one image as one array (), a record with a field for each."""
    record: Array = np.empty((), [(name, array.dtype, array.shape) for name, array in prepared.items()])
    for name, array in prepared.items():
        record[name] = array
    return record


def joined(states: Mapping[str, State]) -> State:
    """Several states as one."""
    return {f"{name}/{key}": array for name, state in states.items() for key, array in state.items()}


def parted(state: State, name: str) -> State:
    """One of the states that were joined."""
    return {key.partition("/")[2]: array for key, array in state.items() if key.partition("/")[0] == name}
