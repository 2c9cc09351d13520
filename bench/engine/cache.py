"""The cache folder: content hashes, embeddings, fits and answers, each under an identity of what changes it.

Layout of the folder:
    inspected/<folder>/<digest>.parquet     facts of each file, by name, degradation, size and state on the disk
    embeddings/<embedder>/<degradation>/<digest>.safetensors     `hashes` uint8 (N, 32) and `embeddings` float32 (N, D)
    fitted/<digest>.safetensors      the state of a fitted detector, with its epochs in the header
    fitting/<digest>/                what a long fit that was killed resumes from
    answers/<key of a cell>.parquet  what its detector answered about its images, in their order
    shards/<digest>.parquet          what a node of a cluster answered about some chunks of images
    agreements/<digest>.json         how far the scores of a backend are from those of torch
    graphs/<digest>.onnx             networks without weights, as backends read them
    rates/<processor>.json           how long this machine takes for one image of each kind of work
    uses/<digest>.json               what a run used of all this, by result folder (`caching.use_records`)
One that is the working copy of an object store (`LINEUP_CACHE` is a URL) shares with it what depends on no machine:
embeddings, fits, answers, shards and agreements (`caching.shared_files`).
Everything is written to a temporary name and renamed, so a killed run leaves whole files only, and has a checksum in it
(`bench.platform.seals`): what is damaged is made anew, with a line to the user. Files of earlier versions have none.
Deleting the folder, or any part of it, costs time and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from bench.engine.caching.embedding_files import EmbeddingFiles
from bench.engine.caching.inspections import Inspections
from bench.engine.caching.shared_files import SharedFiles
from bench.engine.caching.use_records import mark_used
from bench.engine.versions import decoder_versions
from bench.images.corpus_files import require_as_made
from bench.images.image_set import ImageSet
from bench.images.quality.file_records import VERSION
from bench.images.quality.inspection import InspectedImages
from bench.platform.files import digest
from bench.platform.outside.json_text import parse_json
from bench.platform.seals import EMPTY_SEAL, SEAL, Content, read_cached, write_sealed
from bench.records.columns import LOG_ODDS, SCORE
from detectors.api import Answer, State

HISTORY = "history"
_DIAGNOSTIC = "diagnostic "  # before the name of one: a detector may call it as a column of ours is called
History = Sequence[Mapping[str, float]]


def _file_name(key: str) -> str:
    """A key as a readable folder name; its digest keeps different keys apart."""
    return f"{re.sub(r'[^A-Za-z0-9.@+-]+', '_', key)[:60]}-{digest(key)[:12]}"


@dataclass(frozen=True)
class Cache:
    """The cache in one folder: a value, which other processes and machines may be given.

    Attributes:
        root: The folder, on the machine that uses it.
        store: URL of the store that it is the working copy of; empty for none.
    """

    root: Path
    store: str = ""

    @classmethod
    def at(cls, root: Path) -> Cache:
        """The cache in a folder, with the store that it is the working copy of."""
        return cls(root, SharedFiles.of(root).url)

    @property
    def _shared(self) -> SharedFiles:
        return SharedFiles(self.root, self.store)

    def inspections(self, images: ImageSet, workers: int, *, appearance: bool = False) -> Inspections:
        """The facts of the files of an image set's place.

        Args:
            images: The image set.
            workers: How many files to read at a time.
            appearance: Whether what an audit alone reads is part of them.
        """
        place = f"{images.files.identity}@{VERSION}-{images.max_pixels}/{decoder_versions()}"
        return Inspections(self.root / "inspected" / _file_name(place), workers, appearance)

    def inspect(
        self, images: ImageSet, workers: int, advance: Callable[[int], object], *, appearance: bool = False
    ) -> InspectedImages:
        """`Inspections.inspect` of an image set, with the arguments of `inspections`.

        Raises:
            InputError: A file of the embedded corpus is not as it was made.
        """
        inspected = self.inspections(images, workers, appearance=appearance).inspect(images, advance)
        require_as_made(inspected)
        return inspected

    def recall(self, images: ImageSet, workers: int) -> tuple[InspectedImages, int]:
        """`Inspections.recall` of an image set."""
        return self.inspections(images, workers).recall(images)

    def embeddings(self, embedder: str, degradation: str) -> EmbeddingFiles:
        """The embeddings of one embedder under one degradation, both given by their keys."""
        folder = self.root / "embeddings" / _file_name(embedder) / _file_name(degradation)
        mark_used(folder)
        return EmbeddingFiles(folder, self._shared)

    def places(self, training_key: str, key: str) -> tuple[str, str, str]:
        """Where a fit, what it resumes from, and the answer of a cell are kept, relative to the folder of the cache."""
        paths = self._fit_path(training_key), self.fit_folder(training_key), self._answer_path(key)
        first, second, third = (path.relative_to(self.root).as_posix() for path in paths)
        return first, second, third

    def read_fit(self, key: str) -> State | None:
        """The state of a fitted detector; None where it was not fitted yet or the file is damaged."""
        return self._read(self._fit_path(key), load_file)

    def has_fit(self, key: str) -> bool:
        """Whether there is a file of the fitted detector."""
        return self._shared.has(self._fit_path(key))

    def write_fit(self, key: str, state: State, history: History = ()) -> None:
        """Write the state of a fitted detector, and the epochs of its training."""
        arrays = {name: np.asarray(value, order="C") for name, value in state.items()}  # keeps 0-d arrays 0-d
        metadata = {SEAL: EMPTY_SEAL} | ({HISTORY: json.dumps(list(history))} if history else {})
        self._write(self._fit_path(key), lambda temporary: save_file(arrays, temporary, metadata))

    def history(self, key: str) -> History:
        """The epochs of a training; none where nothing was trained, or the fit is not in the cache."""
        return self._read(self._fit_path(key), _read_history) or ()

    def read_answer(self, key: str) -> Answer | None:
        """What was answered about the images of a cell; None where it was not yet, or the file is damaged."""
        return self._read(self._answer_path(key), _read_answer)

    def has_answer(self, key: str) -> bool:
        """Whether there is a file of what was answered about the images of a cell."""
        return self._shared.has(self._answer_path(key))

    def write_answer(self, key: str, answer: Answer) -> None:
        """Write what was answered about the images of a cell, in their order."""
        odds = pa.nulls(len(answer.scores), pa.float32()) if answer.log_odds is None else pa.array(answer.log_odds)
        diagnostics = {_DIAGNOSTIC + name: pa.array(list(values)) for name, values in answer.diagnostics.items()}
        table = pa.table({SCORE: answer.scores, LOG_ODDS: odds, **diagnostics}, metadata={SEAL: EMPTY_SEAL})
        self._write(self._answer_path(key), partial(pq.write_table, table))

    def read_shard(self, key: str) -> pa.Table | None:
        """The table of a part of a run; None where it was not written yet, or the file is damaged."""
        return self._read(self._shard_path(key), pq.read_table)

    def write_shard(self, key: str, table: pa.Table) -> None:
        """Write the table of a part of a run, whose key is a digest of all that changes it."""
        sealed = table.replace_schema_metadata({**(table.schema.metadata or {}), SEAL: EMPTY_SEAL})
        self._write(self._shard_path(key), partial(pq.write_table, sealed))

    def read_agreement(self, key: str) -> Mapping[str, Any]:
        """How far the scores of a backend are from those of torch; nothing where none is kept, or it is damaged."""
        path = self._agreement_path(key)
        self._shared.fetch(path)
        return _read_json(path)

    def write_agreement(self, key: str, agreement: Mapping[str, Any]) -> None:
        """Keep how far the scores of a backend are from those of torch."""
        path = self._agreement_path(key)
        _write_json(path, agreement)
        self._shared.publish(path)

    def fit_folder(self, key: str) -> Path:
        """A folder for what one long fit needs to resume after it was killed."""
        return self.root / "fitting" / _file_name(key)

    def read_rates(self, conditions: str) -> Mapping[str, Any]:
        """The rates that were measured under these conditions; none where there are none, or the file is damaged."""
        return _read_json(self._rates_path(conditions))

    def write_rates(self, conditions: str, rates: Mapping[str, Any]) -> None:
        """Keep the rates that were measured under these conditions."""
        _write_json(self._rates_path(conditions), rates)

    def _read(self, path: Path, read: Callable[[Path], Content]) -> Content | None:
        """`read_cached` of a file that is shared."""
        self._shared.fetch(path)
        return read_cached(path, read)

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        """`write_sealed` of a file that is shared."""
        write_sealed(path, write)
        self._shared.publish(path)

    def _rates_path(self, conditions: str) -> Path:
        return self.root / "rates" / f"{_file_name(conditions)}.json"

    def _agreement_path(self, key: str) -> Path:
        return self.root / "agreements" / f"{key[:32]}.json"

    def _answer_path(self, key: str) -> Path:
        return self.root / "answers" / f"{key}.parquet"

    def _shard_path(self, key: str) -> Path:
        return self.root / "shards" / f"{key[:32]}.parquet"

    def _fit_path(self, key: str) -> Path:
        return self.root / "fitted" / f"{_file_name(key)}.safetensors"


def _read_answer(path: Path) -> Answer:
    table = pd.read_parquet(path)
    scores, odds = table.pop(SCORE).to_numpy(np.float32), table.pop(LOG_ODDS).to_numpy(np.float32)
    diagnostics = {name.removeprefix(_DIAGNOSTIC): table[name].to_numpy() for name in table.columns}
    return Answer(scores, diagnostics, None if np.isnan(odds).any() else odds)


def _read_history(path: Path) -> History:
    with safe_open(path, framework="numpy") as opened:
        rows: History = parse_json((opened.metadata() or {}).get(HISTORY, "[]"))
    return rows


def _read_json(path: Path) -> Mapping[str, Any]:
    """The object in a file; empty where there is none, or the file is damaged."""
    values = read_cached(path, lambda found: dict(parse_json(found.read_bytes()))) or {}
    return {name: value for name, value in values.items() if name != SEAL}


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    text = json.dumps({SEAL: EMPTY_SEAL, **values}, indent=1)
    write_sealed(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
