"""The contract of a kind of degradation, the readers of its parameters, and what several kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detectors.api import Image, Sample
from detectors.types import Facts

if TYPE_CHECKING:
    from torch import Tensor

NONE = "none"  # the degradation that changes nothing; `protocols.api.NONE` is the same, for this package imports OpenCV

Parameters = tuple[float | str, ...]
ParameterReader = Callable[[str], Parameters | None]


class UnknownDegradation(ValueError):
    """A text that is no degradation, or a kind that cannot be loaded. The message says what to do."""


@dataclass(frozen=True, slots=True)
class DegradationKind:
    """One kind of degradation: its pure function, its version, and how its parameters are written.

    Attributes:
        apply: From a sample and the parameters to the degraded sample; both classes are degraded alike. A sample that
            keeps the facts it came with counts as pixels in memory. Raises `ValueError` with one sentence for an image
            that it cannot degrade.
        version: Rises when the pixels would change.
        parse: From the text after the colon to the parameters; None for a text that is not valid.
        usage: How it is written, then in parentheses what it is, with the range of its parameters.
        severities: Five texts as they stand behind the colon, the mildest first; none where strength has no meaning.
        encoder: From the parameters to the libraries, with their versions, that fix the pixels beside `version`. The
            versions of Pillow, OpenCV and NumPy are part of every key and not named. Raises `UnknownDegradation` where
            a library is not installed.
        distribution: Name and version of the package that it comes from; the catalogue fills it in, and it is empty
            for a built-in kind.
        sweep: From the shorter side of images in pixels to texts as those of `severities`, in finer steps; None for a
            kind whose severities are all that there is to sweep.
        idle: From the width and height of an image in pixels and the parameters to whether it keeps its pixels; None
            for a kind of which size alone does not say so.
        by_torch: The same in torch, for pixels alone: from a uint8 tensor (H, W, 3), which is not written to, and the
            parameters to such a tensor on its device, no value of which is more than one level from that of `apply`;
            None for a kind that has no such way.
        place: Where torch computes it, as "torch on cuda"; `on` fills it in; empty where torch does not compute it.
    """

    apply: Callable[..., Sample]
    version: int
    parse: ParameterReader
    usage: str
    severities: tuple[str, ...] = ()
    encoder: Callable[..., str] | None = None
    distribution: str = ""
    sweep: Callable[[int], Sequence[str]] | None = None
    idle: Callable[..., bool] | None = None
    by_torch: Callable[..., Tensor] | None = None
    place: str = ""

    def on(self, device: str) -> DegradationKind:
        """The kind computed by torch on a device, under another identity; the same kind where it has no such way.

        Args:
            device: As torch names it; which of several cards is no part of the identity.
        """
        if self.by_torch is None:
            return self
        return replace(self, apply=TensorStep(self.by_torch, device), place=f"torch on {device.partition(':')[0]}")

    @property
    def written(self) -> str:
        """How it is written: the usage before its parentheses."""
        return self.usage.partition(" (")[0]

    @property
    def meaning(self) -> str:
        """What it is, in a few words: the usage between its parentheses."""
        return self.usage.partition(" (")[2].removesuffix(")")

    def steps(self, short_side: int) -> Sequence[str]:
        """Severities to sweep, the mildest first, as texts behind the colon; none where strength has no meaning.

        Args:
            short_side: Of the images, in pixels.
        """
        return self.sweep(short_side) if self.sweep else self.severities

    def identity(self, parameters: Parameters) -> str:
        """What changes whenever the pixels may: version, encoder, the package of a kind that is not built in, place.

        Raises:
            UnknownDegradation: A library that it needs is not installed.
        """
        encoder = self.encoder(*parameters) if self.encoder else ""
        return str(self.version) + "".join(f"[{text}]" for text in (encoder, self.distribution, self.place) if text)

    def spell(self, written: str, parameters: Parameters) -> str:
        """The shortest text of the parameters, which is the same for every way to write them."""
        texts = [parameter if isinstance(parameter, str) else number_text(parameter) for parameter in parameters]
        spellings = (":".join(texts[:count]) for count in range(min(1, len(texts)), len(texts) + 1))
        return next((text for text in spellings if self.parse(text) == parameters), written)


_COMPUTING = Lock()  # filters take up to 200 bytes a pixel on a device that also holds the network


@dataclass(frozen=True, slots=True)
class TensorStep:
    """What a kind does to a sample by torch; safe to call from several threads, of which one computes at a time.

    Attributes:
        function: As `DegradationKind.by_torch`.
        device: As torch names it.
    """

    function: Callable[..., Tensor]
    device: str

    def __call__(self, sample: Sample, *parameters: float | str) -> Sample:
        """Degrade a sample: its pixels go to the device and come back. Raises what the function raises."""
        import torch

        with _COMPUTING:
            pixels = torch.tensor(np.ascontiguousarray(sample.pixels), device=self.device)
            return in_memory(sample, self.function(pixels, *parameters).contiguous().cpu().numpy())


def number_text(number: float) -> str:
    """A number without exponent, and without zeros that say nothing."""
    return np.format_float_positional(number, trim="-")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Reads one number from `low` to `high`, written without an exponent.

    Attributes:
        low: The smallest number, below 0 where there are negative ones.
        high: The largest number.
        whole: Whether it has to be a whole number.
    """

    low: float
    high: float
    whole: bool

    def __call__(self, text: str) -> Parameters | None:
        """The number, or None for anything else."""
        sign = "-?" if self.low < 0 else ""
        if not re.fullmatch(rf"{sign}\d+(\.\d+)?", text, re.ASCII):
            return None
        number = float(text) + 0.0  # "-0" is 0
        allowed = self.low <= number <= self.high and (number.is_integer() or not self.whole)
        return (number,) if allowed else None


@dataclass(frozen=True, slots=True)
class Word:
    """Reads one of a few words.

    Attributes:
        choices: The words.
    """

    choices: tuple[str, ...]

    def __call__(self, text: str) -> Parameters | None:
        """The word, or None for anything else."""
        return (text,) if text in self.choices else None


@dataclass(frozen=True, slots=True)
class ParameterList:
    """Reads several parameters, joined with colons.

    Attributes:
        readers: Of each.
        defaults: The values of the last ones, which need not be written.
    """

    readers: tuple[ParameterReader, ...]
    defaults: Parameters = ()

    def __call__(self, text: str) -> Parameters | None:
        """All parameters, or None where one is not valid, missing or too much."""
        texts = text.split(":")
        left_out = len(self.readers) - len(texts)
        if not 0 <= left_out <= len(self.defaults):
            return None
        found: Parameters = ()
        for reader, one in zip(self.readers, texts, strict=False):
            parameters = reader(one)
            if parameters is None:
                return None
            found += parameters
        return found + self.defaults[len(self.defaults) - left_out :]


def no_parameters(text: str) -> Parameters | None:
    """Read nothing: None for any text."""
    return None if text else ()


def facts_in_memory(facts: Facts, pixels: Image) -> Facts:
    """Facts of an image that was processed in memory: it has no encoded size of its own any more."""
    height, width = pixels.shape[:2]
    return replace(facts, format="RAW", width=width, height=height, bytes=pixels.nbytes, jpeg_quality=None)


def in_memory(sample: Sample, pixels: Image) -> Sample:
    """The sample with other pixels, uint8 (H, W, 3), that were computed in memory."""
    return Sample(pixels, facts_in_memory(sample.facts, pixels))


def to_levels(values: NDArray[np.floating[Any]]) -> Image:
    """Floats (H, W, 3) in levels of 0 to 255, rounded to the nearest, halves to even, and clipped: uint8 (H, W, 3)."""
    levels: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
