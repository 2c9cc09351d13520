"""Images that are nowhere: files are their own names, pixels are drawn from them, and nothing is decoded or computed.

Runs over millions of them show what the process that leads a run takes by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.engine.embeddings import EmbeddingService
from bench.engine.plan import ScoringKey
from bench.engine.scoring.score_images import ScoredChunk, ScoredImages, ScoringRequest
from bench.engine.selections import Positions
from bench.images.files.tree import FileStamp
from bench.images.image_set import COLUMNS, ImageSet
from bench.images.quality.file_records import (
    HASH_BYTES,
    PERCEPTUAL_HASH_BYTES,
    FileBatch,
    FileRecord,
    RecordColumns,
)
from bench.images.quality.inspection import InspectedImages
from detectors.api import (
    Answer,
    Array,
    Card,
    Detector,
    Recipe,
    Runtime,
    Sample,
    Scores,
    Setting,
    State,
    TrainSet,
    Variant,
    for_all_settings,
)
from detectors.types import Facts

GENERATORS = 8
SIDE = 2  # pixels
RECORDED_SIDE = 256
FILE_BYTES = 100_000
NAMES = tuple(f"generator_{place}" for place in range(GENERATORS))


@dataclass(frozen=True)
class NamedFiles:
    """Files whose bytes are their names."""

    where: str = "simulated"
    identity: str = "simulated"

    def read(self, name: str) -> bytes:
        """Its name."""
        return name.encode()

    def stamp(self, name: str) -> FileStamp:
        """The same of all files."""
        del name
        return FILE_BYTES, 1


class SimulatedImages(ImageSet):
    """Images whose pixels are drawn from their bytes."""

    @property
    def short_side(self) -> int:  # type: ignore[override]
        """In pixels, as the records have it."""
        return RECORDED_SIDE

    def decoded(self, index: int, data: bytes) -> Sample:
        """An image of 2x2 pixels."""
        del index
        size = SIDE, SIDE, 3
        pixels = np.frombuffer(sha256(data).digest(), np.uint8)[: SIDE * SIDE * 3].reshape(size)
        return Sample(pixels, Facts("PNG", SIDE, SIDE, FILE_BYTES))


def simulated_images(count: int) -> SimulatedImages:
    """So many images of `GENERATORS` generators, half real and half to train on, named as in GenImage."""
    generators = np.array(NAMES, object)
    place = np.arange(count)
    which, label, train = place % GENERATORS, place // GENERATORS % 2, place // (2 * GENERATORS) % 2
    split = np.array(["val", "train"], object)[train]
    kind = np.array(["nature", "ai"], object)[label]
    parts = zip(which.tolist(), split.tolist(), kind.tolist(), place.tolist(), strict=True)
    names = [f"generator_{one}/{part}/{what}/{number:08d}_{one}.png" for one, part, what, number in parts]
    columns = dict.fromkeys(COLUMNS, "") | {
        "name": names, "label": label, "generator": generators[which], "split": split, "source": names,
    }  # fmt: skip
    table = pd.DataFrame(columns, columns=list(COLUMNS)).sort_values("name").reset_index(drop=True)
    pools = {name: name for name in generators}
    return SimulatedImages(NamedFiles(), "simulated", "folder", "", pools, table, pools, listed=count)


def simulated_records(batch: FileBatch) -> RecordColumns:
    """What is known of files, as if they had been decoded."""
    digests = np.stack([np.frombuffer(sha256(name.encode()).digest(), np.uint8) for name in batch.names])
    fields = FileRecord(b"", "", "PNG", RECORDED_SIDE, RECORDED_SIDE, FILE_BYTES, mode="RGB")._asdict()
    looks = {name: np.zeros((len(digests), len(fields[name])), np.uint8) for name in ("colour", "luma_grid")}
    looks["perceptual_hash"] = np.ascontiguousarray(digests[:, :PERCEPTUAL_HASH_BYTES])
    return {name: [value] * len(digests) for name, value in fields.items()} | looks | {"hash": digests}


def simulated_inspection(cache: object, images: ImageSet, *_: object, **__: object) -> InspectedImages:
    """What `bench.engine.cache.Cache.inspect` gives, with contents that are drawn and nothing looked at."""
    del cache
    drawn = np.random.default_rng(0).integers(0, 256, (len(images), HASH_BYTES), dtype=np.uint8)
    fields = FileRecord(b"", "", "PNG", RECORDED_SIDE, RECORDED_SIDE, FILE_BYTES, mode="RGB")._asdict()
    hashes = {
        "hash": drawn, "perceptual_hash": np.ascontiguousarray(drawn[:, :PERCEPTUAL_HASH_BYTES]),
    }  # fmt: skip
    records = {
        name: pd.array(
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(found.shape[1]), len(found), [None, pa.py_buffer(found)]),
            dtype=pd.ArrowDtype(pa.binary(found.shape[1])),
        )
        for name, found in hashes.items()
    }
    same = {name: value for name, value in fields.items() if name not in {*hashes, "colour", "luma_grid"}}
    return InspectedImages(images, pd.DataFrame(records | same)[[name for name in fields if name in {*hashes, *same}]])


class SimulatedDetector(Detector):
    """Says what the pixels of an image say, and computes nothing."""

    def prepare(self, sample: Sample) -> Array:
        """A number of it, float32 ()."""
        return np.float32(sample.pixels[0, 0, 0] / 256)  # type: ignore[return-value]

    def score(self, batch: Sequence[Array]) -> Scores:
        """Those numbers."""
        return np.asarray(batch, np.float32)

    def state(self) -> State:
        """Nothing that it learned."""
        return {"nothing": np.zeros(1)}


@dataclass(frozen=True)
class SimulatedRecipe(Recipe):
    """Fits without reading an image."""

    card: ClassVar[Card] = Card(
        name="simulated",
        family="example",
        year=2026,
        version=1,
        title="Simulated",
        paper="none: it computes nothing",
        upstream="none",
        licence="Apache-2.0",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = for_all_settings(
        Variant(trained_on="nothing", input_size="any", input_policy="the whole image, as it is")
    )

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> SimulatedDetector:
        """The same, whatever it is fitted on."""
        del train, seed, runtime
        return SimulatedDetector()

    def restore(self, state: State, runtime: Runtime) -> SimulatedDetector:
        """The same."""
        del state, runtime
        return SimulatedDetector()


def simulated_pass(
    chunks: Sequence[Positions],
    requests: Sequence[ScoringRequest],
    embeddings: EmbeddingService,
    *,
    keep: bool = True,
    is_open: Callable[[ScoringKey], bool] = lambda _: True,
) -> Iterator[ScoredImages]:
    """What `bench.engine.scoring.score_images.score_pool` yields, from the hashes of the images alone."""
    del keep
    drawn = embeddings.pool.hashes[:, 0].astype(np.float32) / 256
    masks = {}
    for request in requests:
        if id(request.images) not in masks:
            masks[id(request.images)] = np.zeros(len(drawn), bool)
            masks[id(request.images)][request.images] = True
    for chunk in chunks:
        done = ScoredImages(chunk)
        for request in requests:
            images = chunk[masks[id(request.images)][chunk]]
            if len(images) and is_open(request.key):
                done.answers.append(ScoredChunk(request.key, images, Answer(drawn[images], {})))
        yield done
