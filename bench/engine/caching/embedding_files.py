"""Embeddings by content hash, in files of one batch each; where an image is found is a number, of which many are cheap.

A run asks for the numbers of all its images at once, then for embeddings by number.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from bench.engine.caching.shared_files import SharedFiles
from bench.platform.files import digest
from bench.platform.outside.json_text import parse_json
from bench.platform.seals import EMPTY_SEAL, SEAL, read_cached, write_sealed
from bench.storage.object_store import PARALLEL
from detectors.api import Embeddings, State

SUFFIX = ".safetensors"
LENGTH, HEAD = 8, 4096  # bytes of a header's length, and more than a header takes with it
Hashes = NDArray[np.uint8]  # (N, 32), sha256 of each image file
EmbeddingRows = NDArray[np.int64]  # (N,), positions in the files one after the other; -1 for what is in none


class EmbeddingFiles:
    """The embeddings of one embedder under one degradation.

    Args:
        folder: Where they are kept.
        shared: The shared files of the cache: of those that a store alone has the hashes are read now, and the
            embeddings when they are asked for.
    """

    def __init__(self, folder: Path, shared: SharedFiles | None = None) -> None:
        self._folder = folder
        self._shared = shared or SharedFiles(folder)
        names = {path.name for path in folder.glob(f"*{SUFFIX}")} | self._shared.names(folder)
        paths = [folder / name for name in sorted(names) if name.endswith(SUFFIX)]
        with ThreadPoolExecutor(PARALLEL) as pool:
            hashes = pool.map(self._known_hashes, paths) if self._shared.url else map(_hashes, paths)
            found = [(path, known) for path, known in zip(paths, hashes, strict=True) if known is not None]
        self._paths = [path for path, _ in found]
        self._hashes = [hashes for _, hashes in found]
        self._ends = np.cumsum([len(hashes) for hashes in self._hashes], dtype=np.int64).tolist()
        self._whole: set[int] = set()  # files whose checksum was verified, or that were written here

    def rows_of(self, hashes: Hashes) -> EmbeddingRows:
        """Where the embeddings of some images are; in the last of several files, none of which is damaged."""
        rows = self._rows_of(hashes)
        while unknown := set(self._files_of(rows[rows >= 0])) - self._whole:
            self._shared.fetch_all(self._paths[place] for place in sorted(unknown))
            for place in sorted(unknown):
                if read_cached(self._paths[place], lambda path: path) is None:
                    self._hashes[place] = np.zeros_like(self._hashes[place])  # the hashes of no image
            self._whole |= unknown
            rows = self._rows_of(hashes)
        return rows

    def _known_hashes(self, path: Path) -> Hashes | None:
        """The hashes in a file that may be on the store alone; None where it is damaged, or gone."""
        if path.is_file():
            return _hashes(path)
        try:
            return _read_hashes(path.stem, partial(self._shared.read_part, path))
        except FileNotFoundError:
            return None
        except ValueError:  # what reads the whole file says what it is
            self._shared.fetch(path)
            return _hashes(path) if path.is_file() else None

    def _rows_of(self, hashes: Hashes) -> EmbeddingRows:
        if not self._paths:
            return np.full(len(hashes), -1)
        known = np.concatenate([np.zeros((0, hashes.shape[1]), np.uint8), *self._hashes])[::-1]
        found = np.asarray(pc.fill_null(pc.index_in(_as_column(hashes), value_set=_as_column(known)), -1), np.int64)
        return np.where(found < 0, -1, len(known) - 1 - found)

    def _files_of(self, rows: EmbeddingRows) -> list[int]:
        """The file of each row."""
        places: list[int] = np.searchsorted(self._ends, rows, side="right").tolist()
        return places

    def add(self, hashes: Hashes, embeddings: Embeddings) -> EmbeddingRows:
        """Write the embeddings of some images, float32 (N, D), under their hashes; returns where they are."""
        path = self._folder / f"{digest(hashes.tobytes())}{SUFFIX}"
        arrays: State = {"hashes": np.ascontiguousarray(hashes), "embeddings": np.ascontiguousarray(embeddings)}
        write_sealed(path, lambda temporary: save_file(arrays, temporary, {SEAL: EMPTY_SEAL}))
        self._shared.publish(path)
        start = self._ends[-1] if self._ends else 0
        self._whole.add(len(self._paths))
        self._paths.append(path)
        self._hashes.append(arrays["hashes"])
        self._ends.append(start + len(hashes))
        return np.arange(start, start + len(hashes))

    def read(self, rows: EmbeddingRows) -> Embeddings:
        """Embeddings float32 (N, D), in the order asked for. Raises `KeyError` for an image that is not embedded."""
        if (rows < 0).any():
            msg = f"{int((rows < 0).sum())} images are not embedded"
            raise KeyError(msg)
        order = np.argsort(rows, kind="stable")  # each file is read once
        places = self._files_of(rows[order])
        parts, start = [np.zeros((0, 0), np.float32)], 0
        for place, group in groupby(places):
            batch = _read(self._paths[place], "embeddings")
            stop = start + len(list(group))
            parts.append(batch[rows[order[start:stop]] - self._ends[place] + len(batch)].astype(np.float32, copy=False))
            start = stop
        joined = np.concatenate(parts[1:] or parts)
        embeddings = np.empty_like(joined)
        embeddings[order] = joined
        return embeddings


def _as_column(hashes: Hashes) -> pa.Array:
    buffer = pa.py_buffer(np.ascontiguousarray(hashes))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(hashes.shape[1]), len(hashes), [None, buffer])


def _hashes(path: Path) -> Hashes | None:
    """The hashes in a file, whose checksum is verified when its embeddings are asked for; None where it is damaged."""
    try:
        return _read(path, "hashes")
    except Exception:  # noqa: BLE001 - reading it whole says what it is
        return read_cached(path, lambda damaged: _read(damaged, "hashes"))


def _read_hashes(name: str, read: Callable[[int, int], bytes]) -> Hashes:
    """The hashes in a file of safetensors of which parts can be read: its own header says where they are.

    Args:
        name: Digest of the hashes.
        read: Reads the bytes from one place up to another.

    Raises:
        ValueError: They are not those that the name is of.
    """
    head = read(0, HEAD)
    size = int.from_bytes(head[:LENGTH], "little")
    try:
        entry = parse_json(head[LENGTH : LENGTH + size])["hashes"]
        start, end = (LENGTH + size + int(place) for place in entry["data_offsets"])
        data = read(start, end)
        found = np.frombuffer(data, np.uint8).reshape(entry["shape"])
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
    if digest(data) != name:
        msg = "they are others"
        raise ValueError(msg)
    return found


def _read(path: Path, name: str) -> NDArray[Any]:
    with safe_open(path, framework="numpy") as opened:
        array: NDArray[Any] = opened.get_tensor(name)
    return array
