"""Checks of a request before anything heavy is imported: names, options and paths.

Everything is checked again where it is used. These checks report a mistyped word in a second and not in a minute.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from bench.images.data_names import check_data
from bench.platform.errors import InputError
from bench.platform.executors import executor
from bench.platform.option_values import parse_options
from bench.request.run_request import DetectorOptions, RunRequest
from bench.request.setting import require_setting
from detectors import catalogue

ALL = "all"
PRECISIONS = ("float32", "bfloat16")


def check_request(request: RunRequest) -> None:
    """Check the names, options and paths of a request. Raises `InputError` and `UnknownName`."""
    require_setting(request.setting)
    check_device(request.device, request.precision)
    check_detectors(request.detectors)
    check_options(request.recipe_options, request.detectors)
    executor(request.executor)
    check_data(request.data, request.real)
    _check_folder(request.out)
    if request.tensorboard:
        require_tensorboard()


def require_tensorboard() -> None:
    """Raise `InputError` where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        msg = "--tensorboard needs the package tensorboard, which is not installed; run pip install tensorboard"
        raise InputError(msg)


def check_device(device: str, precision: str) -> None:
    """Raise `InputError` for a device or precision of another name; whether the device is there is not looked at."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        msg = f"device {device!r} is not known; choose auto, cpu, cuda or cuda:N"
        raise InputError(msg)
    if precision not in PRECISIONS:
        msg = f"precision {precision!r} is not known; choose {', '.join(PRECISIONS)}"
        raise InputError(msg)


def all_names(detectors: tuple[str, ...]) -> tuple[str, ...]:
    """The names of detectors, "all" spelled out."""
    return tuple(catalogue.names()) if detectors == (ALL,) else detectors


def check_detectors(detectors: tuple[str, ...]) -> None:
    """Raise `InputError` unless at least one detector is named, and each is installed."""
    installed = catalogue.names()
    if not detectors:
        msg = f"no detector was named; give some of {', '.join(installed)}, or all"
        raise InputError(msg)
    for name in all_names(detectors):
        if name not in installed:
            raise InputError(catalogue.unknown_name_message("detector", name, installed))


def check_options(options: DetectorOptions, detectors: tuple[str, ...]) -> None:
    """Raise `InputError` where options are given to no detector of the run, or are none that it has."""
    names: Collection[str] = all_names(detectors)
    for name, values in options.items():
        if name not in names:
            msg = f"options are given for {name!r}, which is not among the detectors of the run: {', '.join(names)}"
            raise InputError(msg)
        parse_options(type(catalogue.recipe(name)), values, name)


def _check_folder(folder: Path) -> None:
    """Raise `InputError` where a result folder lies below a file or below a folder that cannot be written."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        reason = "Permission denied" if existing.is_dir() else "Not a directory"
        msg = f"OUT {folder} cannot be written ({reason}); choose another folder"
        raise InputError(msg)
