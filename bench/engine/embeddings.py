"""Embeddings of images: which a run needs, from the cache or made now in one pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.engine.cache import Cache
from bench.engine.caching.embedding_files import EmbeddingFiles, EmbeddingRows
from bench.engine.image_pass import ImageReader, PreparedChunk, image_pass, position_mask, split_into_chunks
from bench.engine.plan import PlannedCell, runtime_key
from bench.engine.prepared_image import PreparationKey, PreparationRequest, explain_error
from bench.engine.selections import DistinctImages, Positions, Selection, Selections, unique_positions
from bench.engine.versions import code_of
from bench.inference.backends import backend_key, runtime_for
from bench.platform.errors import InputError
from bench.platform.files import digest
from detectors.api import Array, Embedder, Embeddings, Recipe, Runtime
from detectors.isolation.calls import contained
from detectors.network_kinds import network_kinds
from detectors.types import read_only
from protocols.api import Subset
from protocols.degradations import Degradation


def recipe_embedders(recipe: Recipe, runtime: Runtime) -> tuple[Embedder, ...]:
    """The embedders of a recipe and its components, none that reads its test images in another way than they do.

    Raises:
        Unavailable: Weights are missing.
    """
    if recipe.input != "published":
        return ()
    if (embedder := recipe.embedder(runtime_for(recipe, runtime))) is not None:
        return (embedder,)
    return tuple(one for component in recipe.components() for one in recipe_embedders(component, runtime))


def needs_embeddings_alone(recipe: Recipe, runtime: Runtime) -> bool:
    """Whether fits and answers of a recipe follow from embeddings, and no component reads images.

    Raises:
        Unavailable: Weights are missing.
    """
    if recipe.input != "published":
        return False
    components = recipe.components()
    return recipe.embedder(runtime) is not None or (
        bool(components) and all(needs_embeddings_alone(one, runtime) for one in components)
    )


@dataclass(frozen=True)
class EmbeddingRequest:
    """Images that an embedder is to embed under one degradation.

    Attributes:
        embedder: The embedder.
        degradation: Applied to every image first.
        images: Positions among the distinct images.
    """

    embedder: Embedder
    degradation: Degradation
    images: Positions

    @property
    def key(self) -> PreparationKey:
        """The embedder's key, and the degradation."""
        return self.embedder.key, self.degradation.name


@dataclass
class EmbeddingPlan:
    """The embeddings that fits need.

    Attributes:
        requests: One for each embedder and degradation.
        users: By key of a request, the cells that need it.
    """

    requests: list[EmbeddingRequest]
    users: dict[PreparationKey, list[PlannedCell]]


def plan_embeddings(
    items: Sequence[PlannedCell], embedders: Mapping[str, Sequence[Embedder]], selections: Selections
) -> EmbeddingPlan:
    """Find the embeddings that the fits of some cells need.

    Args:
        items: The cells.
        embedders: By key of the recipe.
        selections: The images of every subset.
    """
    by_key: dict[str, Embedder] = {}
    degradations: dict[str, Degradation] = {}
    users: dict[PreparationKey, list[PlannedCell]] = defaultdict(list)
    subsets: dict[PreparationKey, dict[Subset, None]] = defaultdict(dict)
    for item in items:
        if item.cell.train is None:
            continue
        degradation = item.degradation(item.cell.train)
        degradations[degradation.name] = degradation
        for embedder in embedders[item.recipe_key]:
            by_key.setdefault(embedder.key, embedder)
            key = embedder.key, degradation.name
            users[key].append(item)
            subsets[key][item.cell.train] = None
    requests = [
        EmbeddingRequest(by_key[str(consumer)], degradations[name], selections.positions(read))
        for (consumer, name), read in subsets.items()
    ]
    return EmbeddingPlan(requests, users)


@dataclass(frozen=True)
class EmbeddedChunk:
    """What became of the images of a chunk for one request.

    Attributes:
        request: The request.
        error: Why its images were not embedded; None where they were.
    """

    request: EmbeddingRequest
    error: Exception | None = None


@dataclass
class EmbeddingService:
    """Embeddings of the distinct images of a run.

    Attributes:
        pool: The distinct images.
        cache: Where embeddings are kept.
        runtime: Where embedders compute.
        batch_size: Images that are embedded together.
        workers: Threads that read and prepare.
        counts: Counts decoded images and new embeddings.
    """

    pool: DistinctImages
    cache: Cache
    runtime: Runtime
    batch_size: int
    workers: int
    counts: Counter[str]
    _files: dict[PreparationKey, tuple[EmbeddingFiles, EmbeddingRows]] = field(default_factory=dict)

    @property
    def reader(self) -> ImageReader:
        """How images are read."""
        return ImageReader(self.pool.__getitem__, len(self.pool), self.workers, ahead=self.runtime.device != "cpu")

    def files(self, embedder: Embedder, degradation: Degradation) -> tuple[EmbeddingFiles, EmbeddingRows]:
        """Cached embeddings, and where those of the distinct images are.

        What changes them is the embedder, its code, the runtime and the pixels.
        """
        key = embedder.key, degradation.name
        if key not in self._files:
            code = digest(code_of(embedder), *filter(None, [backend_key(self.runtime, network_kinds(embedder))]))
            identity = f"{embedder.key}.{runtime_key(self.runtime)}.{code[:12]}"
            files = self.cache.embeddings(identity, degradation.key)
            self._files[key] = files, files.rows_of(self.pool.hashes)
        return self._files[key]

    def look_again(self) -> None:
        """Forget which embeddings there are: others wrote some."""
        self._files.clear()

    def missing(self, request: EmbeddingRequest) -> Positions:
        """The images of a request whose embeddings are not in the cache."""
        _, rows = self.files(request.embedder, request.degradation)
        return request.images[rows[request.images] < 0]

    def fill(
        self, requests: Sequence[EmbeddingRequest], chunks: Sequence[Positions]
    ) -> Iterator[tuple[int, list[EmbeddedChunk]]]:
        """Make the embeddings that are missing, chunk by chunk, each image read once for all embedders.

        Args:
            requests: One for each embedder and degradation.
            chunks: Their images in chunks.

        Yields:
            How many images were decoded, and what became of the chunk for every request under some of the degradations.

        Raises:
            InputError: An image cannot be decoded any more.
        """
        preparations = [
            PreparationRequest(request.embedder.key, request.degradation, request.embedder.prepare, images)
            for request in requests
            if (images := self.missing(request)).size
        ]
        masks = {preparation.key: position_mask(preparation.images, len(self.pool)) for preparation in preparations}
        failed: set[PreparationKey] = set()
        for chunk in image_pass(self.reader, chunks, preparations, lambda key: key not in failed):
            require_decoded(self.pool, chunk.unread)
            self.counts["images decoded"] += chunk.decoded
            parts = [
                (request, chunk.images[masks[request.key][chunk.images]])
                for request in requests
                if request.key in masks and request.key not in failed and request.degradation.name in chunk.conditions
            ]
            embedded = [self._embed_chunk(request, images, chunk) for request, images in parts if images.size]
            failed.update({part.request.key for part in embedded if part.error is not None})
            decoded = chunk.decoded
            del chunk  # what was prepared goes before more is
            yield decoded, embedded

    def _embed_chunk(self, request: EmbeddingRequest, images: Positions, chunk: PreparedChunk) -> EmbeddedChunk:
        """`embed_prepared`, or why it failed."""
        try:
            self.embed_prepared(request.embedder, request.degradation, images, chunk)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - one embedder's fault must not stop the others
            return EmbeddedChunk(request, explain_error(error))
        return EmbeddedChunk(request)

    def embed_prepared(
        self, embedder: Embedder, degradation: Degradation, images: Positions, chunk: PreparedChunk
    ) -> None:
        """Embed images that a chunk holds prepared, and keep the embeddings in the cache. Raises what that raises."""
        embeddings = _embed_batch(embedder, chunk.batch((embedder.key, degradation.name), images))
        files, rows = self.files(embedder, degradation)
        rows[images] = files.add(self.pool.hashes[images], embeddings)
        self.counts["embeddings made"] += len(images)

    def embed(self, selection: Selection, embedder: Embedder, degradation: Degradation) -> Embeddings:
        """Embeddings of a selection in order, float32 (N, dim), made where they are missing.

        Raises what embedding raises.
        """
        request = EmbeddingRequest(embedder, degradation, unique_positions([selection.positions]))
        for _, embedded in self.fill([request], split_into_chunks(request.images, self.batch_size)):
            for part in embedded:
                if part.error is not None:
                    raise part.error
        return self.lookup(embedder, degradation, selection.positions)

    def lookup(self, embedder: Embedder, degradation: Degradation, images: Positions) -> Embeddings:
        """Embeddings that are in the cache, float32 (N, dim), read-only. Raises `KeyError` for one that is not."""
        files, rows = self.files(embedder, degradation)
        return read_only(files.read(rows[images]))


def require_decoded(pool: DistinctImages, unread: Mapping[int, str]) -> None:
    """Raise `InputError` where an image that was sound when files were checked cannot be decoded any more."""
    for image, reason in unread.items():
        msg = f"{pool.where(image)} was sound and cannot be decoded any more ({reason}); run the same command again"
        raise InputError(msg)


def _embed_batch(embedder: Embedder, arrays: Sequence[Array]) -> Embeddings:
    """Embeddings float32 (N, dim). Raises `ValueError`, the reason of a failed cell, for others than the contract's."""
    with contained(f"embedding by {embedder.key}", batch=True):
        embeddings = embedder.embed(arrays)
    if embeddings.shape != (len(arrays), embedder.dim) or not np.isfinite(embeddings).all():
        msg = f"embeddings must be finite, of shape ({len(arrays)}, {embedder.dim}); got shape {embeddings.shape}"
        raise ValueError(msg)
    return embeddings
