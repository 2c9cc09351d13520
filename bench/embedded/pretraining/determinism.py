"""What makes a training repeatable, and how its result is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save_file
from torch import nn

Made = TypeVar("Made")
Progress = Callable[[str, int, int], None]  # what is being made, steps done, steps in all


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with a fixed number of threads: sums depend on it in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def seeded(seed: int, make: Callable[[], Made]) -> Made:
    """Call `make` with torch's global generator seeded, and put that generator back as it was.

    Layers of torch draw their first weights from the global generator and take no other.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def save(network: nn.Module, path: Path) -> None:
    """Write the weights of a network in half precision."""
    save_file({key: value.half().contiguous() for key, value in network.state_dict().items()}, path)
