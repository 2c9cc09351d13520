"""Loading tensors into networks: weights that do not fit exactly are an error, and no network is partly loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from detectors.api import State
from detectors.weight_file import WrongWeights
from detectors.weights.reading import listed

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCH_COUNTER = "num_batches_tracked"  # of batch normalisation: no score depends on it and older files lack it


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


def _mismatches(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Iterator[str]:
    """How names and shapes differ, for an error."""
    if missing := sorted(expected.keys() - found.keys()):
        yield f"missing {listed(missing)}"
    if unexpected := sorted(found.keys() - expected.keys()):
        yield f"unexpected {listed(unexpected)}"
    common = sorted(expected.keys() & found.keys())
    if others := [name for name in common if found[name].shape != expected[name].shape]:
        yield listed([f"{name} is {tuple(found[name].shape)}, not {tuple(expected[name].shape)}" for name in others])
