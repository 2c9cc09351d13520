"""What one run asks, with every option as a value of Python, and the settings file that asks the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.interface.data import DataSet
from bench.interface.surroundings import CORES, cache_folder, weights_folder
from bench.platform.errors import InputError
from bench.records.settings import SettingsFile
from bench.request.defaults import ALL, BASELINES, BATCH_SIZE, CPU, DETECTORS
from bench.request.protocol_catalogue import command_line_text, option_values
from bench.request.run_request import DetectorOptions, RunRequest
from bench.request.setting import AUTO
from bench.storage.working_copy import store_of
from protocols.api import NONE, EvaluationProtocol

if TYPE_CHECKING:
    from bench.images.reading import Reading

Row = str | tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class RunQuestion:
    """One run as it is asked for; only names and values are known of it.

    Attributes:
        protocol: With its options.
        protocol_name: As it was named: an installed one, or the path of a file.
        data: The data.
        detectors: Rows as `detectors.entries` has them, or "all" alone; None for the usual ones of the protocol.
        recipe_options: Options of detectors, by detector.
        baselines: Whether what shortcuts alone reach is added to detectors that are trained.
        setting: "paper", "small" or "auto".
        seeds: Of the trainings.
        validation: Share of every train set that is not fitted on and scored; 0 for none.
        base_degradations: What all images go through first; a run for each of several.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "float32", "tf32" or "bfloat16".
        backend: What computes networks, as `bench.inference.backends.BACKENDS`.
        degrade_on: What degrades images, as `bench.request.defaults.DEGRADING_PLACES`.
        batch_size: Images per batch on the device.
        workers: CPU threads that read, decode and prepare.
        executor: Where trainings are computed, many at a time.
        cluster: Where all work is done: "auto", "ray://HOST:PORT" or "local:N"; empty for this machine.
        timeout: Seconds that a detector may take for one batch; None for any time.
        weights_folder: Where files of released checkpoints lie; None for where they usually do.
        out: Result folder; None for one of the question's own.
        replace: Whether another run that it holds is written over.
        keep_fitted: Whether fitted detectors are kept as files.
        tensorboard: Whether curves of trainings are written.
        track: Address of the tracking server of MLflow that is told of the run; empty for none.
    """

    protocol: EvaluationProtocol
    protocol_name: str
    data: DataSet
    detectors: tuple[str, ...] | None = None
    recipe_options: DetectorOptions = field(default_factory=dict)
    baselines: bool = True
    setting: str = AUTO
    seeds: tuple[int, ...] = (0,)
    validation: float = 0.0
    base_degradations: tuple[str, ...] = (NONE,)
    device: str = "auto"
    precision: str = "float32"
    backend: str = "auto"
    degrade_on: str = CPU
    batch_size: int = BATCH_SIZE
    workers: int = CORES
    executor: str = "processes"
    cluster: str = ""
    timeout: float | None = None
    weights_folder: Path | None = None
    out: Path | None = None
    replace: bool = False
    keep_fitted: bool = False
    tensorboard: bool = False
    track: str = ""

    @property
    def named_detectors(self) -> tuple[str, ...]:
        """The rows that were named, or the usual ones of the protocol."""
        if self.detectors is not None:
            return self.detectors
        usual = DETECTORS if self.protocol.trains else ALL
        return tuple(self.protocol.usual_detectors) or tuple(usual.split(","))

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows of the board: those that were named, then baselines."""
        named = self.named_detectors
        alone = not self.baselines or not self.protocol.trains or bool(self.protocol.usual_detectors)
        return named if alone or not named or named == (ALL,) else tuple(dict.fromkeys((*named, *BASELINES.split(","))))

    def request(self) -> RunRequest:
        """The same for whoever plans it; its folder and its base degradation are still to be found."""
        return RunRequest(
            protocol=self.protocol,
            data=self.data.place,
            detectors=self.rows,
            setting=self.setting,
            device=self.device,
            precision=self.precision,
            out=self.out or Path(),
            limit=self.data.limit,
            seeds=self.seeds,
            batch_size=self.batch_size,
            workers=self.workers,
            cache=cache_folder(),
            backend=self.backend,
            degrade_on=self.degrade_on,
            real=self.data.real,
            max_unreadable=self.data.max_unreadable,
            max_pixels=self.data.max_pixels,
            recipe_options=self.recipe_options,
            tensorboard=self.tensorboard,
            track=self.track,
            keep_fitted=self.keep_fitted,
            executor=self.executor,
            cluster=self.cluster,
            timeout=self.timeout,
            weights_folder=weights_folder(self.weights_folder),
            data_name=self.data.name,
            reading=self.data.reading,
            validation=self.validation,
        )


def settings_of(question: RunQuestion, out: Path, chains: Sequence[str]) -> SettingsFile:
    """The settings with which `lineup run` asks the same again, from any folder.

    Args:
        question: The question.
        out: Its result folder.
        chains: The names of its base degradations: a profile may change later.
    """
    from bench.request.settings_file import with_absolute_paths

    data = question.data
    own = {
        "protocol": question.protocol_name,
        "detectors": ",".join(question.named_detectors),
        "seed": ",".join(map(str, question.seeds)),
        "data": data.place,
        "data_name": data.name,
        "real": data.real,
        "limit": data.limit,
        "max_unreadable": data.max_unreadable,
        "max_pixels": str(data.max_pixels),
        "base_degradation": ",".join(chains),
        "weights_dir": question.weights_folder,
        "out": store_of(out) or out,
        "track": f"mlflow:{question.track}" if question.track else "",
        **_stated(data.reading),
        **{name: getattr(question, name) for name in AS_ASKED},
    }
    values = dict(sorted((own | option_values(question.protocol)).items()))
    return with_absolute_paths(SettingsFile(values, question.recipe_options), Path())


AS_ASKED = (
    *("baselines", "setting", "validation", "device", "precision", "backend", "batch_size", "workers", "executor"),
    *("degrade_on", "cluster", "timeout", "keep_fitted", "tensorboard"),
)  # options of `lineup run` that a question has under the same names


def _stated(reading: Reading) -> dict[str, Any]:
    """What is stated of data, as options."""
    return {
        "classes": ",".join(f"{name}={meaning}" for name, meaning in reading.classes.items()),
        "columns": ",".join(f"{role}={column}" for role, column in reading.columns.items()),
        "levels": ",".join(reading.levels),
        "group": reading.group,
        "follow": reading.follow_links,
    }


def row_text(row: Row) -> str:
    """A row as boards call it: of a detector or DETECTOR@CHECKPOINT with options, DETECTOR:option=value@CHECKPOINT.

    Raises:
        InputError: A value cannot be written so.
    """
    if isinstance(row, str):
        return row.strip()
    if not _is_pair(row):
        msg = f"{row!r} names no detector; give DETECTOR, DETECTOR@CHECKPOINT, or a pair of that and a dict of options"
        raise InputError(msg)
    name, options = row
    detector, at, checkpoint = name.partition("@")
    for option, value in options.items():
        text = command_line_text(value)
        if text is None or not text or set(text) & set(":@,"):
            msg = (
                f"{detector}: the option {option} cannot be {value!r} in the name of a row; give it as detector_options"
            )
            raise InputError(msg)
        detector += f":{option}={text}"
    return f"{detector}{at}{checkpoint}"


def _is_pair(row: object) -> bool:
    """Whether a row is a name with options."""
    return isinstance(row, tuple) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], Mapping)
