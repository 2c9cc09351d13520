"""What a user asked of `lineup run`, and the usual result folder of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.images.data_names import COUNTS, EMBEDDED, is_counts, layout_and_place
from bench.images.decoding.structure import MAX_PIXELS
from bench.images.reading import AS_STATED, Reading
from bench.platform.files import digest, plain_name
from bench.request.defaults import CPU, MAX_UNREADABLE
from bench.request.protocol_catalogue import command_line_text
from bench.request.setting import AUTO
from detectors.identity import default_of
from protocols.api import NONE, EvaluationProtocol

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet  # which brings all that decodes

RUNS = Path("results/runs")
LONGEST_NAME = 100  # characters of the name of a folder; what is longer is cut, and told from others by its digest
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
        precision: "float32", "tf32" or "bfloat16".
        out: Result folder.
        limit: Images of each generator, split and class, at most; None for all.
        seeds: Of the trainings.
        batch_size: Images per batch on the device.
        workers: CPU threads that read, decode and prepare.
        cache: The cache folder.
        backend: What computes networks, as `bench.inference.backends.BACKENDS`.
        degrade_on: What degrades images, as `bench.request.defaults.DEGRADING_PLACES`.
        timed: Whether detectors are timed.
        real: Where real images lie, for data without any.
        base_degradation: A degradation that every image goes through first, for training and testing alike.
        max_unreadable: Share of the files that may be unusable.
        max_pixels: The largest number of pixels of an image that is read.
        recipe_options: Options of detectors.
        tensorboard: Whether curves of trainings are written.
        track: Address of the tracking server of MLflow that is told of the run; empty for none.
        keep_fitted: Whether fitted detectors are kept as files.
        executor: Where trainings are computed, many at a time.
        cluster: Where all work is done: "auto", "ray://HOST:PORT" or "local:N"; empty for this machine.
        timeout: Seconds that a detector may take for one batch; None for any time.
        weights_folder: Where files of released checkpoints lie.
        data_name: What published tables call the run's data, where its layout cannot tell.
        reading: What the user states of the images.
        validation: Share of every train set that is not fitted on and scored; 0 for none.
        images: The run's own data where it is open already, limited and degraded as it is to be; None where `data` is
            to be opened.
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
    backend: str = "auto"
    degrade_on: str = CPU
    timed: bool = True
    real: str = ""
    base_degradation: str = NONE
    max_unreadable: float = MAX_UNREADABLE
    max_pixels: int = MAX_PIXELS
    recipe_options: DetectorOptions = field(default_factory=dict)
    tensorboard: bool = False
    track: str = ""
    keep_fitted: bool = False
    executor: str = "processes"
    cluster: str = ""
    timeout: float | None = None
    weights_folder: Path = Path("weights")
    data_name: str = ""
    reading: Reading = AS_STATED
    validation: float = 0.0
    images: ImageSet | None = None

    def in_folder(self, out: Path) -> RunRequest:
        """The same with another result folder."""
        return replace(self, out=out)

    def with_cache(self, cache: Path) -> RunRequest:
        """The same with another cache folder."""
        return replace(self, cache=cache)

    def under(self, chains: Sequence[str]) -> list[RunRequest]:
        """One request per base degradation; those of several go into folders of their own below `out`."""
        if len(chains) == 1:
            return [replace(self, base_degradation=chains[0])]
        folders = [self.out / re.sub(r"[^\w.-]+", "-", chain) for chain in chains]
        return [replace(self, base_degradation=one, out=out) for one, out in zip(chains, folders, strict=True)]

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The data sets of the run, the first of which is its own."""
        parts = [part.strip() for part in self.data.split(",") if part.strip()]
        several = self.protocol.several_data_sets and not Path(self.data).exists()
        return tuple(dict.fromkeys(parts)) if several and parts else (self.data,)


def usual_folder(request: RunRequest, chains: Sequence[str]) -> Path:
    """Where a run goes that names no folder: one for each question, in the name all that is not as usual.

    Args:
        request: The request; its folder is not looked at.
        chains: Its base degradations.
    """
    protocol = request.protocol
    asked = {option.name: getattr(protocol, option.name) for option in fields(protocol) if option.init}
    usual = {option.name: default_of(option) for option in fields(protocol) if option.init}
    options: dict[str, Any] = {"limit": request.limit, "setting": request.setting, "base_degradation": tuple(chains)}
    options |= {"validation": request.validation, **asked}
    usual |= {"limit": None, "setting": AUTO, "base_degradation": (NONE,), "validation": 0.0}
    parts = [protocol.name, *(["+".join(map(_place_name, request.data_sets))] if request.data != EMBEDDED else [])]
    parts += [f"{name}={_option_text(value)}" for name, value in options.items() if value != usual[name]]
    text = "-".join(parts)
    name = plain_name(text)
    return RUNS / (name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{digest(text)[:8]}")


def _option_text(value: Any) -> str:  # noqa: ANN401 - whatever an option may be
    """A value as a command line has it, paths by their last part."""
    texts = str(command_line_text(value)).split(",")
    return ",".join(Path(text).name if Path(text).is_absolute() else text for text in texts)


def _place_name(data: str) -> str:
    """The last part of the path or URL of a data set."""
    place = layout_and_place(data)[1]
    if is_counts(data):
        return f"{COUNTS}-{Path(place).stem}"  # beside the results of the data itself
    path = PurePosixPath(place) if "://" in place else Path(place).resolve()
    return path.name if isinstance(path, Path) and path.is_dir() else path.stem
