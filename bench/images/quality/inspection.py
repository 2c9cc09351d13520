"""What is known of every image file before a run: whether it can be used, how it is stored, how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.decoding.decoder import StorageDetails, UnreadableImage, decode_with_details
from bench.images.decoding.structure import MAX_PIXELS
from bench.images.image_set import ImageSet
from bench.images.quality.appearance import COLOUR_BYTES, GRID_BYTES, Small, appearance, shrink
from bench.platform.errors import InputError
from detectors.api import Image, Sample
from protocols.degradations import parse_degradation

VERSION = 5  # rises when the record of the same file would have other values or other fields
FREQUENCIES = 12  # of a perceptual hash, in either direction
HASH_BYTES = 32  # of a sha256
NOTE_SEPARATOR = "; "
UNREAD_HASH = bytes(HASH_BYTES)  # of a file that could not be read
PERCEPTUAL_HASH_BYTES = FREQUENCIES * FREQUENCIES // 8


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
        borders: As `Appearance.borders`.
        colour: As `Appearance.colour`.
        luma_grid: As `Appearance.luma_grid`.
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


def perceptual_hash(pixels: Image) -> bytes:
    """18 bytes: which of the 143 lowest frequencies of the luma are above their median, then a zero.

    After the pHash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, on a finer
    grid. On 700 photographs and rendered scenes, the same image after JPEG 30 or at two thirds of its size differed in
    at most 14 bits, and unrelated images in at least 20.

    Args:
        pixels: uint8 (H, W, 3), sRGB.
    """
    return _hash_of(shrink(pixels))


def _hash_of(small: Small) -> bytes:
    """The perceptual hash of what `shrink` makes of an image."""
    spectrum = cv2.dct(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32))
    lowest = spectrum[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    return np.packbits(lowest > np.median(lowest)).tobytes()


def inspect(data: bytes, where: str, chain: str = "", max_pixels: int = MAX_PIXELS) -> FileRecord:
    """Decode a file strictly and record what it is, after the degradations that its data set gives it.

    Args:
        data: The whole file.
        where: What messages call it.
        chain: The degradations, "" for none.
        max_pixels: The largest number of pixels that is read.

    Returns:
        Its record, with a reason where it cannot be used.
    """
    content = sha256(data).digest()
    try:
        sample, details = decode_with_details(data, where, max_pixels)
    except UnreadableImage as error:
        return FileRecord(content, reason=error.reason, size=len(data))
    if chain:
        try:
            sample = parse_degradation(chain)(sample)
            details = StorageDetails("RGB", exif=False, profile="", notes=details.notes)
        except (ValueError, cv2.error) as error:
            return FileRecord(content, reason=f"it cannot go through {chain}: {error}", size=len(data))
    return _record(content, sample, details)


def _record(content: bytes, sample: Sample, details: StorageDetails) -> FileRecord:
    facts, small = sample.facts, shrink(sample.pixels)
    nearest = -1 if facts.jpeg_quality is None else facts.jpeg_quality
    no_quality = details.jpeg is not None and details.jpeg.quality is None
    look = appearance(sample.pixels, small)
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
        perceptual_hash=_hash_of(small),
        nearest_quality=nearest,
        subsampling=details.jpeg.subsampling if details.jpeg else "",
        borders=look.borders,
        colour=look.colour,
        luma_grid=look.luma_grid,
        note=NOTE_SEPARATOR.join(details.notes),
    )


def inspect_file(images: ImageSet, row: int) -> FileRecord:
    """Read and inspect one image of a set; one that cannot be read has that as its reason."""
    name = images.names[row]
    try:
        data = images.files.read(name)
    except OSError as error:
        return FileRecord(UNREAD_HASH, reason=f"it cannot be read: {error.strerror or error}")
    return inspect(data, images.where(name), images.degradations[row], images.max_pixels)


@dataclass(frozen=True)
class InspectedImages:
    """An image set with the records of its files.

    Attributes:
        images: The image set.
        records: One row per image in the same order, columns as the fields of `FileRecord`.
    """

    images: ImageSet
    records: pd.DataFrame

    @property
    def hashes(self) -> NDArray[np.uint8]:
        """Content hashes, (N, 32)."""
        return _to_array(self.records["hash"], HASH_BYTES)

    @property
    def perceptual_hashes(self) -> NDArray[np.uint8]:
        """Perceptual hashes, (N, 18)."""
        return _to_array(self.records["perceptual_hash"], PERCEPTUAL_HASH_BYTES)

    @property
    def table(self) -> pd.DataFrame:
        """The image set's table and the records without hashes, side by side; `size` is called `bytes`."""
        records = self.records.drop(columns=["hash", "perceptual_hash"]).rename(columns={"size": "bytes"})
        return pd.concat([self.images.table, records], axis=1)

    @property
    def unreadable(self) -> pd.DataFrame:
        """Columns `name` and `reason` of the files that cannot be used, those that were refused by name last."""
        bad = self.records["reason"] != ""
        unreadable = pd.DataFrame({"name": self.images.table["name"][bad], "reason": self.records["reason"][bad]})
        refused = pd.DataFrame(self.images.refused, columns=["name", "reason"])
        return pd.concat([unreadable, refused], ignore_index=True)

    def usable(self) -> InspectedImages:
        """The same without the files that cannot be used."""
        good = self.records["reason"] == ""
        if good.all():
            return self
        return InspectedImages(self.images.select(good), self.records[good].reset_index(drop=True))

    def require_usable(self, max_unreadable: float) -> InspectedImages:
        """The same without the files that cannot be used.

        Files that were refused by name count against the whole data set, not against a selection of it.

        Args:
            max_unreadable: The largest share of such files that is allowed, in [0, 1].

        Raises:
            InputError: There are more.
        """
        unread, refused = int((self.records["reason"] != "").sum()), len(self.images.refused)
        for bad, total in ((unread, len(self.images)), (refused, self.images.listed + refused)):
            if bad > max_unreadable * total:
                first = self.unreadable.iloc[0 if bad is unread else unread]
                msg = (
                    f"{self.images.files.where}: {bad} of {total} images cannot be used, such as {first['name']} "
                    f"({first['reason']}); replace them, or allow more with --max-unreadable (now {max_unreadable:g})"
                )
                raise InputError(msg)
        return self.usable()


def _to_array(column: pd.Series[bytes], size: int) -> NDArray[np.uint8]:
    """A column of `size` bytes each as uint8 (N, size)."""
    return np.frombuffer(b"".join(column), dtype=np.uint8).reshape(-1, size)
