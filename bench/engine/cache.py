"""The cache folder: content hashes, embeddings, fits and answers, each under an identity of what changes it.

Layout of the folder:
    inspected/<folder>/<digest>.parquet     facts of each file, by name, degradation, size and state on the disk
    embeddings/<embedder>/<degradation>/<digest>.safetensors     `hashes` uint8 (N, 32) and `embeddings` float32 (N, D)
    fitted/<digest>.safetensors      the state of a fitted detector, with its epochs in the header
    fitting/<digest>/                what a long fit that was killed resumes from
    answers/<key of a cell>.parquet  what its detector answered about its images, in their order
    agreements/<digest>.json         how far the scores of a backend are from those of torch
    graphs/<digest>.onnx             networks without weights, as backends read them
    rates/<processor>.json           how long this machine takes for one image of each kind of work
Everything is written to a temporary name and renamed, so a killed run leaves whole files only. Deleting the folder, or
any part of it, costs time and nothing else.
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
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from bench.engine.versions import decoder_versions
from bench.images.files.tree import FileStamp
from bench.images.image_set import ImageSet
from bench.images.quality import inspection
from bench.images.quality.inspection import UNREAD_HASH, FileRecord, InspectedImages, inspect_file
from bench.platform.executors import map_in_order
from bench.platform.files import digest, write_atomically
from bench.records.columns import LOG_ODDS, SCORE
from detectors.api import Answer, Embeddings, State
from protocols.degradations import parse_degradation

INSPECTIONS_PER_FILE = 10_000  # files per file of facts: a killed run loses no more inspections
_KEY = ["name", "degradation", "bytes", "time"]  # what the facts of a file are kept under
_TYPES = {**dict.fromkeys(("width", "height", "size", "quality", "nearest_quality"), "int64"), "exif": "bool"}
_NO_FACTS = pd.DataFrame({name: [] for name in (*_KEY, *FileRecord._fields)}).astype(
    {"name": "str", "degradation": "str", "bytes": "int64", "time": "int64", **_TYPES}
)
HISTORY = "history"
_DIAGNOSTIC = "diagnostic "  # before the name of one: a detector may call it as a column of ours is called
History = Sequence[Mapping[str, float]]
Hashes = NDArray[np.uint8]  # (N, 32), sha256 of each image file


def _file_name(key: str) -> str:
    """A key as a readable folder name; its digest keeps different keys apart."""
    return f"{re.sub(r'[^A-Za-z0-9.@+-]+', '_', key)[:60]}-{digest(key)[:12]}"


class EmbeddingFiles:
    """Embeddings by content hash, in files of one batch each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locations: dict[bytes, tuple[Path, int]] = {}  # by hash, file and row
        for path in sorted(folder.glob("*.safetensors")):
            self._index(path, _load(path, "hashes"))

    def _index(self, path: Path, hashes: NDArray[np.generic]) -> None:
        for row, value in enumerate(hashes):
            self._locations[bytes(value)] = path, row

    def __contains__(self, value: bytes) -> bool:
        return value in self._locations

    def add(self, hashes: Hashes, embeddings: Embeddings) -> None:
        """Write the embeddings of some images, float32 (N, D), under their hashes."""
        path = self._folder / f"{digest(hashes.tobytes())}.safetensors"
        arrays: State = {"hashes": np.ascontiguousarray(hashes), "embeddings": np.ascontiguousarray(embeddings)}
        write_atomically(path, lambda temporary: save_file(arrays, temporary))
        self._index(path, hashes)

    def __getitem__(self, hashes: Hashes) -> Embeddings:
        """Embeddings float32 (N, D), in the order asked for. Raises `KeyError` for an image that is not embedded."""
        rows_by_path: dict[Path, list[tuple[int, int]]] = {}
        for position, value in enumerate(hashes):
            path, row = self._locations[bytes(value)]
            rows_by_path.setdefault(path, []).append((position, row))
        embeddings: list[Embeddings] = [np.empty(0, np.float32)] * len(hashes)
        for path, rows in rows_by_path.items():
            shard = _load(path, "embeddings").astype(np.float32, copy=False)
            for position, row in rows:
                embeddings[position] = shard[row]
        return np.stack(embeddings)


@dataclass(frozen=True)
class Cache:
    """The cache in one folder."""

    root: Path

    def inspect(self, images: ImageSet, workers: int, advance: Callable[[int], object]) -> InspectedImages:
        """The facts of every image file, reading only files whose size or state is new.

        Args:
            images: The image set.
            workers: How many files to read at a time.
            advance: Called with the number of further files that are done.
        """
        folder = self._inspections_of(images)
        keys, found, missing = self._known(images, workers)
        advance(len(images) - len(missing))
        for start in range(0, len(missing), INSPECTIONS_PER_FILE):
            rows, facts = missing[start : start + INSPECTIONS_PER_FILE], []
            for file in map_in_order(lambda row: inspect_file(images, row), rows, workers):
                facts.append(file)
                advance(1)
            new = _with_keys(facts, keys, rows)
            found = pd.concat([found, new])
            _write_inspections(new, folder)
        return _inspected(images, keys, found)

    def recall(self, images: ImageSet, workers: int) -> tuple[InspectedImages, int]:
        """The facts of the image files that were inspected before; nothing is decoded, and nothing written.

        Returns:
            The facts, and how many files have none: their hashes are of their names.
        """
        keys, found, missing = self._known(images, workers)
        names = (images.names[row] for row in missing)
        facts = [FileRecord(bytes.fromhex(digest(images.files.identity, name))) for name in names]
        found = pd.concat([found, _with_keys(facts, keys, missing)])
        return _inspected(images, keys, found), int(images.image_counts[missing].sum())

    def _inspections_of(self, images: ImageSet) -> Path:
        return (
            self.root
            / "inspected"
            / _file_name(f"{images.files.identity}@{inspection.VERSION}-{images.max_pixels}/{decoder_versions()}")
        )

    def _known(self, images: ImageSet, workers: int) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[np.intp]]:
        """What the facts of each file are kept under, all known facts, and the positions of files that have none."""
        keys = _inspection_keys(images, workers)
        known = [_read_inspections(path) for path in sorted(self._inspections_of(images).glob("*.parquet"))]
        found = pd.concat([_NO_FACTS, *known]).drop_duplicates(_KEY)
        is_new = keys.merge(found[_KEY], on=_KEY, how="left", indicator=True)["_merge"].eq("left_only")
        return keys, found, np.flatnonzero(is_new)

    def embeddings(self, embedder: str, degradation: str) -> EmbeddingFiles:
        """The embeddings of one embedder under one degradation, both given by their keys."""
        return EmbeddingFiles(self.root / "embeddings" / _file_name(embedder) / _file_name(degradation))

    def read_fit(self, key: str) -> State | None:
        """The state of a fitted detector; None where it was not fitted yet or the file is damaged."""
        try:
            return load_file(self._fit_path(key))
        except (FileNotFoundError, SafetensorError):
            return None

    def has_fit(self, key: str) -> bool:
        """Whether there is a file of the fitted detector."""
        return self._fit_path(key).is_file()

    def write_fit(self, key: str, state: State, history: History = ()) -> None:
        """Write the state of a fitted detector, and the epochs of its training."""
        arrays = {name: np.asarray(value, order="C") for name, value in state.items()}  # keeps 0-d arrays 0-d
        metadata = {HISTORY: json.dumps(list(history))} if history else None
        write_atomically(self._fit_path(key), lambda temporary: save_file(arrays, temporary, metadata))

    def history(self, key: str) -> History:
        """The epochs of a training; none where nothing was trained, or the fit is not in the cache."""
        try:
            with safe_open(self._fit_path(key), framework="numpy") as opened:
                rows: History = json.loads((opened.metadata() or {}).get(HISTORY, "[]"))
        except (FileNotFoundError, SafetensorError):
            return ()
        return rows

    def read_answer(self, key: str) -> Answer | None:
        """What was answered about the images of a cell; None where it was not yet, or the file is damaged."""
        try:
            table = pd.read_parquet(self._answer_path(key))
            scores, odds = table.pop(SCORE).to_numpy(np.float32), table.pop(LOG_ODDS).to_numpy(np.float32)
        except (OSError, ValueError, KeyError):
            return None
        diagnostics = {name.removeprefix(_DIAGNOSTIC): table[name].to_numpy() for name in table.columns}
        return Answer(scores, diagnostics, None if np.isnan(odds).any() else odds)

    def has_answer(self, key: str) -> bool:
        """Whether there is a file of what was answered about the images of a cell."""
        return self._answer_path(key).is_file()

    def write_answer(self, key: str, answer: Answer) -> None:
        """Write what was answered about the images of a cell, in their order."""
        odds = np.float32(np.nan) if answer.log_odds is None else answer.log_odds
        diagnostics = {_DIAGNOSTIC + name: list(values) for name, values in answer.diagnostics.items()}
        table = pd.DataFrame({SCORE: answer.scores, LOG_ODDS: odds, **diagnostics})
        write_atomically(self._answer_path(key), partial(table.to_parquet, index=False))

    def read_agreement(self, key: str) -> dict[str, Any] | None:
        """What was kept under this key; None where nothing was, or the file is damaged."""
        try:
            found: dict[str, Any] = json.loads(self._agreement_path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def write_agreement(self, key: str, agreement: Mapping[str, Any]) -> None:
        """Keep how far the scores of a backend are from those of torch."""
        text = json.dumps(agreement)
        write_atomically(self._agreement_path(key), lambda path: path.write_text(text, encoding="utf-8"))

    def _agreement_path(self, key: str) -> Path:
        return self.root / "agreements" / f"{key[:32]}.json"

    def fit_folder(self, key: str) -> Path:
        """A folder for what one long fit needs to resume after it was killed."""
        return self.root / "fitting" / _file_name(key)

    def read_rates(self, conditions: str) -> Mapping[str, Any]:
        """The rates that were measured under these conditions; none where there are none, or the file is damaged."""
        try:
            rates: Mapping[str, Any] = json.loads(self._rates_path(conditions).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return rates

    def write_rates(self, conditions: str, rates: Mapping[str, Any]) -> None:
        """Keep the rates that were measured under these conditions."""
        text = json.dumps(rates, indent=1)
        write_atomically(self._rates_path(conditions), lambda path: path.write_text(text, encoding="utf-8"))

    def _rates_path(self, conditions: str) -> Path:
        return self.root / "rates" / f"{_file_name(conditions)}.json"

    def _answer_path(self, key: str) -> Path:
        return self.root / "answers" / f"{key}.parquet"

    def _fit_path(self, key: str) -> Path:
        return self.root / "fitted" / f"{_file_name(key)}.safetensors"


def _with_keys(facts: Sequence[FileRecord], keys: pd.DataFrame, rows: NDArray[np.intp]) -> pd.DataFrame:
    """The facts of the files at these positions, beside what they are kept under."""
    return pd.concat([keys.iloc[rows], pd.DataFrame(facts, columns=list(FileRecord._fields), index=rows)], axis=1)


def _inspected(images: ImageSet, keys: pd.DataFrame, found: pd.DataFrame) -> InspectedImages:
    """The images with their facts among those that were found."""
    table = keys.merge(found, on=_KEY, how="left", validate="many_to_one")
    return InspectedImages(images, table[list(FileRecord._fields)].astype(_TYPES))


def _read_inspections(path: Path) -> pd.DataFrame:
    """The facts in one file of the cache; none where it is damaged."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        return _NO_FACTS


def _write_inspections(facts: pd.DataFrame, folder: Path) -> None:
    """Write facts of files, but for those that could not be read, over a network perhaps: they are tried again."""
    lasting = facts[facts["hash"] != UNREAD_HASH]
    path = folder / f"{digest(*lasting['name'], lasting['time'].to_numpy().tobytes())[:32]}.parquet"
    write_atomically(path, partial(lasting.to_parquet, index=False))


def _inspection_keys(images: ImageSet, workers: int) -> pd.DataFrame:
    """What the facts of each file are kept under, columns `_KEY`."""
    parts = [
        images.names[start : start + INSPECTIONS_PER_FILE] for start in range(0, len(images), INSPECTIONS_PER_FILE)
    ]
    marks = [mark for part in map_in_order(lambda names: _file_marks(images, names), parts, workers) for mark in part]
    degradation_keys = {text: parse_degradation(text).key if text else "" for text in set(images.degradations)}
    keys = pd.DataFrame(marks, columns=_KEY[2:])
    keys.insert(0, "name", images.table["name"])
    keys.insert(1, "degradation", images.table["degradation"].map(degradation_keys))
    return keys


def _file_marks(images: ImageSet, names: Sequence[str]) -> list[FileStamp]:
    """Size in bytes and state of each file; -1 and 0 for one that is not there."""
    marks = []
    for name in names:
        try:
            marks.append(images.files.stamp(name))
        except OSError:
            marks.append((-1, 0))
    return marks


def _load(shard: Path, name: str) -> NDArray[np.generic]:
    try:
        with safe_open(shard, framework="numpy") as opened:
            array: NDArray[np.generic] = opened.get_tensor(name)
    except SafetensorError as error:
        msg = f"{shard} is damaged ({error}); delete it and run again"
        raise OSError(msg) from error
    return array
