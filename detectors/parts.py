"""Train sets that are part of another one, and fitted detectors inside of another one's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Detector, Embedder, Embeddings, Labels, Probe, Sample, Scores, State, TrainSet

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

    @property
    def names(self) -> Sequence[str]:
        """Stable image names."""
        return [self.whole.names[row] for row in self.rows]

    @property
    def generators(self) -> Sequence[str]:
        """Per image, its generator, or the empty string for a real one."""
        return [self.whole.generators[row] for row in self.rows]

    @property
    def sources(self) -> Sequence[str]:
        """Per image, what it was made from."""
        return [self.whole.sources[row] for row in self.rows]

    @property
    def contents(self) -> Sequence[str]:
        """Per image, what it shows."""
        return [self.whole.contents[row] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        return self.whole[int(self.rows[index])]

    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of these images, in order."""
        return self.whole.embed(embedder)[self.rows]


def divided(train: TrainSet, share: float, seed: int) -> tuple[Part, Part]:
    """A train set in two, the second with this share of each class; names and seed decide, not the order.

    Raises:
        ValueError: Fewer than two images of a class.
    """
    aside = np.zeros(len(train), bool)
    for label, noun in enumerate(("real", "generated")):
        members = np.flatnonzero(train.labels == label).tolist()
        if len(members) < 2:
            msg = f"needs at least 2 {noun} images, found {len(members)}: choose a train subset that holds both"
            raise ValueError(msg)
        ranked = sorted(members, key=lambda row: sha256(f"{seed}/aside/{train.names[row]}".encode()).digest())
        aside[ranked[: max(1, round(share * len(members)))]] = True
    return Part(train, np.flatnonzero(~aside)), Part(train, np.flatnonzero(aside))


def scores_of(detector: Detector, images: TrainSet) -> Scores:
    """Scores of all images of a train set, from embeddings where the detector has them."""
    if isinstance(detector, Probe):
        return detector.decide(images.embed(detector.embedder))
    parts = [
        detector.score([detector.prepare(images[row]) for row in range(start, min(start + BATCH, len(images)))])
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate([np.zeros(0, np.float32), *parts])


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
