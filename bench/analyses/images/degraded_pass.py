"""Arrays made of images under several degradations: each image decoded once, each degradation applied to it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from bench.engine.image_pass import ImageReader, PreparedChunk, image_pass, split_into_chunks
from bench.engine.prepared_image import PreparationRequest
from bench.engine.selections import Positions
from bench.images.image_set import ImageSet
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
from detectors.api import Array, Sample
from protocols.degradations import parse_degradation

CHUNK = 32  # images whose arrays are held at a time, under as many degradations as fit
SEED = 0  # of draws
REAL = "real"  # what stands for the generator of real images, of all pools together
Maker = Callable[[Sample], Array]


@dataclass(frozen=True)
class MadeArray:
    """What became of one image under one degradation.

    Attributes:
        row: Position of the image in its set.
        degradation: Canonical name.
        array: What was made of it; None where there is a reason.
        reason: Why nothing could be made; "" where something was.
    """

    row: int
    degradation: str
    array: Array | None
    reason: str = ""


@dataclass(frozen=True)
class LeftOut:
    """An image that an analysis is without.

    Attributes:
        name: Of the image.
        degradation: Under which it is left out.
        reason: Why.
    """

    name: str
    degradation: str
    reason: str


def made_arrays(images: ImageSet, rows: Positions, makers: Mapping[str, Maker], workers: int) -> Iterator[MadeArray]:
    """Make an array of each image under each degradation.

    Args:
        images: The image set.
        rows: Positions of images, each once, int64 (N,).
        makers: By canonical name of a degradation, what makes an array of a degraded sample; pure.
        workers: Threads that decode, degrade and make.

    Yields:
        For each degradation the images in the order of `rows`; degradations take turns.
    """
    degradations = {name: parse_degradation(name) for name in makers}
    requests = [PreparationRequest("array", degradations[name], maker, rows) for name, maker in makers.items()]
    reader = ImageReader(images.__getitem__, len(images), workers, ahead=False)
    for part in image_pass(reader, split_into_chunks(rows, CHUNK), requests):
        for request in requests:
            if request.degradation.name in part.conditions:
                yield from _made(part, request)


def _made(part: PreparedChunk, request: PreparationRequest) -> Iterator[MadeArray]:
    name = request.degradation.name
    results = part.results[request.key]
    for row in part.images.tolist():
        result = results.get(row)
        if isinstance(result, np.ndarray):
            yield MadeArray(row, name, result)
        else:
            yield MadeArray(row, name, None, part.unread.get(row) or str(result))


def drawn_by_content(inspected: InspectedImages, count: int) -> dict[str, Positions]:
    """At most so many images of each generator, and of all real images together, drawn by what the files hold.

    Neither names nor the order of files change the draw, and a smaller one is part of a larger one.

    Args:
        inspected: The images.
        count: The number, above 0.

    Returns:
        By generator in the order of the data, then `REAL`: positions in the order of the draw, int64. Files of the same
        content are one.
    """
    table, hashes = inspected.images.table, inspected.hashes
    ranks = np.array([sha256(f"{SEED}/".encode() + value.tobytes()).digest() for value in hashes], dtype=object)
    groups = {name: ((table["label"] == 1) & (table["generator"] == name)) for name in inspected.images.generators}
    found = {}
    for name, mask in (groups | {REAL: table["label"] == 0}).items():
        rows = np.flatnonzero(mask.to_numpy())
        first = dict(zip(ranks[rows][::-1], rows[::-1], strict=True))
        if drawn := [first[rank] for rank in sorted(first)[:count]]:
            found[name] = np.array(drawn, np.int64)
    return found


def rows_of_names(images: ImageSet, names: Sequence[str]) -> Positions:
    """The positions of images by name, int64 (N,). Raises `InputError` where one is not there."""
    known = {name: row for row, name in enumerate(images.names)}
    if missing := [name for name in names if name not in known]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        where = images.files.where
        msg = f"{missing[0]}{more}: no such image in {where}; give names as the scores of the run have them"
        raise InputError(msg)
    return np.array([known[name] for name in names], np.int64)
