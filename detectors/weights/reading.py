"""Reading the tensors of a file, one rule for all files, without running code from it.

Published checkpoints nest their tensors in different ways, prefix their names, and keep the state of their training
beside them. What is read here does not depend on the file's name but on its content.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from detectors.weight_file import HashedFile, WrongWeights
from detectors.weights.file_kinds import FileKind, kind_of
from detectors.weights.pickled_types import is_named, other_pickle

if TYPE_CHECKING:
    from torch import Tensor

# where checkpoints keep their tensors, beside the state of their training; of several the first is read, and an average
# of the weights over the training only where there are no others
WRAPPERS = ("model", "state_dict", "model_state_dict", "netC", "net", "ema")
# added to all names by data-parallel training, by torch.compile, and by classes that hold the network
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "resnet.")
LISTED_NAMES = 4  # of each kind in an error


def read(weights: HashedFile, expected: Collection[str] = ()) -> dict[str, Tensor]:
    """Read all tensors of a file onto the CPU, by name.

    Numbers so small that processors compute with them slowly (subnormal ones) become 0.

    Args:
        weights: A file of safetensors or of `torch.save`, whatever its suffix.
        expected: Names that the reader expects: a prefix that they have as well is kept.

    Raises:
        WrongWeights: The file holds something else, cannot be read without running code from it, or holds a number
            that is not finite in single precision.
    """
    content = _content(weights.path)
    tensors = _unwrapped(content)
    if tensors is None:
        raise WrongWeights(_no_tensors(weights.path, content))
    return {name: _checked(tensor, name, weights.path) for name, tensor in without_prefix(tensors, expected).items()}


def read_tensor(weights: HashedFile) -> Tensor:
    """Read the one tensor of a file of `torch.save` onto the CPU. Raises `WrongWeights` for anything else."""
    import torch

    content = _content(weights.path)
    if not isinstance(content, torch.Tensor):
        msg = f"{weights.path} holds a {type(content).__name__}, not one tensor: give the published file"
        raise WrongWeights(msg)
    return _checked(content, "it", weights.path)


def without_prefix(tensors: Mapping[str, Tensor], expected: Collection[str] = ()) -> dict[str, Tensor]:
    """Tensors without the prefixes of `PREFIXES` that all their names have and the expected names have not."""
    result = dict(tensors)
    while prefix := _common_prefix(result):
        if expected and all(name.startswith(prefix) for name in expected):
            break
        result = {name.removeprefix(prefix): tensor for name, tensor in result.items()}
    return result


def listed(names: Collection[str]) -> str:
    """The first names for a message, and the number of the others."""
    rest = f" and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else ""
    return ", ".join(list(names)[:LISTED_NAMES]) + rest


def _common_prefix(names: Collection[str]) -> str | None:
    return next((prefix for prefix in PREFIXES if names and all(name.startswith(prefix) for name in names)), None)


def _content(path: Path) -> object:
    """The content of a file, read without running code from it."""
    import torch
    from safetensors.torch import load_file

    kind = _kind(path)
    try:
        if kind == "safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_inert_types()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # what is damaged raises whatever it meets
        raise WrongWeights(_refused(path, error)) from error


def _kind(path: Path) -> FileKind:
    """The kind of a file. Raises `WrongWeights` for one of another kind."""
    try:
        return kind_of(path)
    except ValueError as error:
        msg = f"{path} is {error}"
        raise WrongWeights(msg) from error


def _inert_types() -> list[Any]:
    """Types that checkpoints hold beside their tensors and whose making runs no code of the file."""
    import argparse
    import pathlib

    import numpy as np
    from numpy._core.multiarray import _reconstruct, scalar

    dtypes = [type(np.dtype(code)) for code in np.typecodes["All"] if code != "O"]
    arrays = [np.ndarray, np.dtype, scalar, _reconstruct, *dtypes]
    # files of NumPy 1 name the same functions by their old module
    old_names = [(function, f"numpy.core.multiarray.{function.__name__}") for function in (scalar, _reconstruct)]
    # a path of another system becomes one without a file system
    paths = [pathlib.PurePosixPath, pathlib.PureWindowsPath]
    foreign_paths = [(pathlib.PurePosixPath, "pathlib.PosixPath"), (pathlib.PureWindowsPath, "pathlib.WindowsPath")]
    # a default dictionary is read as a plain one: torch fills no other, even where it is allowed
    dictionaries = [(_plain_dict, "collections.defaultdict"), dict, list, set, int, float, str]
    return [argparse.Namespace, *dictionaries, *paths, *foreign_paths, *arrays, *old_names]


def _plain_dict(factory: object = None) -> dict[Any, Any]:
    """An empty dictionary, whatever a missing key would have given."""
    del factory
    return {}


def _refused(path: Path, error: Exception) -> str:
    """The message for a file that cannot be read: damaged, or with the name of what its reading would make."""
    advice = "save the network's state_dict() alone, or as .safetensors, where you trust the file"
    named = re.search(r"GLOBAL (\S+)", str(error)) if isinstance(error, UnpicklingError) else None
    made = named[1] if named and is_named(path, named[1]) else other_pickle(path)
    if made is None:
        return f"{path} is damaged or cut: download it again"
    holds = f"an object of {made}, whose reading would run code" if made else "a pickle, and no file of torch.save"
    return f"{path} holds {holds}: {advice}"


def _unwrapped(content: object) -> dict[str, Tensor] | None:
    """The tensors in the content of a file, by name; None where there are none."""
    import torch

    if not isinstance(content, Mapping):
        return None
    for wrapper in WRAPPERS:
        inner = _unwrapped(content.get(wrapper))
        if inner:
            return inner
    tensors = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    return tensors or None


def _no_tensors(path: Path, content: object) -> str:
    found = f"a {type(content).__name__}"
    if isinstance(content, Mapping):
        found += f" of {listed([str(name) for name in content])}" if content else " of nothing"
    return f"{path} holds {found}, not tensors by name, alone or under {', '.join(WRAPPERS)}: give the published file"


def _checked(tensor: Tensor, name: str, path: Path) -> Tensor:
    """A tensor whose numbers are finite, without subnormal ones."""
    import torch

    if tensor.is_complex():
        msg = f"{path}: {name} holds complex numbers, as no network here does: give the published file"
        raise WrongWeights(msg)
    if not tensor.is_floating_point():
        return tensor
    values = tensor.float() if tensor.itemsize == 1 else tensor  # of eight bits, with which nothing can be computed
    if not _is_finite(values):
        msg = f"{path}: {name} holds a number that is not finite: a training diverged or the file is damaged"
        raise WrongWeights(msg)
    if values.dtype == torch.float64 and not _is_finite(values.float()):
        msg = f"{path}: {name} holds a number beyond single precision, in which networks here compute: scale it first"
        raise WrongWeights(msg)
    tiny = values.abs() < torch.finfo(torch.float32).tiny
    subnormal = bool(tiny.any()) and bool((tiny & (values != 0)).any())  # most have no number so small: one look
    return values.masked_fill(tiny, 0) if subnormal else values


def _is_finite(values: Tensor) -> bool:
    """Whether all numbers are finite: so they are where their sum is, which is had sooner; finite ones may overflow."""
    import torch

    return bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all())
