"""How a network computes: device, memory layout, precision, threads, and the same numbers every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Runtime
from detectors.preprocessing.augmentation import View


def on_device(network: nn.Module, runtime: Runtime) -> nn.Module:
    """A network on its device, in the memory layout that convolutions are fastest in."""
    return network.to(runtime.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def autocast(runtime: Runtime) -> AbstractContextManager[object]:
    """Mixed precision where it was asked for."""
    device = torch.device(runtime.device).type
    return torch.autocast(device, dtype=torch.bfloat16, enabled=runtime.precision == "bfloat16")


def deterministic() -> AbstractContextManager[object]:
    """Convolutions of an accelerator that give the same numbers every time, and no coarser ones than asked for."""
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    return cast("AbstractContextManager[object]", flags)


def logits(network: nn.Module, images: Sequence[Array], view: View, runtime: Runtime) -> Tensor:
    """Log odds of "generated", float32 (N,) on the device, of N images uint8 (H, W, 3) of one size.

    The softmax of two logits is the sigmoid of their difference, and cross-entropy over them is binary cross-entropy of
    it: a network of two outputs says in its attribute `generated_output` (1 if absent) which one is "generated".
    """
    pixels = torch.from_numpy(np.stack(images)).to(runtime.device).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(value, device=runtime.device).view(3, 1, 1) for value in (view.mean, view.std))
    outputs: Tensor = network((pixels.float() / 255 - mean) / std)
    if outputs.shape[1] == 1:
        return outputs[:, 0].float()
    generated = int(getattr(network, "generated_output", 1))
    return (outputs[:, generated] - outputs[:, 1 - generated]).float()


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let torch compute with this many threads for a while; None leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
