"""The metadata baseline: format, size and compression of files; no pixel is read.

In many data sets the real images are JPEG files of many sizes and the generated ones PNG files of one size, and a
detector may learn that instead of traces of generation: Grommelt, Weiss, Pfreundt and Keuper, "Fake or JPEG? Revealing
Common Biases in Generated Image Detection Datasets", 2024, arXiv 2403.17608. Where this baseline is above chance, a
detector could be as good without using any trace of generation.

The decision is linear, so every number is encoded in three ways: as it is, for classes that differ by size in general;
as an indicator of its bin, for classes of one size; and as indicators of all bins below it, for classes of a range of
sizes, which indicators of single bins would need a great many images to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Sample, Setting, for_all_settings
from detectors.embedders.vector_embedder import VectorEmbedder
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant
from detectors.types import Facts

BinEdges = NDArray[np.floating[Any]]  # lower ends

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "RAW")  # as Pillow names them; the last is "other"
OCTAVE = 8  # bins in a factor of two: neighbours differ by 9 %
# log2 of pixels, 8 to 16384; log2 of bytes per pixel, 1/64 to 32; JPEG quality
SIDES: BinEdges = np.arange(3 * OCTAVE, 14 * OCTAVE + 1) / OCTAVE - 0.5 / OCTAVE
DENSITIES: BinEdges = np.arange(-6 * OCTAVE, 5 * OCTAVE + 1) / OCTAVE - 0.5 / OCTAVE
QUALITIES: BinEdges = np.arange(1, 101) - 0.5
NO_QUALITY = 0  # below the lowest bin: files without a JPEG quality are in none
COMMON_QUALITY = 85  # the number of files without a JPEG quality, in the middle of the usual ones
MULTIPLE = 64  # of which many generators have their sides
DIM = len(FORMATS) + 1 + 2 + 4 + 2 * (2 * len(SIDES) + len(DENSITIES) + len(QUALITIES))
C = 0.1  # a bin of one image among hundreds then changes its score little, a bin with a tenth of a class decides


class MetadataEmbedder(VectorEmbedder):
    """The facts about a file, as numbers and indicators of bins: float32 (N, 749)."""

    key = f"metadata.2.{OCTAVE}"
    dim = DIM

    def prepare(self, sample: Sample) -> Array:
        """The embedding, float32 (749,)."""
        return file_features(sample.facts)


def file_features(facts: Facts) -> NDArray[np.float32]:
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
        _bin_indicators(width, SIDES),
        _bin_indicators(height, SIDES),
        _bin_indicators(density, DENSITIES),
        _bin_indicators(quality, QUALITIES),
    )
    return np.concatenate(parts, dtype=np.float32)


def _bin_indicators(value: float, edges: BinEdges) -> NDArray[np.float64]:
    """For each bin whether it holds the value, then for each whether it begins below; the last has no upper end."""
    begins_below = value >= edges
    return np.concatenate([begins_below & np.append(~begins_below[1:], True), begins_below], dtype=np.float64)


@dataclass(frozen=True)
class Metadata(ProbeRecipe):
    """Facts about files and logistic regression: a detector that reads no pixel."""

    card: ClassVar[Card] = Card(
        name="metadata",
        family="baseline",
        year=2024,
        version=2,
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
