"""What is known of every image file before a run: whether it is sound, what its header says, what it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.images.decoding.decoder import StorageDetails, UnreadableImage, decode_with_details
from bench.images.image_set import ImageSet
from bench.platform.errors import InputError
from detectors.api import Image
from protocols.degradations import degradation

VERSION = 2  # rises when an inspection of the same file would give something else
SIDE = 12  # frequencies of a look, either way
GRID = 4 * SIDE  # cells that they are taken from, either way
HASH = 32  # bytes of a sha256
UNREAD = bytes(HASH)
LOOK = SIDE * SIDE // 8  # bytes of a look


class FileFacts(NamedTuple):
    """One file.

    Attributes:
        hash: sha256 of its bytes.
        reason: Why it cannot be used; "" for a sound file. The rest is empty where there is a reason; so is the hash
            where the file could not even be read, which another time may do.
        format: Of its content, whatever its name says.
        width: Pixels, upright.
        height: Pixels, upright.
        size: Of the file, in bytes.
        quality: JPEG quality, from its quantisation tables; -1 where it is no JPEG.
        mode: How its pixels are stored, as Pillow calls it.
        exif: Whether it carries EXIF data.
        profile: Its colour profile, "" for none.
        look: Perceptual hash of its luma, for finding near duplicates.
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
    look: bytes = bytes(LOOK)


def look(pixels: Image) -> bytes:
    """Perceptual hash, 18 bytes: which of the 143 lowest frequencies of the luma lie above their median, then a zero.

    After the pHash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, on a finer
    grid. On 700 photographs and rendered scenes, the same image after JPEG 30 or at two thirds of its size differed in
    at most 14 bits, and unrelated images in at least 20.
    """
    small = cv2.resize(pixels, (GRID, GRID), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32))[:SIDE, :SIDE].ravel()[1:]
    return np.packbits(waves > np.median(waves)).tobytes()


def inspect(data: bytes, where: str, chain: str = "") -> FileFacts:
    """Decode a file strictly and tell what it is, after the degradations that its data set gives it.

    An unreadable file has a reason.
    """
    content = sha256(data).digest()
    try:
        sample, details = decode_with_details(data, where)
    except UnreadableImage as error:
        return FileFacts(content, reason=error.reason, size=len(data))
    if chain:
        try:
            sample, details = degradation(chain)(sample), StorageDetails("RGB", exif=False, profile="")
        except (ValueError, cv2.error) as error:
            return FileFacts(content, reason=f"it cannot go through {chain}: {error}", size=len(data))
    facts = sample.facts
    return FileFacts(
        content,
        format=facts.format,
        width=facts.width,
        height=facts.height,
        size=facts.bytes,
        quality=-1 if facts.jpeg_quality is None else facts.jpeg_quality,
        mode=details.mode,
        exif=details.exif,
        profile=details.profile,
        look=look(sample.pixels),
    )


def inspect_file(images: ImageSet, row: int) -> FileFacts:
    """Read and inspect one image of a set; one that cannot be read at all has that reason."""
    name = images.names[row]
    try:
        data = images.files.read(name)
    except OSError as error:
        return FileFacts(UNREAD, reason=f"it cannot be read: {error.strerror or error}")
    return inspect(data, images.where(name), images.degradations[row])


@dataclass(frozen=True)
class Inspection:
    """An image set and what is known of its files, row by row.

    Attributes:
        images: The image set.
        files: One row per image, columns as the fields of `FileFacts`.
    """

    images: ImageSet
    files: pd.DataFrame

    @property
    def hashes(self) -> NDArray[np.uint8]:
        """Content hashes, (N, 32)."""
        return _rows(self.files["hash"], HASH)

    @property
    def looks(self) -> NDArray[np.uint8]:
        """Perceptual hashes, (N, 18)."""
        return _rows(self.files["look"], LOOK)

    @property
    def facts(self) -> pd.DataFrame:
        """The image set's table beside what is known of the files; their size is called `bytes`."""
        files = self.files.drop(columns=["hash", "look"]).rename(columns={"size": "bytes"})
        return pd.concat([self.images.table, files], axis=1)

    @property
    def unreadable(self) -> pd.DataFrame:
        """Columns `name` and `reason` of the files that cannot be used, those that were never listed included."""
        bad = self.files["reason"] != ""
        found = pd.DataFrame({"name": self.images.table["name"][bad], "reason": self.files["reason"][bad]})
        refused = pd.DataFrame(self.images.refused, columns=["name", "reason"])
        return pd.concat([found, refused], ignore_index=True)

    def sound(self) -> Inspection:
        """The same without the files that cannot be used."""
        good = self.files["reason"] == ""
        if good.all():
            return self
        return Inspection(self.images.keeping(good), self.files[good].reset_index(drop=True))

    def checked(self, most: float) -> Inspection:
        """The sound part. Raises `InputError` where more than the share `most` of the files cannot be used.

        Files that were refused by their names or kinds count against the whole data set, not against a selection.
        """
        unread, refused = int((self.files["reason"] != "").sum()), len(self.images.refused)
        for bad, total in ((unread, len(self.images)), (refused, self.images.listed + refused)):
            if bad > most * total:
                first = self.unreadable.iloc[0 if bad is unread else unread]
                msg = (
                    f"{self.images.files.where}: {bad} of {total} images cannot be used, such as {first['name']} "
                    f"({first['reason']}); replace them, or allow more with --max-unreadable (now {most:g})"
                )
                raise InputError(msg)
        return self.sound()


def _rows(column: pd.Series[bytes], size: int) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(column), dtype=np.uint8).reshape(-1, size)
