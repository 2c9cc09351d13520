"""A selection of images as a recipe sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock

from bench.engine.embeddings import EmbeddingService
from bench.engine.image_pass import split_into_chunks
from bench.engine.scoring.score_images import AnswerTable, ScoringRequest, score_pool
from bench.engine.selections import DistinctImages, Selection, unique_positions
from detectors.api import Detector, Embedder, Embeddings, Labels, Rows, Sample, Scores
from protocols.degradations import Degradation

SAMPLE_MEMORY = 1 << 30  # bytes of decoded images that are kept to be read again


@dataclass
class SampleReader:
    """Reads images of a pool under one degradation, and keeps up to `SAMPLE_MEMORY` bytes of them in memory.

    Attributes:
        pool: The distinct images.
        degradation: Applied to every image.
        counts: Counts decoded images.
    """

    pool: DistinctImages
    degradation: Degradation
    counts: Counter[str]
    _samples: dict[int, Sample] = field(default_factory=dict)
    _free_bytes: int = SAMPLE_MEMORY
    _lock: Lock = field(default_factory=Lock)

    def __getitem__(self, position: int) -> Sample:
        if (known := self._samples.get(position)) is not None:
            return known
        sample = self.degradation(self.pool[position])
        with self._lock:
            self.counts["images decoded"] += 1
            if position not in self._samples and sample.pixels.nbytes <= self._free_bytes:
                self._free_bytes -= sample.pixels.nbytes
                self._samples[position] = sample
        return sample


@dataclass(frozen=True)
class SelectionTrainSet:
    """A selection as a train set.

    Attributes:
        selection: The images.
        reader: Decodes and degrades them.
        embeddings: Their embeddings.
    """

    selection: Selection
    reader: SampleReader
    embeddings: EmbeddingService

    @property
    def labels(self) -> Labels:
        """int64 (N,), 0 real, 1 generated."""
        return self.selection.images.labels

    @cached_property
    def names(self) -> Sequence[str]:
        """The sha256 of each image's content: what data sets call it may differ from copy to copy."""
        return tuple(content.tobytes().hex() for content in self.selection.hashes)

    @cached_property
    def generators(self) -> Sequence[str]:
        """The generator of each generated image, "" for real ones."""
        table = self.selection.images.table
        return tuple(table["generator"].where(table["label"] == 1, ""))

    @cached_property
    def sources(self) -> Sequence[str]:
        """The source of each image; a real image and the images generated from it share one."""
        return self._column("source")

    @cached_property
    def contents(self) -> Sequence[str]:
        """What each image shows, as its data set says; "" where it says nothing."""
        return self._column("content")

    def _column(self, name: str) -> tuple[str, ...]:
        return tuple(self.selection.images.table[name])

    def __len__(self) -> int:
        return len(self.selection.images)

    def __getitem__(self, index: int) -> Sample:
        return self.reader[int(self.selection.positions[index])]

    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of all images in order, float32 (N, dim)."""
        return self.embeddings.embed(self.selection, embedder, self.reader.degradation)

    def part(self, rows: Rows) -> SelectionTrainSet:
        """The images of these rows, in this order."""
        return replace(self, selection=self.selection.select(rows))

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images in order. Raises what the detector raises."""
        images, step = unique_positions([self.selection.positions]), self.reader.degradation
        request = ScoringRequest(("train set", step.name), detector, ("train set",), step, images)
        table = AnswerTable(images)
        chunks = split_into_chunks(images, self.embeddings.batch_size)
        for chunk in score_pool(chunks, [request], self.embeddings):
            for part in chunk.answers:
                if isinstance(part.answer, Exception):
                    raise part.answer
                table.add(part.images, part.answer)
        return table[self.selection.positions].scores
