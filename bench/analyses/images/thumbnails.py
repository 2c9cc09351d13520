"""Small copies of images as bytes, for a page that holds them itself: as they are, or under degradations."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
import pandas as pd
from PIL import Image as Pillow

from bench.analyses.images.degraded_pass import LeftOut, made_arrays, rows_of_names
from bench.images.image_set import ImageSet
from bench.platform.errors import InputError
from bench.records.columns import DEGRADATION, NAME
from detectors.api import Array, Image, Sample
from protocols.api import NONE
from protocols.degradations import parse_degradation

ThumbnailForm = Literal["webp", "jpeg", "none"]
QUALITIES = (80, 65, 50, 35, 20)  # of which the first that keeps to the budget is taken
METHOD = 4  # of the WebP encoder, between fast and small
LARGEST_SIDE = 1024
THUMBNAILS = (NAME, DEGRADATION, "width", "height", "bytes", "quality")  # columns of `thumbnail_table`


@dataclass(frozen=True)
class ThumbnailRequest:
    """Which thumbnails are made.

    Attributes:
        form: How they are encoded; "none" makes none, where images may not leave the house.
        side: The longer side in pixels, at most; no image is enlarged.
        budget: Bytes of all of them together, at most.
        degradations: What each image goes through first, one thumbnail for each.
    """

    form: ThumbnailForm = "webp"
    side: int = 96
    budget: int = 2_000_000
    degradations: tuple[str, ...] = (NONE,)

    def __post_init__(self) -> None:
        """Raises InputError for what there cannot be."""
        if self.form not in get_args(ThumbnailForm):
            msg = f"thumbnails {self.form!r} are not known; choose {', '.join(get_args(ThumbnailForm))}"
            raise InputError(msg)
        if not 1 <= self.side <= LARGEST_SIDE or self.budget < 0:
            asked = f"thumbnails of {self.side} pixels in {self.budget} bytes were asked for"
            msg = f"{asked}; give 1 to {LARGEST_SIDE} pixels, and 0 bytes or more"
            raise InputError(msg)


@dataclass(frozen=True)
class Thumbnail:
    """A small copy of an image.

    Attributes:
        name: Of the image.
        degradation: Canonical name of what it went through.
        width: In pixels.
        height: In pixels.
        data: The encoded file.
    """

    name: str
    degradation: str
    width: int
    height: int
    data: bytes


@dataclass(frozen=True)
class Thumbnails:
    """The small copies of some images.

    Attributes:
        form: How they are encoded.
        quality: Of the encoder, the same for all; 0 where there are none.
        thumbnails: In the order of the names that were asked for, those of one image together.
        left_out: The images without one, and why.
    """

    form: ThumbnailForm
    quality: int
    thumbnails: tuple[Thumbnail, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def media_type(self) -> str:
        """Of the files, as a page names it."""
        return f"image/{self.form}"

    def find(self, name: str, degradation: str = NONE) -> Thumbnail | None:
        """The thumbnail of an image under a degradation; None where there is none."""
        return next((one for one in self.thumbnails if (one.name, one.degradation) == (name, degradation)), None)


def make_thumbnails(images: ImageSet, names: Sequence[str], request: ThumbnailRequest, workers: int) -> Thumbnails:
    """Make small copies of some images; each is decoded once, and degraded once per degradation.

    All are encoded with one quality, the highest of `QUALITIES` with which all keep to the budget. Where the lowest
    does not, the last ones are left out.

    Args:
        images: The image set.
        names: Of the images, the most important first; repeated ones count once.
        request: Which thumbnails.
        workers: Threads that decode and shrink.

    Raises:
        InputError: An image is not in the set.
        UnknownDegradation: A degradation is none.
    """
    if request.form == "none":
        return Thumbnails("none", 0, (), ())
    names = list(dict.fromkeys(names))
    rows = rows_of_names(images, names)
    chains = [parse_degradation(text).name for text in request.degradations]
    makers = dict.fromkeys(chains, partial(_shrunk, side=request.side))
    made = list(made_arrays(images, rows, makers, workers))
    places = {int(row): place for place, row in enumerate(rows)}
    made.sort(key=lambda one: (places[one.row], chains.index(one.degradation)))
    left_out = [LeftOut(images.names[one.row], one.degradation, one.reason) for one in made if one.array is None]
    small = [(images.names[one.row], one.degradation, one.array) for one in made if one.array is not None]
    encoded: list[bytes] = []
    quality = QUALITIES[0]
    for quality in QUALITIES:
        encoded = [_encoded(pixels, request.form, quality) for _, _, pixels in small]
        if sum(map(len, encoded)) <= request.budget:
            break
    count = int((np.cumsum([0, *map(len, encoded)]) <= request.budget).sum()) - 1
    reason = f"the {request.budget:,} bytes of all thumbnails are used up"
    left_out += [LeftOut(name, degradation, reason) for name, degradation, _ in small[count:]]
    found = tuple(
        Thumbnail(name, degradation, pixels.shape[1], pixels.shape[0], data)
        for (name, degradation, pixels), data in zip(small[:count], encoded[:count], strict=True)
    )
    return Thumbnails(request.form, quality if found else 0, found, tuple(left_out))


def _shrunk(sample: Sample, side: int) -> Array:
    """The pixels of a sample with a longer side of at most `side`, uint8 (h, w, 3); Lanczos, as pictures are shown."""
    height, width = sample.pixels.shape[:2]
    share = min(1.0, side / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    if size == (width, height):
        return sample.pixels
    return np.asarray(Pillow.fromarray(sample.pixels).resize(size, Pillow.Resampling.LANCZOS))


def _encoded(pixels: Image, form: ThumbnailForm, quality: int) -> bytes:
    """A file that holds some pixels; the same bytes whenever they are the same, with one version of Pillow."""
    buffer = io.BytesIO()
    if form == "webp":
        Pillow.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=METHOD)
    else:
        Pillow.fromarray(pixels).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def thumbnail_table(thumbnails: Thumbnails) -> pd.DataFrame:
    """One row per thumbnail without its bytes, columns `THUMBNAILS`."""
    rows = (
        (one.name, one.degradation, one.width, one.height, len(one.data), thumbnails.quality)
        for one in thumbnails.thumbnails
    )
    return pd.DataFrame(rows, columns=list(THUMBNAILS))
