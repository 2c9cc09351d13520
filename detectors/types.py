"""The values that pass between a detector and the harness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

Array = NDArray[Any]
Image = NDArray[np.uint8]  # (H, W, 3), sRGB, as decoded, any size from 1x1
FloatImage = NDArray[np.float32]  # (H, W, 3), RGB in [0, 1]
Labels = NDArray[np.int64]  # (N,), 0 real, 1 generated; published code that inverts them is adapted at its border
Embeddings = NDArray[np.float32]  # (N, D), finite
LogOdds = NDArray[np.float32]  # (N,), finite: of "generated", where a probability may be exactly 0 or 1
Scores = NDArray[np.float32]  # (N,), finite, in [0, 1], the probability of "generated", decision at 0.5
EpochCallback = Callable[[int, Mapping[str, float]], object]
# how test images are shown to a detector: see `detectors.input_policy`
InputPolicy = Literal["published", "crop", "resize", "five_crops", "ten_crops", "tiles"]
NetworkKind = Literal["convolutional", "transformer"]  # by which a backend is chosen
State = dict[str, Array]  # everything that fitting learned, by name; names and shapes are the detector's own
Rows = Sequence[int] | NDArray[np.integer[Any]]  # positions of images
NetworkPrecision = Literal["float32", "tf32", "bfloat16"]  # TF32: float32 whose products keep 10 bits
AnyValue = TypeVar("AnyValue")
# names of diagnostics, as tables have them
PREDICTED_GENERATOR = "predicted"  # the generator that made an image, "" for a real one
LIKELIEST_GENERATOR = "likeliest generator"  # the likeliest one on condition that the image is generated
ROUTE = "route"  # the member of a composed detector whose score was taken
ROUTE_SCORE = "score along "  # before the name of a route: the score that it gives


class Unavailable(Exception):
    """A detector cannot run here. The message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about the file of an image, as it would be on disk after all degradations so far.

    Attributes:
        format: As Pillow names it; "RAW" for pixels that are not encoded.
        width: In pixels.
        height: In pixels.
        bytes: Size of the file.
        jpeg_quality: On libjpeg's scale, the nearest for a file with other tables; None where the file is no JPEG.
    """

    format: str
    width: int
    height: int
    bytes: int
    jpeg_quality: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The input of a detector: an image and the facts about its file.

    Attributes:
        pixels: uint8 (H, W, 3) sRGB, read-only: several detectors share them.
        facts: About the file.
    """

    pixels: Image
    facts: Facts

    def __post_init__(self) -> None:
        """Replace the pixels by a read-only view of them."""
        object.__setattr__(self, "pixels", read_only(self.pixels))


def read_only(value: AnyValue) -> AnyValue:
    """A read-only view of an array, for several detectors to share; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return cast("AnyValue", view)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a detector for N images.

    Attributes:
        scores: float32 (N,), as `Scores`.
        diagnostics: Further results to record for each image, by name: numbers or texts, (N,) each.
        log_odds: float32 (N,), as `LogOdds`, in the order of the scores; None from a detector that has probabilities
            alone.
    """

    scores: Scores
    diagnostics: Mapping[str, Array] = field(default_factory=dict)
    log_odds: LogOdds | None = None

    @classmethod
    def of_log_odds(cls, log_odds: Array) -> Answer:
        """The answer of a detector that has log odds, floats (N,): their probabilities, and the log odds themselves."""
        from scipy.special import expit

        return cls(expit(log_odds).astype(np.float32), log_odds=log_odds.astype(np.float32))


class NetworkBackend(Protocol):
    """What computes the bodies of fitted networks in the place of torch, operation by operation."""

    def compile(self, body: nn.Module, kind: NetworkKind) -> Callable[..., Tensor]:
        """A function that gives what a body gives, to rounding.

        Args:
            body: From tensors (N, ...) on its device to outputs (N, D) there; in evaluation mode.
            kind: Of the network.
        """


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how precisely a detector computes, and what belongs to one fit.

    Attributes:
        device: "cpu", "cuda" or "cuda:N".
        precision: Of the matrix products and convolutions in the bodies of networks; never of their front ends.
        backend: Computes the bodies of fitted networks; None for torch.
        checkpoint_folder: Where one fit may keep what it needs to resume after an interruption; None for nowhere.
        on_epoch: Called after each epoch of a training with its number, from 0, and its row of the history.
    """

    device: str = "cpu"
    precision: NetworkPrecision = "float32"
    backend: NetworkBackend | None = None
    checkpoint_folder: Path | None = None
    on_epoch: EpochCallback | None = None
