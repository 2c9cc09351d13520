"""The cache folder: content hashes, embeddings and fitted detectors, each under what changes it.

Layout of the folder:
    inspected/<place>/<digest>.parquet      what is known of each file, remembered by name, degradation, size and time
    embeddings/<embedder>/<degradation>/<digest>.safetensors     `hashes` uint8 (N, 32) and `embeddings` float32 (N, D)
    fitted/<digest>.safetensors      what fitting learned, with its epochs in the header
    fitting/<digest>/                what a long fit that was killed goes on from
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

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from bench.images.files.tree import FileStamp
from bench.images.image_set import ImageSet
from bench.images.quality.inspection import UNREAD_HASH, FileRecord, InspectedImages, inspect_file
from bench.images.quality.inspection import VERSION as INSPECTED
from bench.platform.executors import in_order
from bench.platform.files import digest, write_atomically
from detectors.api import Embeddings, State
from protocols.degradations import degradation

SAVED_EVERY = 10_000  # files whose inspection a killed run loses at most
_KEY = ["name", "degradation", "bytes", "time"]  # what an inspection is remembered by
_TYPES = {**dict.fromkeys(("width", "height", "size", "quality"), "int64"), "exif": "bool"}
_NO_FILES = pd.DataFrame({name: [] for name in (*_KEY, *FileRecord._fields)}).astype(
    {"name": "str", "degradation": "str", "bytes": "int64", "time": "int64", **_TYPES}
)
HISTORY = "history"
History = Sequence[Mapping[str, float]]
Hashes = NDArray[np.uint8]  # (N, 32), sha256 of each image file


def _file_name(key: str) -> str:
    """A key as a readable folder name; its digest keeps different keys apart."""
    return f"{re.sub(r'[^A-Za-z0-9.@+-]+', '_', key)[:60]}-{digest(key)[:12]}"


class EmbeddingFiles:
    """Embeddings by content hash, in files of one batch each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[bytes, tuple[Path, int]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            self._learn(path, _load(path, "hashes"))

    def _learn(self, path: Path, hashes: NDArray[np.generic]) -> None:
        for row, value in enumerate(hashes):
            self._places[bytes(value)] = path, row

    def __contains__(self, value: bytes) -> bool:
        return value in self._places

    def add(self, hashes: Hashes, embeddings: Embeddings) -> None:
        """Remember the embeddings of some images."""
        path = self._folder / f"{digest(hashes.tobytes())}.safetensors"
        arrays: State = {"hashes": np.ascontiguousarray(hashes), "embeddings": np.ascontiguousarray(embeddings)}
        write_atomically(path, lambda temporary: save_file(arrays, temporary))
        self._learn(path, hashes)

    def __getitem__(self, hashes: Hashes) -> Embeddings:
        """Embeddings float32 (N, D), in the order asked for. Raises `KeyError` for an image that is not embedded."""
        rows_by_path: dict[Path, list[tuple[int, int]]] = {}
        for place, value in enumerate(hashes):
            path, row = self._places[bytes(value)]
            rows_by_path.setdefault(path, []).append((place, row))
        found: list[Embeddings] = [np.empty(0, np.float32)] * len(hashes)
        for path, rows in rows_by_path.items():
            shard = _load(path, "embeddings").astype(np.float32, copy=False)
            for place, row in rows:
                found[place] = shard[row]
        return np.stack(found)


@dataclass(frozen=True)
class Cache:
    """The cache in one folder."""

    root: Path

    def inspect(self, images: ImageSet, workers: int, report: Callable[[int], object]) -> InspectedImages:
        """What is known of every image file, reading only files whose size or modification time is new.

        Args:
            images: The image set.
            workers: How many files to read at a time.
            report: Told how many more files are done.
        """
        folder = self.root / "inspected" / _file_name(f"{images.files.identity}@{INSPECTED}")
        parts = [images.names[start : start + SAVED_EVERY] for start in range(0, len(images), SAVED_EVERY)]
        marks = [mark for part in in_order(lambda names: _marks(images, names), parts, workers) for mark in part]
        keys = {text: degradation(text).key if text else "" for text in set(images.degradations)}
        wanted = pd.DataFrame(marks, columns=_KEY[2:])
        wanted.insert(0, "name", images.table["name"])
        wanted.insert(1, "degradation", images.table["degradation"].map(keys))
        known = [_read_inspected(path) for path in sorted(folder.glob("*.parquet"))]
        found = pd.concat([_NO_FILES, *known]).drop_duplicates(_KEY)
        stale = wanted.merge(found[_KEY], on=_KEY, how="left", indicator=True)["_merge"].eq("left_only")
        missing = np.flatnonzero(stale)
        report(len(images) - len(missing))
        for start in range(0, len(missing), SAVED_EVERY):
            rows, files = missing[start : start + SAVED_EVERY], []
            for file in in_order(lambda row: inspect_file(images, row), rows, workers):
                files.append(file)
                report(1)
            new = pd.DataFrame(files, columns=list(FileRecord._fields), index=rows)
            new = pd.concat([wanted.iloc[rows], new], axis=1)
            found = pd.concat([found, new])
            # a file that could not be read, over a network perhaps, is tried again another time
            lasting = new[new["hash"] != UNREAD_HASH]
            path = folder / f"{digest(*lasting['name'], lasting['time'].to_numpy().tobytes())[:32]}.parquet"
            write_atomically(path, partial(lasting.to_parquet, index=False))
        table = wanted.merge(found, on=_KEY, how="left", validate="many_to_one")
        return InspectedImages(images, table[list(FileRecord._fields)].astype(_TYPES))

    def shelf(self, embedder: str, degradation: str) -> EmbeddingFiles:
        """The embeddings of one embedder under one degradation."""
        return EmbeddingFiles(self.root / "embeddings" / _file_name(embedder) / _file_name(degradation))

    def fitted(self, key: str) -> State | None:
        """What fitting learned, or None where it was not fitted yet or the file is damaged."""
        try:
            return load_file(self._fitted(key))
        except (FileNotFoundError, SafetensorError):
            return None

    def has_fitted(self, key: str) -> bool:
        """Whether there is a file of what fitting learned."""
        return self._fitted(key).is_file()

    def keep_fitted(self, key: str, state: State, history: History = ()) -> None:
        """Remember what fitting learned, and the epochs that it took."""
        arrays = {name: np.asarray(value, order="C") for name, value in state.items()}  # keeps 0-d arrays 0-d
        told = {HISTORY: json.dumps(list(history))} if history else None
        write_atomically(self._fitted(key), lambda temporary: save_file(arrays, temporary, told))

    def history(self, key: str) -> History:
        """The epochs of a fit that is remembered; none where it had none, or is not remembered."""
        try:
            with safe_open(self._fitted(key), framework="numpy") as opened:
                rows: History = json.loads((opened.metadata() or {}).get(HISTORY, "[]"))
        except (FileNotFoundError, SafetensorError):
            return ()
        return rows

    def fitting(self, key: str) -> Path:
        """A folder for what one long fit needs to go on after it was killed."""
        return self.root / "fitting" / _file_name(key)

    def _fitted(self, key: str) -> Path:
        return self.root / "fitted" / f"{_file_name(key)}.safetensors"


def _read_inspected(path: Path) -> pd.DataFrame:
    """What was known when a run was here before; nothing where the file is damaged."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        return _NO_FILES


def _marks(images: ImageSet, names: Sequence[str]) -> list[FileStamp]:
    """Size and time of each file; one that is not there has none, and its inspection says so."""
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
