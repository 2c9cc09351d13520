"""The cache folder: content hashes, embeddings and fitted detectors, each under what changes it.

Layout of the folder:
    hashes/<folder>.parquet          content hash of each file, remembered by size and modification time
    embeddings/<embedder>/<degradation>/<digest>.safetensors     `hashes` uint8 (N, 32) and `embeddings` float32 (N, D)
    fitted/<digest>.safetensors      what fitting learned
Everything is written to a temporary name and renamed, so a killed run leaves whole files only. Deleting the folder, or
any part of it, costs time and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from bench.errors import InputError
from bench.executors import in_order
from bench.images.imageset import ImageSet
from bench.images.trees import Mark
from detectors.api import Embeddings, State

SAVED_EVERY = 10_000  # files whose hashes a killed run loses at most
Hashes = NDArray[np.uint8]  # (N, 32), sha256 of each image file


def digest(*parts: str | bytes) -> str:
    """Hexadecimal sha256 over parts, none of which can run into the next."""
    whole = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file in the same folder, then rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.partial")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _file_name(key: str) -> str:
    """A key as a readable folder name; its digest keeps different keys apart."""
    return f"{re.sub(r'[^A-Za-z0-9.@+-]+', '_', key)[:60]}-{digest(key)[:12]}"


class Shelf:
    """Embeddings by content hash, in files of one batch each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[bytes, tuple[Path, int]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            self._learn(path, _load(path, "hashes"))

    def _learn(self, path: Path, hashes: NDArray[np.generic]) -> None:
        for row, value in enumerate(hashes):
            self._places[bytes(value)] = path, row

    def lacks(self, hashes: Hashes) -> bool:
        """Whether any of these images is not embedded yet."""
        return any(bytes(value) not in self._places for value in hashes)

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

    def hashes(self, images: ImageSet, workers: int, report: Callable[[int], object]) -> Hashes:
        """Content hashes of all images, reading only files whose size or modification time is new.

        Args:
            images: The image set.
            workers: How many files to read at a time.
            report: Told how many more files are done.
        """
        path = self.root / "hashes" / f"{_file_name(images.files.identity)}.parquet"
        known = _read_hashes(path)
        now = list(in_order(lambda name: _mark(images, name), images.names, workers))
        stale = [index for index, name in enumerate(images.names) if known.get(name, (None,))[0] != now[index]]
        report(len(images) - len(stale))
        for start in range(0, len(stale), SAVED_EVERY):
            part = stale[start : start + SAVED_EVERY]
            for index, value in zip(
                part, in_order(lambda index: _hash(images, images.names[index]), part, workers), strict=True
            ):
                known[images.names[index]] = now[index], value
                report(1)
            rows = [(name, *stat, value) for name, (stat, value) in known.items()]
            table = pd.DataFrame(rows, columns=["name", "size", "time", "hash"])
            write_atomically(path, partial(table.to_parquet, index=False))
        return np.frombuffer(b"".join(known[name][1] for name in images.names), dtype=np.uint8).reshape(-1, 32)

    def shelf(self, embedder: str, degradation: str) -> Shelf:
        """The embeddings of one embedder under one degradation."""
        return Shelf(self.root / "embeddings" / _file_name(embedder) / _file_name(degradation))

    def fitted(self, key: str) -> State | None:
        """What fitting learned, or None where it was not fitted yet or the file is damaged."""
        try:
            return load_file(self._fitted(key))
        except (FileNotFoundError, SafetensorError):
            return None

    def keep_fitted(self, key: str, state: State) -> None:
        """Remember what fitting learned."""
        arrays = {name: np.asarray(value, order="C") for name, value in state.items()}  # keeps 0-d arrays 0-d
        write_atomically(self._fitted(key), lambda temporary: save_file(arrays, temporary))

    def _fitted(self, key: str) -> Path:
        return self.root / "fitted" / f"{_file_name(key)}.safetensors"


def _read_hashes(path: Path) -> dict[str, tuple[tuple[int, int], bytes]]:
    """By image name, the size and time at which a file's content hash was taken, and the hash; none if damaged."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError):
        return {}
    rows = zip(table["name"], table["size"], table["time"], table["hash"], strict=True)
    return {name: ((size, time), value) for name, size, time, value in rows}


def _mark(images: ImageSet, name: str) -> Mark:
    """Size and time of a file. Raises `InputError` for one that is not there any more."""
    try:
        return images.files.mark(name)
    except OSError as error:
        msg = f"{images.where(name)} cannot be read ({error.strerror}); mend it or take it out of the data set"
        raise InputError(msg) from error


def _hash(images: ImageSet, name: str) -> bytes:
    try:
        return sha256(images.files.read(name)).digest()
    except OSError as error:
        msg = f"{images.where(name)} cannot be read ({error.strerror}); mend it or take it out of the data set"
        raise InputError(msg) from error


def _load(shard: Path, name: str) -> NDArray[np.generic]:
    try:
        with safe_open(shard, framework="numpy") as opened:
            array: NDArray[np.generic] = opened.get_tensor(name)
    except SafetensorError as error:
        msg = f"{shard} is damaged ({error}); delete it and run again"
        raise OSError(msg) from error
    return array
