"""Runs of a protocol: planned, executed, resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from bench.images.data_names import EMBEDDED
from bench.interface.answers import CheckedQuestion, answer, check_question, rehearsals
from bench.interface.data import DataSet, limited, open_data
from bench.interface.questions import Row, RunQuestion, row_text
from bench.interface.surroundings import (
    CORES,
    going_on_when_interrupted,
    one_kind_of_error,
    reporter,
    result_folder,
)
from bench.platform.errors import InputError
from bench.request import protocol_catalogue
from bench.request.defaults import BATCH_SIZE, CPU
from bench.request.setting import AUTO
from protocols.api import NONE

if TYPE_CHECKING:
    from bench.interface.finished import FinishedRun
    from bench.rehearsal.rehearsal import Rehearsal

Asked = ParamSpec("Asked")
Given = TypeVar("Given")
MOST_VALIDATION = 0.9  # of a train set


def run(  # noqa: PLR0913 - one parameter per option
    protocol: str | Path = "cross_generator",
    *,
    data: DataSet | str | Path | Sequence[str | Path] = EMBEDDED,
    detectors: Sequence[Row] | str | None = None,
    detector_options: Mapping[str, Mapping[str, Any]] | None = None,
    baselines: bool = True,
    seeds: Sequence[int] | int = (0,),
    protocol_options: Mapping[str, Any] | None = None,
    setting: str = AUTO,
    limit: int | None = None,
    validation: float = 0.0,
    base_degradation: str = NONE,
    device: str = "auto",
    precision: str = "float32",
    backend: str = "auto",
    degrade_on: str = CPU,
    batch_size: int = BATCH_SIZE,
    workers: int = CORES,
    cluster: str = "",
    timeout: float | None = None,
    weights_dir: str | Path | None = None,
    out: str | Path | None = None,
    replace: bool = False,
    keep_fitted: bool = False,
    progress: bool = True,
) -> FinishedRun:
    """Answer a protocol: every detector, train set, test set and degradation; the same as `lineup run`.

    What the result folder has is not computed again: after an interruption, such as the stop button of a notebook, the
    same call goes on, and with further detectors or seeds it adds them. A cell that fails raises nothing: it stands in
    `failed` of what is returned.

    Everything runs in this process, but for trainings that run several at a time. A detector that raises, exits or
    changes what the process shares, such as the working folder, costs its own cells alone. One that crashes the
    interpreter, or is stuck where nothing can interrupt it until `timeout` ends the process, takes this process with
    it, which the command, that works in a process of its own, notices and names: what is recorded is kept, and the same
    call goes on. What detectors print goes to the stream of errors while the call lasts. An interruption reaches the
    main thread: a call in another one goes on. The command makes the C library keep freed memory and threads wait in a
    way that suits it, which is faster and gives the same scores; in a program these are the program's own:
    `MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_` and `GOMP_SPINCOUNT`, set before Python starts, do the same. One
    variable is set where it is not: ORT_DISABLE_TELEMETRY, so that onnxruntime tells nobody of its use.

    Args:
        protocol: As `protocols` lists it, or the path of a file of one.
        data: A `DataSet`, or what `open_data` takes for its place.
        detectors: Rows of the board: names, DETECTOR@CHECKPOINT, or pairs of either with a dict of options; "all" for
            all that are installed; None for the usual ones of the protocol. A row is called as it is written on the
            command line, such as "hog_svm:cells=8" for ("hog_svm", {"cells": 8}).
        detector_options: Options of any kind, by detector, for rows that have its name.
        baselines: Whether what shortcuts alone reach is added to detectors that are trained.
        seeds: Of the trainings; a number for so many, from 0 on, as `--seeds` has it.
        protocol_options: Options of the protocol, by name.
        setting: "paper", "small", or "auto": paper for real data on a GPU.
        limit: Images of each generator, split, class and copy, at most; None for that of the data.
        validation: Share of every train set that is not fitted on and scored, in [0, 0.9].
        base_degradation: All images go through it first, for training and testing.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "float32", "tf32" or "bfloat16".
        backend: What computes networks: "auto", "torch", "onnxruntime", "openvino" or "inductor".
        degrade_on: What degrades images: "cpu", or "device": torch, on the device, as far as it can.
        batch_size: Images per batch on the device.
        workers: CPU threads that read, decode and prepare.
        cluster: Where all work is done: "auto", "ray://HOST:PORT" or "local:N"; empty for this machine.
        timeout: Seconds that a detector may take for one batch; None for any time.
        weights_dir: Folder of released checkpoints; None for LINEUP_WEIGHTS, or weights in the cache folder.
        out: Result folder, or the URL of one on a store; None for results/runs/PROTOCOL with the data and what is
            unusual.
        replace: Whether another run that the folder holds is written over.
        keep_fitted: Whether fitted detectors are kept as files, for `FinishedRun.detector` and `load_detector`.
        progress: Whether progress is shown: bars on a terminal and in a notebook, quiet lines elsewhere.

    Returns:
        The finished run.

    Raises:
        InputError: Something that was given cannot be used; nothing is computed then.
        KeyboardInterrupt: The call was interrupted; what was finished is kept.
    """
    from bench.interface.finished import open_run

    shown = reporter(progress=progress)
    with one_kind_of_error(), going_on_when_interrupted():
        checked = _checked(
            protocol=protocol,
            data=data,
            detectors=detectors,
            detector_options=detector_options,
            baselines=baselines,
            seeds=seeds,
            protocol_options=protocol_options,
            setting=setting,
            limit=limit,
            validation=validation,
            base_degradation=base_degradation,
            device=device,
            precision=precision,
            backend=backend,
            degrade_on=degrade_on,
            batch_size=batch_size,
            workers=workers,
            cluster=cluster,
            timeout=timeout,
            weights_dir=weights_dir,
            out=out,
            replace=replace,
            keep_fitted=keep_fitted,
        )
        answer(checked, shown, f"lineup_bench.run({str(protocol)!r}, ...)")
    return open_run(checked.out)


@dataclass(frozen=True, eq=False)
class RunPlan:
    """What a run would do and cost; shown in words. `plan` gives one.

    Attributes:
        folder: The result folder that it would write.
    """

    folder: Path
    _checked: CheckedQuestion
    _rehearsal: Rehearsal

    @property
    def amounts(self) -> dict[str, int]:
        """What would be done: the numbers of cells and fits, and of images to decode, to degrade and to embed."""
        work = self._rehearsal.work
        return {
            "cells": work.cells,
            "fits": work.fits,
            "decode": sum(one.images for one in work.decoded.values()),
            "degrade": sum(one.images for one in work.degraded.values()),
            "embed": sum(one.images for one in work.embedders.values()),
        }

    @property
    def seconds(self) -> tuple[float, float] | None:
        """Time by the clock, at least and at most, of all that was measured; None where nothing was."""
        found = self._rehearsal.cost
        workers = self._rehearsal.workers
        return None if found is None else (found.total.elapsed(workers), found.total.longest(workers))

    def measure(self, *, progress: bool = True) -> RunPlan:
        """Time a few images of each work on this machine, which takes about a minute, and give the plan with the time.

        Args:
            progress: Whether progress is shown.

        Raises:
            InputError: As `plan`.
        """
        return _planned(self._checked, progress=progress, measure=True)

    def __repr__(self) -> str:
        return "\n".join(line.replace("add --measure", "call .measure()") for line in self._rehearsal.lines)


def _parameters_of(
    model: Callable[Asked, object],
) -> Callable[[Callable[..., Given]], Callable[Asked, Given]]:
    """Give a function the parameters of another one, for readers and for type checkers."""

    def give(function: Callable[..., Given]) -> Callable[Asked, Given]:
        own = signature(model).replace(return_annotation=signature(function).return_annotation)
        function.__signature__ = own  # type: ignore[attr-defined]
        return function

    return give


@_parameters_of(run)
def plan(*given: Any, **options: Any) -> RunPlan:  # noqa: ANN401 - as `run` has them
    """What `run` would do if it were called so, and what that would cost; nothing of it is done.

    Files that were never inspected are told apart by their names alone.

    Args:
        *given: As `run`.
        **options: As `run`.

    Raises:
        InputError: `run` would refuse.
    """
    asked = signature(run).bind(*given, **options)
    asked.apply_defaults()
    progress = asked.arguments.pop("progress")
    with one_kind_of_error():
        return _planned(_checked(**asked.arguments), progress=progress)


def _planned(checked: CheckedQuestion, *, progress: bool, measure: bool = False) -> RunPlan:
    with one_kind_of_error(), going_on_when_interrupted():
        ((_, found),) = rehearsals(checked, reporter(progress=progress), measure=measure)
    return RunPlan(checked.out, checked, found)


def _checked(
    protocol: str | Path,
    data: DataSet | str | Path | Sequence[str | Path],
    detectors: Sequence[Row] | str | None,
    seeds: Sequence[int] | int,
    **options: Any,  # noqa: ANN401 - the others of `run`
) -> CheckedQuestion:
    """The question that these values ask, its names and values looked up. Raises `InputError` and `UnknownName`."""
    from bench.request.settings_file import with_absolute_options

    name, weights, place = str(protocol), options.pop("weights_dir"), options.pop("out")
    chosen = with_absolute_options(
        protocol_catalogue.protocol_class(name), options.pop("protocol_options") or {}, Path()
    )
    question = RunQuestion(
        protocol_catalogue.make_protocol(name, chosen),
        name,
        limited(data if isinstance(data, DataSet) else open_data(data), options.pop("limit")),
        None if detectors is None else _rows([detectors] if isinstance(detectors, str) else detectors),
        options.pop("detector_options") or {},
        seeds=_seeds(seeds),
        base_degradations=(options.pop("base_degradation"),),
        weights_folder=None if weights is None else Path(weights).expanduser(),
        out=None if place is None else result_folder(str(place)).expanduser(),
        **options,
    )
    _require_in_range(question)
    return check_question(question)


def _rows(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(row_text, rows)))


def _seeds(given: Sequence[Any] | int) -> tuple[int, ...]:
    """Seeds, each once. Raises `InputError` for what is none."""
    seeds = range(given) if isinstance(given, int) else given
    if not seeds or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        msg = f"seeds {given!r} are no whole numbers from 0; give some, as (0, 1, 2), or how many, from 1"
        raise InputError(msg)
    return tuple(dict.fromkeys(seeds))


def _require_in_range(question: RunQuestion) -> None:
    """Raise `InputError` for a number that the command line would refuse."""
    least = {"batch_size": 1, "workers": 1, "timeout": 0.1, "validation": 0.0}
    for name, smallest in least.items():
        value = getattr(question, name)
        if value is not None and value < smallest:
            msg = f"{name} {value} is too small; give {smallest} or more"
            raise InputError(msg)
    if question.validation > MOST_VALIDATION:
        msg = f"validation {question.validation} is too large; give a share up to {MOST_VALIDATION}"
        raise InputError(msg)
