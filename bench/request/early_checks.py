"""Checks of a request before anything heavy is imported: names, options and paths.

Everything is checked again where it is used. These checks report a mistyped word in a second and not in a minute.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from bench.cluster.address import parse_cluster
from bench.images.data_names import EMBEDDED, check_data, is_counts, layout_and_place
from bench.inference.backends import BACKENDS
from bench.platform.errors import InputError
from bench.platform.option_values import parse_options
from bench.platform.processes.executors import executor
from bench.request.defaults import ALL, DEGRADING_PLACES
from bench.request.run_request import DetectorOptions, RunRequest
from bench.request.setting import require_setting
from detectors import catalogue
from detectors.entries import Entry, WrongEntry, parse_entries, parse_entry
from detectors.types import NetworkPrecision
from detectors.weights.released import checkpoints_of
from protocols.api import options_naming
from protocols.attacks import UnknownAttack, canonical_attacks
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.profiles import WrongProfile, expanded

PRECISIONS: tuple[NetworkPrecision, ...] = get_args(NetworkPrecision)


def check_request(request: RunRequest) -> None:
    """Check the names, options and paths of a request. Raises `InputError` and `UnknownName`."""
    require_setting(request.setting)
    check_device(request.device, request.precision, request.backend)
    _check_degrading_place(request.degrade_on)
    check_options(request.recipe_options, entries_of(request))
    executor(request.executor)
    check_validation(request)
    for chains in options_naming(request.protocol, "degradations").values():
        chain_names(chains)
    for attacks in options_naming(request.protocol, "attacks").values():
        _check_attacks(attacks)
    for data in request.data_sets:
        check_data(data, request.real)
    for data in request.protocol.data_sets():
        check_data(data)
        _require_other(data, request.data_sets)
    _check_folder(request.out)
    if request.data_name:
        from bench.report.sections.reported import benchmark_name

        benchmark_name(request.data_name)
    _require_extras(request)


def _require_extras(request: RunRequest) -> None:
    """Raise `InputError` where a request asks for what an extra that is not installed brings."""
    if request.cluster:
        parse_cluster(request.cluster)  # Ray itself is needed by runs alone: a dry run asks what a cluster would bring
    if request.tensorboard:
        require_tensorboard()
    if request.track:
        require_mlflow()


def check_validation(request: RunRequest) -> None:
    """Raise `InputError` where a share of train sets is to be held out, and there are none, or no images to draw."""
    if request.validation and not request.protocol.trains:
        msg = f"--validation holds images out of trainings, and {request.protocol.name} trains nothing; leave it out"
        raise InputError(msg)
    if request.validation and any(map(is_counts, request.data_sets)):
        msg = "--validation holds whole sources out, and numbers of images have none; leave it out, or name the images"
        raise InputError(msg)


def _require_other(data: str, own: Sequence[str]) -> None:
    """Raise `InputError` where data that a protocol calls other data is that of the run, however its path is written.

    Of one place in two layouts it is not known here whether they read the same images.
    """
    if _place(data) in map(_place, own):
        msg = f"{data} is the data of the run itself; name other data with --to"
        raise InputError(msg)


def _place(data: str) -> tuple[str, str]:
    """The layout and the place of data, a local path resolved."""
    layout, place = layout_and_place(data)
    return layout, place if "://" in place or data == EMBEDDED else str(Path(place).resolve())


def base_chains(texts: Sequence[str]) -> list[str]:
    """The canonical names of some chains, each once. Raises `InputError` where there is none, or one is not known."""
    names = chain_names(texts)
    if not names:
        msg = "no base degradation was named; give none, canonical:jpeg96, or both, comma separated"
        raise InputError(msg)
    return names


def chain_names(texts: Sequence[str]) -> list[str]:
    """The canonical names of some chains or profiles, each once. Raises `InputError` where one is not known."""
    try:
        return list(dict.fromkeys(parse_degradation(chain).name for chain in expanded(texts)))
    except (UnknownDegradation, WrongProfile) as error:
        raise InputError(str(error)) from error


def _check_attacks(texts: Sequence[str]) -> None:
    """Raise `InputError` where one is not known."""
    try:
        canonical_attacks(texts)
    except UnknownAttack as error:
        raise InputError(str(error)) from error


def require_ray() -> None:
    """Raise `InputError` where Ray is not installed."""
    if find_spec("ray") is None:
        msg = "--cluster needs the package ray, which is not installed; run pip install 'lineup-bench[cluster]'"
        raise InputError(msg)


def require_tensorboard() -> None:
    """Raise `InputError` where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        msg = "--tensorboard needs the package tensorboard, which is not installed; run pip install tensorboard"
        raise InputError(msg)


def require_mlflow() -> None:
    """Raise `InputError` where no client of MLflow is installed."""
    if find_spec("mlflow") is None:
        msg = (
            "--track mlflow needs the package mlflow-skinny, which is not installed; "
            "run pip install 'lineup-bench[mlflow]' or pip install mlflow-skinny"
        )
        raise InputError(msg)


def check_device(device: str, precision: str, backend: str) -> None:
    """Raise `InputError` for a device, precision or backend of another name; whether it is there is not looked at."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        msg = f"device {device!r} is not known; choose auto, cpu, cuda or cuda:N"
        raise InputError(msg)
    if precision not in PRECISIONS:
        msg = f"precision {precision!r} is not known; choose {', '.join(PRECISIONS)}"
        raise InputError(msg)
    if backend not in BACKENDS:
        msg = f"backend {backend!r} is not known; choose {', '.join(BACKENDS)}"
        raise InputError(msg)


def _check_degrading_place(place: str) -> None:
    """Raise `InputError` for a place to degrade images of another name."""
    if place not in DEGRADING_PLACES:
        msg = f"--degrade-on {place} is not known; choose {' or '.join(DEGRADING_PLACES)}"
        raise InputError(msg)


def entries_of(request: RunRequest) -> tuple[Entry, ...]:
    """The rows that a request names, "all" spelled out.

    Where the protocol trains nothing, a detector stands for each of its released checkpoints.

    Raises:
        InputError: None is named, one is not installed, or a text names no row.
    """
    every = request.detectors == (ALL,)
    named = catalogue.names() if every else request.detectors
    check_detectors(named)
    if request.protocol.trains:
        return _parsed(named)
    rows = {text: _with_checkpoints(text) for text in named}
    if without := [text for text, found in rows.items() if not found and not every]:
        msg = (
            f"no released checkpoint of {', '.join(without)} is known; write DETECTOR@PATH, or see "
            "`lineup weights list`"
        )
        raise InputError(msg)
    return _parsed([text for found in rows.values() for text in found])


def _with_checkpoints(text: str) -> list[str]:
    """The rows of a detector's released checkpoints; a text that names a checkpoint stands for itself."""
    detector = parse_entry(text).detector
    return [text] if "@" in text else [f"{text}@{known.name}" for known in checkpoints_of(detector)]


def _parsed(texts: Sequence[str]) -> tuple[Entry, ...]:
    try:
        return parse_entries(texts)
    except WrongEntry as error:
        raise InputError(str(error)) from error


def check_detectors(texts: Sequence[str]) -> None:
    """Raise `InputError` unless at least one row is named, and the detector of each is installed."""
    installed = catalogue.names()
    if not texts:
        msg = f"no detector was named; give some of {', '.join(installed)}, or all"
        raise InputError(msg)
    for entry in _parsed(texts):
        if entry.detector not in installed:
            raise InputError(catalogue.unknown_name_message("detector", entry.detector, installed))


def check_options(options: DetectorOptions, entries: Sequence[Entry]) -> None:
    """Raise `InputError` where options are given to no detector of the run, or are none that it has."""
    names: Collection[str] = dict.fromkeys(entry.detector for entry in entries)
    for name in options:
        if name not in names:
            msg = f"options are given for {name!r}, which is not among the detectors of the run: {', '.join(names)}"
            raise InputError(msg)
    for entry in entries:
        kind = type(catalogue.recipe(entry.detector))
        parse_options(kind, {**options.get(entry.detector, {}), **entry.options}, entry.detector)


def _check_folder(folder: Path) -> None:
    """Raise `InputError` where a result folder lies below a file or below a folder that cannot be written."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        reason = "Permission denied" if existing.is_dir() else "Not a directory"
        msg = f"OUT {folder} cannot be written ({reason}); choose another folder"
        raise InputError(msg)
