"""A selection of images as a recipe sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock

from bench.engine.embeddings import EmbeddingService, require_read
from bench.engine.image_pass import in_chunks
from bench.engine.plan import Place
from bench.engine.scoring import AnswerSheet, ScoringRequest, answers, from_embeddings, leaves, only_probes
from bench.engine.selections import DistinctImages, Selection, each_once
from detectors.api import Detector, Embedder, Embeddings, Labels, Probe, Rows, Sample, Scores
from protocols.degradations import Degradation

MEMORY = 1 << 30  # bytes of decoded images that are kept for who reads them again


@dataclass
class SampleReader:
    """Reads images of a pool under one degradation, and remembers what fits in memory.

    Attributes:
        pool: The images.
        degradation: What they go through first.
        counts: Told what is decoded.
    """

    pool: DistinctImages
    degradation: Degradation
    counts: Counter[str]
    _kept: dict[int, Sample] = field(default_factory=dict)
    _room: int = MEMORY
    _lock: Lock = field(default_factory=Lock)

    def __getitem__(self, position: int) -> Sample:
        if (kept := self._kept.get(position)) is not None:
            return kept
        sample = self.degradation(self.pool[position])
        with self._lock:
            self.counts["images decoded"] += 1
            if position not in self._kept and sample.pixels.nbytes <= self._room:
                self._room -= sample.pixels.nbytes
                self._kept[position] = sample
        return sample


@dataclass(frozen=True)
class SelectionTrainSet:
    """A selection as a train set.

    Attributes:
        selection: The images.
        reader: Decodes and degrades them.
        embeddings: Embeds them, or has embedded them before.
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
        """Stable image names."""
        return tuple(self.selection.images.names)

    @cached_property
    def generators(self) -> Sequence[str]:
        """The generator of each generated image, "" for real ones."""
        table = self.selection.images.table
        return tuple(table["generator"].where(table["label"] == 1, ""))

    @cached_property
    def sources(self) -> Sequence[str]:
        """What each image was made from; a real image and its generated twins share it."""
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
        """Embeddings of all images in order."""
        return self.embeddings.of(self.selection, embedder, self.reader.degradation)

    def part(self, rows: Rows) -> SelectionTrainSet:
        """The images of these rows, in this order."""
        return replace(self, selection=self.selection.part(rows))

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images in order. Raises what the detector raises."""
        place: Place = ("asked while fitting",)
        if only_probes(detector, place):
            return from_embeddings(detector, place, self.embed, len(self)).scores
        for leaf in leaves(detector, place):
            if isinstance(leaf.detector, Probe):
                self.embed(leaf.detector.embedder)
        images, pool = each_once([self.selection.positions]), self.embeddings.pool
        asked = ScoringRequest(("fit", "aside"), detector, place, self.reader.degradation, images)
        sheet = AnswerSheet(len(pool))
        chunks, workers = in_chunks(images, self.embeddings.batch_size), self.embeddings.workers
        for chunk, answered in answers(pool.__getitem__, len(pool), chunks, [asked], self.embeddings.kept, workers):
            require_read(pool, chunk.unread)
            self.embeddings.counts["images decoded"] += chunk.decoded
            for one in answered:
                if isinstance(one.answer, Exception):
                    raise one.answer
                sheet.add(one.images, one.answer)
        return sheet[self.selection.positions].scores
