"""A train set of any size from a few images, for measuring how long a fit takes: what is learned means nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bench.engine.scoring.batch_answers import BatchInputs, answer_batch, base_detectors
from detectors.api import Detector, Embedder, Embeddings, Labels, Rows, Sample, Scores

SPREAD = 0.5  # of the noise on an embedding, in deviations of each of its columns
SEED = 0  # of that noise
GENERATORS = ("a", "b")


@dataclass(frozen=True)
class RepeatedTrainSet:
    """A few images over and over, half of them called real; their embeddings differ by noise.

    Attributes:
        samples: The images, an even number: those at even places are called real.
        rows: Which of an endless repetition of them this set holds.
        embedded: Embeddings of `samples` that were made before, by key of the embedder.
    """

    samples: Sequence[Sample]
    rows: tuple[int, ...]
    embedded: dict[str, Embeddings] = field(default_factory=dict)

    @cached_property
    def labels(self) -> Labels:
        """int64 (N,), 0 real, 1 generated."""
        return np.array(self.rows, dtype=np.int64) % 2

    @cached_property
    def names(self) -> Sequence[str]:
        """A name for each."""
        return [f"repeated/{row}" for row in self.rows]

    @cached_property
    def generators(self) -> Sequence[str]:
        """Two generators in turn, "" for what is called real."""
        return [GENERATORS[row // 2 % 2] if row % 2 else "" for row in self.rows]

    @cached_property
    def sources(self) -> Sequence[str]:
        """One for each real image and the generated one after it."""
        return [str(row // 2) for row in self.rows]

    @cached_property
    def contents(self) -> Sequence[str]:
        """One for all."""
        return ["photograph"] * len(self)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[self.rows[index] % len(self.samples)]

    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of all images in order, float32 (N, dim)."""
        if embedder.key not in self.embedded:
            self.embedded[embedder.key] = embedder.embed([embedder.prepare(sample) for sample in self.samples])
        base = self.embedded[embedder.key]
        noise = np.random.default_rng(SEED).normal(0, SPREAD, (max(self.rows) + 1, base.shape[1]))[list(self.rows)]
        rows = np.array(self.rows) % len(self.samples)
        embeddings: Embeddings = (base[rows] + noise * base.std(axis=0)).astype(np.float32)
        return embeddings

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images in order."""
        prepared = {
            base.consumer: [base.detector.prepare(self[index]) for index in range(len(self))]
            for base in base_detectors(detector)
        }
        return answer_batch(detector, BatchInputs(prepared.__getitem__, self.embed)).scores

    def part(self, rows: Rows) -> RepeatedTrainSet:
        """The images of these rows, in this order."""
        return replace(self, rows=tuple(self.rows[int(row)] for row in rows))
