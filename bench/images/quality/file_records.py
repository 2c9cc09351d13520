"""What is known of one image file: whether it can be used, how it is stored, how it looks.

Files are inspected in batches: their small images, of one size, are looked at one step after the other, and another
process hands back a few columns. It imports neither pandas nor pyarrow, which such a process would load for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.images.decoding.decoder import StorageDetails, UnreadableImage, decode_with_details
from bench.images.quality.appearance import (
    COLOUR_BYTES,
    GRID_BYTES,
    SMALL_SIDE,
    Small,
    borders,
    colour_and_grid,
    shrink,
)
from detectors.api import Image, Sample
from protocols.degradations import parse_degradation

VERSION = 5  # rises when the record of the same file would have other values or other fields
FREQUENCIES = 12  # of a perceptual hash, in either direction
HASH_BYTES = 32  # of a sha256
NOTE_SEPARATOR = "; "
UNREAD_HASH = bytes(HASH_BYTES)  # of a file that could not be read
PERCEPTUAL_HASH_BYTES = FREQUENCIES * FREQUENCIES // 8
_MEDIAN = (FREQUENCIES * FREQUENCIES - 1) // 2  # the place of the median among the frequencies of a hash, an odd count


class FileRecord(NamedTuple):
    """What is known of one file.

    Attributes:
        hash: sha256 of its bytes; zeros where it could not be read, which may succeed another time.
        reason: Why it cannot be used; "" for a file that can. All other fields but `hash` and `size` are empty where
            there is a reason.
        format: Of its content, whatever its name states.
        width: Pixels, upright.
        height: Pixels, upright.
        size: Of the file, in bytes.
        quality: JPEG quality, from its quantisation tables; -1 where it is no JPEG, or its tables are of no quality.
        mode: How its pixels are stored, as Pillow calls it.
        exif: Whether it has EXIF data.
        profile: Its colour profile, "" for none.
        perceptual_hash: Of its luma, for finding near duplicates.
        nearest_quality: The JPEG quality whose tables are nearest to its own; -1 where it is no JPEG.
        subsampling: Of the colours of a JPEG file, such as "4:2:0"; "" where it is none, or grey.
        borders: As `bench.images.quality.appearance.borders`.
        colour: As `bench.images.quality.appearance.colour_and_grid`.
        luma_grid: As `bench.images.quality.appearance.colour_and_grid`.
        note: What of it is not as it should be and was passed over, such as damaged EXIF; several with semicolons
            between, "" for none.
    """

    hash: bytes
    reason: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    quality: int = -1
    mode: str = ""
    exif: bool = False
    profile: str = ""
    perceptual_hash: bytes = bytes(PERCEPTUAL_HASH_BYTES)
    nearest_quality: int = -1
    subsampling: str = ""
    borders: str = ""
    colour: bytes = bytes(COLOUR_BYTES)
    luma_grid: bytes = bytes(GRID_BYTES)
    note: str = ""


RecordColumns = dict[str, Sequence[Any] | NDArray[Any]]  # of some records by field; bytes as uint8 (N, bytes)


class FileBatch(NamedTuple):
    """Files that are inspected together.

    Attributes:
        read: Returns all bytes of a file. Raises `OSError`.
        names: What it is called with.
        chains: The degradations that the data set gives each image, "" for none.
        max_pixels: The largest number of pixels that is read.
    """

    read: Callable[[str], bytes]
    names: Sequence[str]
    chains: Sequence[str]
    max_pixels: int


def inspect_files(batch: FileBatch) -> RecordColumns:
    """Decode files strictly and record what they are, after the degradations that their data set gives them.

    Returns:
        The fields of `FileRecord` in their order; a file that cannot be used has a reason.
    """
    smalls = np.zeros((len(batch.names), SMALL_SIDE, SMALL_SIDE, 3), np.uint8)
    records = [
        _inspect(batch.read, name, chain, batch.max_pixels, small)
        for name, chain, small in zip(batch.names, batch.chains, smalls, strict=True)
    ]
    columns: RecordColumns = dict(zip(FileRecord._fields, map(list, zip(*records, strict=True)), strict=True))
    hashes, (colours, grids) = perceptual_hashes(smalls), colour_and_grid(smalls)
    looks = {"perceptual_hash": hashes, "colour": colours.view(np.uint8), "luma_grid": grids}
    unusable = np.array([record.reason != "" for record in records], bool)
    for values in looks.values():
        values[unusable] = 0
    contents = np.frombuffer(b"".join(columns["hash"]), np.uint8).reshape(-1, HASH_BYTES)
    return columns | looks | {"hash": contents}


def _inspect(read: Callable[[str], bytes], name: str, chain: str, max_pixels: int, small: Small) -> FileRecord:
    """The record of one file without what is seen in its small image, which `small` is filled with."""
    try:
        data = read(name)
    except OSError as error:
        return FileRecord(UNREAD_HASH, reason=f"it cannot be read: {error.strerror or error}")
    content = sha256(data).digest()
    try:
        sample, details = decode_with_details(data, name, max_pixels)
    except UnreadableImage as error:
        return FileRecord(content, reason=error.reason, size=len(data))
    if chain:
        try:
            sample = parse_degradation(chain)(sample)
            details = StorageDetails("RGB", exif=False, profile="", notes=details.notes)
        except (ValueError, cv2.error) as error:
            return FileRecord(content, reason=f"it cannot go through {chain}: {error}", size=len(data))
    small[:] = shrink(sample.pixels)
    return _record(content, sample, details)


def _record(content: bytes, sample: Sample, details: StorageDetails) -> FileRecord:
    facts = sample.facts
    nearest = -1 if facts.jpeg_quality is None else facts.jpeg_quality
    no_quality = details.jpeg is not None and details.jpeg.quality is None
    return FileRecord(
        content,
        format=facts.format,
        width=facts.width,
        height=facts.height,
        size=facts.bytes,
        quality=-1 if no_quality else nearest,
        mode=details.mode,
        exif=details.exif,
        profile=details.profile,
        nearest_quality=nearest,
        subsampling=details.jpeg.subsampling if details.jpeg else "",
        borders=borders(sample.pixels),
        note=NOTE_SEPARATOR.join(details.notes),
    )


def perceptual_hash(pixels: Image) -> bytes:
    """The perceptual hash of an image, uint8 (H, W, 3), sRGB, as `perceptual_hashes` has it."""
    return perceptual_hashes(shrink(pixels)[None]).tobytes()


def perceptual_hashes(smalls: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """18 bytes each: which of the 143 lowest frequencies of the luma are above their median, then a zero.

    After the pHash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, on a finer
    grid. On 700 photographs and rendered scenes, the same image after JPEG 30 or at two thirds of its size differed in
    at most 14 bits, and unrelated images in at least 20.

    Args:
        smalls: What `shrink` makes of N images, uint8 (N, 48, 48, 3).

    Returns:
        uint8 (N, 18).
    """
    greys = cv2.cvtColor(smalls.reshape(-1, SMALL_SIDE, 3), cv2.COLOR_RGB2GRAY).reshape(smalls.shape[:3])
    lowest = np.stack([cv2.dct(grey)[:FREQUENCIES, :FREQUENCIES].ravel()[1:] for grey in greys.astype(np.float32)])
    medians = np.partition(lowest, _MEDIAN, axis=1)[:, _MEDIAN, None]
    return np.packbits(lowest > medians, axis=1)
