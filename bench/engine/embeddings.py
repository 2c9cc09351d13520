"""Embeddings of images: from the cache, or made now in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.engine.cache import Cache, EmbeddingFiles
from bench.engine.image_pass import (
    PreparationKey,
    PreparationRequest,
    PreparedChunk,
    image_pass,
    in_chunks,
    in_plain_words,
    members,
)
from bench.engine.plan import runtime_key
from bench.engine.selections import DistinctImages, Positions, Selection, each_once
from bench.engine.versions import code_of
from bench.platform.errors import InputError
from bench.platform.files import digest
from detectors.api import Array, Embedder, Embeddings, Runtime
from detectors.types import read_only
from protocols.degradations import Degradation


@dataclass(frozen=True)
class EmbeddingRequest:
    """Images that an embedder is to embed under one degradation."""

    embedder: Embedder
    degradation: Degradation
    images: Positions

    @property
    def want(self) -> PreparationKey:
        """The embedder's key, and the degradation."""
        return self.embedder.key, self.degradation.name


@dataclass(frozen=True)
class EmbeddedChunk:
    """What became of one embedder's part of a chunk.

    Attributes:
        embedding: Which embedder, under which degradation.
        error: Why its images were not embedded; None where they were.
    """

    embedding: EmbeddingRequest
    error: Exception | None = None


@dataclass
class EmbeddingService:
    """Embeddings of the distinct images of a run.

    Attributes:
        pool: The images.
        cache: Where embeddings are kept.
        runtime: Where embedders compute.
        batch_size: Images that are embedded together.
        workers: Threads that read and prepare.
        counts: Told what is decoded and embedded.
    """

    pool: DistinctImages
    cache: Cache
    runtime: Runtime
    batch_size: int
    workers: int
    counts: Counter[str]
    _shelves: dict[PreparationKey, EmbeddingFiles] = field(default_factory=dict)

    def shelf(self, embedder: Embedder, degradation: Degradation) -> EmbeddingFiles:
        """Cached embeddings. What changes them is the embedder, its code, the runtime and the pixels."""
        want = embedder.key, degradation.name
        if want not in self._shelves:
            key = f"{embedder.key}.{runtime_key(self.runtime)}.{digest(code_of(embedder))[:12]}"
            self._shelves[want] = self.cache.shelf(key, degradation.key)
        return self._shelves[want]

    def lacking(self, embedding: EmbeddingRequest) -> Positions:
        """Those of the images whose embeddings are not here."""
        shelf = self.shelf(embedding.embedder, embedding.degradation)
        lacks = np.fromiter((bytes(value) not in shelf for value in self.pool.hashes[embedding.images]), bool)
        return embedding.images[np.flatnonzero(lacks)]

    def fill(
        self, embeddings: Sequence[EmbeddingRequest], chunks: Sequence[Positions]
    ) -> Iterator[tuple[int, list[EmbeddedChunk]]]:
        """Make what is lacking, chunk by chunk, each image read once for all embedders.

        Args:
            embeddings: One for each want.
            chunks: Their images in chunks.

        Yields:
            How many images were read, and what became of every embedder's part of them.

        Raises:
            InputError: An image cannot be decoded any more.
        """
        by_want = {one.want: one for one in embeddings}
        demands = [
            PreparationRequest(one.embedder.key, one.degradation, one.embedder.prepare, self.lacking(one))
            for one in embeddings
        ]
        masks = {demand.want: members(demand.images, len(self.pool)) for demand in demands}
        broken: set[PreparationKey] = set()
        passed = image_pass(
            self.pool.__getitem__, len(self.pool), chunks, demands, self.workers, lambda want: want not in broken
        )
        for chunk in passed:
            require_read(self.pool, chunk.unread)
            self.counts["images decoded"] += chunk.decoded
            parts = [(by_want[want], chunk.images[mask[chunk.images]]) for want, mask in masks.items()]
            whole = [(one, images) for one, images in parts if images.size and one.want not in broken]
            filled = [self._keep(one, images, chunk) for one, images in whole]
            broken.update({one.embedding.want for one in filled if one.error is not None})
            yield chunk.decoded, filled

    def _keep(self, embedding: EmbeddingRequest, images: Positions, chunk: PreparedChunk) -> EmbeddedChunk:
        """Embed one batch and remember it."""
        try:
            embeddings = _checked(embedding.embedder, chunk.batch(embedding.want, images))
        except Exception as error:  # noqa: BLE001 - one embedder's fault must not stop the others
            return EmbeddedChunk(embedding, in_plain_words(error))
        self.shelf(embedding.embedder, embedding.degradation).add(self.pool.hashes[images], embeddings)
        self.counts["embeddings made"] += len(images)
        return EmbeddedChunk(embedding)

    def of(self, selection: Selection, embedder: Embedder, degradation: Degradation) -> Embeddings:
        """Embeddings of a selection in order, float32 (N, dim), made where they are lacking.

        Raises what embedding raises.
        """
        wanted = EmbeddingRequest(embedder, degradation, each_once([selection.positions]))
        for _, filled in self.fill([wanted], in_chunks(wanted.images, self.batch_size)):
            for part in filled:
                if part.error is not None:
                    raise part.error
        return self.kept(embedder, degradation, selection.positions)

    def kept(self, embedder: Embedder, degradation: Degradation, images: Positions) -> Embeddings:
        """Embeddings that are in the cache, float32 (N, dim), read-only. Raises `KeyError` for one that is not."""
        return read_only(self.shelf(embedder, degradation)[self.pool.hashes[images]])


def require_read(pool: DistinctImages, unread: Mapping[int, str]) -> None:
    """Raise `InputError` where an image that was sound when files were checked cannot be decoded any more."""
    for image, reason in unread.items():
        msg = f"{pool.where(image)} was sound and cannot be decoded any more ({reason}); run the same command again"
        raise InputError(msg)


def _checked(embedder: Embedder, arrays: Sequence[Array]) -> Embeddings:
    """Embeddings as the contract has them, or a `ValueError` that becomes the reason of a failed cell."""
    embeddings = embedder.embed(arrays)
    if embeddings.shape != (len(arrays), embedder.dim) or not np.isfinite(embeddings).all():
        msg = f"embeddings must be finite, of shape ({len(arrays)}, {embedder.dim}); got shape {embeddings.shape}"
        raise ValueError(msg)
    return embeddings
