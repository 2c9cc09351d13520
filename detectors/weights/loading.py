"""Reading weights and loading them into networks.

Nothing here runs code from a file or leaves a network partly loaded: weights that do not fit exactly are an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np

from detectors.api import State
from detectors.weight_file import HashedFile, WrongWeights

if TYPE_CHECKING:
    from torch import Tensor, nn

LISTED_NAMES = 4  # of each kind in an error
BATCH_COUNTER = "num_batches_tracked"  # of batch normalisation: no score depends on it and older files lack it


def read(weights: HashedFile, entry: str | None = None) -> dict[str, Tensor]:
    """Read all tensors of a file onto the CPU, by name.

    Args:
        weights: A `.safetensors` file, or a file of `torch.save` that holds tensors in plain containers.
        entry: The key under which a `torch.save` file nests its tensors, if it does; plain tensors are read too.

    Raises:
        WrongWeights: The file holds something else, or cannot be read without running code from it.
    """
    return _tensors(_read_plain(weights.path), entry, weights.path)


def read_tensor(weights: HashedFile) -> Tensor:
    """Read the one tensor of a file of `torch.save` onto the CPU. Raises `WrongWeights` for anything else."""
    import torch

    content = _read_plain(weights.path)
    if not isinstance(content, torch.Tensor):
        msg = f"{weights.path} holds a {type(content).__name__}, not one tensor: give the published file"
        raise WrongWeights(msg)
    return content


def strip_module_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors without the prefix `module.` that data-parallel training gives all names."""
    prefixed = all(name.startswith("module.") for name in tensors)
    return {name.removeprefix("module.") if prefixed else name: tensor for name, tensor in tensors.items()}


def load_strict(network: nn.Module, tensors: Mapping[str, Tensor], source: object) -> None:
    """Load every weight of a network, which may be on the meta device, from tensors of the same names and shapes.

    Args:
        network: Changed in place; keeps its own dtypes.
        tensors: All of its weights and nothing else; counters of batch normalisation may be absent.
        source: The origin of the tensors, for the message.

    Raises:
        WrongWeights: Names or shapes differ; the network is as it was.
    """
    import torch

    expected = network.state_dict()
    counters = {name: torch.zeros((), dtype=torch.long) for name in expected if name.endswith(BATCH_COUNTER)}
    complete = counters | dict(tensors)
    if mismatches := list(_mismatches(expected, complete)):
        msg = f"{source} does not fit {type(network).__name__}: {'; '.join(mismatches)}: give the file made for it"
        raise WrongWeights(msg)
    typed = {name: complete[name].to(expected[name].dtype) for name in expected}
    network.load_state_dict(typed, strict=True, assign=True)
    if any(tensor.is_meta for tensor in chain(network.parameters(), network.buffers())):
        msg = f"{type(network).__name__} has buffers that its files do not hold: do not build it on the meta device"
        raise WrongWeights(msg)


def to_state(network: nn.Module) -> State:
    """Every weight of a network as an array on the CPU, by name."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def load_state(network: nn.Module, state: State) -> None:
    """Load a network strictly from what `to_state` gave. Raises `WrongWeights` for anything else."""
    import torch

    load_strict(network, {name: torch.from_numpy(np.array(array)) for name, array in state.items()}, "the state")


def _read_plain(path: Path) -> object:
    """The content of a file, read without running code from it."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0]
        msg = f"{path} cannot be read as plain tensors ({reason}): give a .safetensors file or a state dict"
        raise WrongWeights(msg) from error


def _tensors(content: object, entry: str | None, path: Path) -> dict[str, Tensor]:
    """The tensors in the content of a file, by name."""
    import torch

    if isinstance(content, Mapping):
        inner = content.get(entry, content) if entry else content
        if isinstance(inner, Mapping) and inner and all(isinstance(value, torch.Tensor) for value in inner.values()):
            return {str(name): tensor for name, tensor in inner.items()}
    found = f"a {type(content).__name__}"
    if isinstance(content, Mapping):
        found += f" of {_joined(list(map(str, content)))}"
    expected = f"tensors, or tensors under {entry!r}" if entry else "tensors"
    msg = f"{path} holds {found}, not {expected}: give the published file"
    raise WrongWeights(msg)


def _mismatches(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    """How names and shapes differ, for an error."""
    if missing := sorted(expected.keys() - found.keys()):
        yield f"missing {_joined(missing)}"
    if unexpected := sorted(found.keys() - expected.keys()):
        yield f"unexpected {_joined(unexpected)}"
    common = sorted(expected.keys() & found.keys())
    if others := [name for name in common if found[name].shape != expected[name].shape]:
        yield _joined([f"{name} is {tuple(found[name].shape)}, not {tuple(expected[name].shape)}" for name in others])


def _joined(names: list[str]) -> str:
    rest = f" and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + rest
