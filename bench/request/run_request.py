"""What a user asked of `lineup run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.images.decoding.structure import MAX_PIXELS
from bench.request.defaults import MAX_UNREADABLE
from protocols.api import NONE, EvaluationProtocol

DetectorOptions = Mapping[str, Mapping[str, Any]]  # by detector, then by option


@dataclass(frozen=True)
class RunRequest:
    """One run as it was asked for; nothing is looked up yet.

    Attributes:
        protocol: With the options that were chosen.
        data: "embedded", a path or URL, or layout:path; several with commas between for a protocol that takes them.
        detectors: Rows as `detectors.entries` has them, or "all" alone.
        setting: "paper", "small" or "auto".
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "float32" or "bfloat16".
        out: Result folder.
        limit: Images of each generator, split and class, at most; None for all.
        seeds: Of the trainings.
        batch_size: Images per batch on the device.
        workers: CPU threads that read, decode and prepare.
        cache: The cache folder.
        timed: Whether detectors are timed.
        real: Where real images lie, for data without any.
        base_degradation: A degradation that every image goes through first, for training and testing alike.
        max_unreadable: Share of the files that may be unusable.
        max_pixels: The largest number of pixels of an image that is read.
        recipe_options: Options of detectors.
        tensorboard: Whether curves of trainings are written.
        keep_fitted: Whether fitted detectors are kept as files.
        executor: Where trainings are computed, many at a time.
        weights_folder: Where files of released checkpoints lie.
        data_name: What published tables call the run's data, where its layout cannot tell.
    """

    protocol: EvaluationProtocol
    data: str
    detectors: tuple[str, ...]
    setting: str
    device: str
    precision: str
    out: Path
    limit: int | None
    seeds: tuple[int, ...]
    batch_size: int
    workers: int
    cache: Path
    timed: bool = True
    real: str = ""
    base_degradation: str = NONE
    max_unreadable: float = MAX_UNREADABLE
    max_pixels: int = MAX_PIXELS
    recipe_options: DetectorOptions = field(default_factory=dict)
    tensorboard: bool = False
    keep_fitted: bool = False
    executor: str = "processes"
    weights_folder: Path = Path("weights")
    data_name: str = ""

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The data sets of the run, the first of which is its own."""
        parts = [part.strip() for part in self.data.split(",") if part.strip()]
        several = self.protocol.several_data_sets and not Path(self.data).exists()
        return tuple(dict.fromkeys(parts)) if several and parts else (self.data,)
