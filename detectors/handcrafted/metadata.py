"""The metadata baseline: tells files apart by format, size and compression, and never looks at a pixel.

In many data sets the real images are JPEG files of many sizes and the generated ones PNG files of one size, and a
detector may learn that instead of traces of generation: Grommelt, Weiss, Pfreundt and Keuper, "Fake or JPEG? Revealing
Common Biases in Generated Image Detection Datasets", 2024, arXiv 2403.17608. Where this baseline is above chance,
a detector could be as good without having seen a single trace.

A line cannot bend, so every number is given to it in three ways: as it is, for "all a bit smaller"; as one bin out of
many, for "all of one size"; and as all the bins below it, for "sizes from here to there", which one bin at a time
would take a great many images to learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Embedder, Embeddings, Sample, Setting, for_all_settings
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant
from detectors.types import Facts

BinEdges = NDArray[np.floating[Any]]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "RAW")  # as Pillow names them; the last is "other"
OCTAVE = 8  # bins in a factor of two: neighbours differ by 9 %
SIDES: BinEdges = (
    np.arange(3 * OCTAVE, 14 * OCTAVE + 1) / OCTAVE - 0.5 / OCTAVE
)  # lower ends, log2 of pixels: 8 to 16384
DENSITIES: BinEdges = (
    np.arange(-6 * OCTAVE, 5 * OCTAVE + 1) / OCTAVE - 0.5 / OCTAVE
)  # log2 of bytes per pixel: 1/64 to 32
QUALITIES: BinEdges = np.arange(1, 101) - 0.5
NO_QUALITY = 0  # below the lowest bin: what has no JPEG quality falls into none
COMMON_QUALITY = 85  # what has no JPEG quality lies here on the line, in the midst of what has one
MULTIPLE = 64  # of the sides that many generators are bound to
DIM = len(FORMATS) + 1 + 2 + 4 + 2 * (2 * len(SIDES) + len(DENSITIES) + len(QUALITIES))
C = 0.1  # a bin that holds one image of hundreds moves its score little, one that holds a tenth of a class decides


class MetadataEmbedder(Embedder):
    """What is known of a file, as numbers and bins: float32 (N, 749)."""

    key = f"metadata.1.{OCTAVE}"
    dim = DIM

    def prepare(self, sample: Sample) -> Array:
        """The embedding itself, float32 (749,): it costs nothing to compute."""
        return described(sample.facts)

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Stack N prepared arrays."""
        return np.array(batch, np.float32).reshape(-1, DIM)


def described(facts: Facts) -> NDArray[np.float32]:
    """The facts about one file, float32 (749,)."""
    width, height = np.log2(facts.width), np.log2(facts.height)
    density = np.log2(max(facts.bytes, 1)) - width - height
    quality = NO_QUALITY if facts.jpeg_quality is None else facts.jpeg_quality
    multiple = facts.width % MULTIPLE == facts.height % MULTIPLE == 0
    known = facts.format in FORMATS
    parts = (
        [facts.format == name for name in FORMATS] + [not known],
        [facts.width == facts.height, multiple],
        [width, height, density, quality or COMMON_QUALITY],
        _binned(width, SIDES),
        _binned(height, SIDES),
        _binned(density, DENSITIES),
        _binned(quality, QUALITIES),
    )
    return np.concatenate(parts, dtype=np.float32)


def _binned(value: float, ends: BinEdges) -> NDArray[np.float64]:
    """Two zeros or ones per bin: whether it holds the value, whether it begins below. The last has no upper end."""
    below = value >= ends
    return np.concatenate([below & np.append(~below[1:], True), below], dtype=np.float64)


@dataclass(frozen=True)
class Metadata(ProbeRecipe):
    """File facts and logistic regression: what a data set gives away without being looked at."""

    card: ClassVar[Card] = Card(
        name="metadata",
        family="baseline",
        year=2024,
        version=1,
        title="File metadata + logistic regression",
        paper="the shortcut described by Grommelt et al., 2024, arXiv 2403.17608",
        upstream="none: own features; the paper's data at https://www.unbiased-genimage.org",
        licence="Apache-2.0 (own implementation)",
        shortcut="the format, size and compression of the files",
    )
    variants: ClassVar[Mapping[Setting, ProbeVariant]] = for_all_settings(
        ProbeVariant(
            trained_on="the train subset of the run",
            input_size="any: no pixel is read",
            input_policy="format, width, height, bytes per pixel and JPEG quality of the file after every degradation",
            embedder=lambda _: MetadataEmbedder(),
            head=Logistic(C),
        )
    )
