"""Device, memory layout, precision, threads and determinism of networks; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Runtime
from detectors.preprocessing.augmentation import ChannelValues, View


def on_device(network: nn.Module, runtime: Runtime) -> nn.Module:
    """Move a network to its device, in the memory layout in which convolutions are fastest."""
    return network.to(runtime.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def autocast(runtime: Runtime) -> AbstractContextManager[object]:
    """A context of mixed precision where the runtime asks for bfloat16."""
    device = torch.device(runtime.device).type
    return torch.autocast(device, dtype=torch.bfloat16, enabled=runtime.precision == "bfloat16")


def deterministic() -> AbstractContextManager[object]:
    """A context in which convolutions of an accelerator are deterministic and not rounded to TF32."""
    flags = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    return cast("AbstractContextManager[object]", flags)


def normalised(images: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """Images uint8 (N, H, W, 3) in [0, 1] less the mean, over the deviation of each channel: float32 (N, 3, H, W)."""
    means, deviations = (torch.tensor(value, device=images.device).view(3, 1, 1) for value in (mean, std))
    return (images.permute(0, 3, 1, 2).float() / 255 - means) / deviations


def token_statistics(blocks: Sequence[Tensor]) -> list[Tensor]:
    """Mean and deviation (N, D) over the tokens (N, L, D) of each transformer block, one block after the other."""
    return [statistic for tokens in blocks for statistic in (tokens.mean(1), tokens.std(1))]


def logits(network: nn.Module, images: Sequence[Array], view: View, runtime: Runtime) -> Tensor:
    """Log odds of "generated", float32 (N,) on the device, of N images uint8 (H, W, 3) of one size.

    The softmax of two logits is the sigmoid of their difference, and cross-entropy over them is binary cross-entropy of
    it: the attribute `generated_output` (1 if absent) of a network of two outputs is the index of "generated".
    """
    pixels = torch.from_numpy(np.stack(images)).to(runtime.device)
    outputs: Tensor = network(normalised(pixels, view.mean, view.std))
    if outputs.shape[1] == 1:
        return outputs[:, 0].float()
    generated = int(getattr(network, "generated_output", 1))
    return (outputs[:, generated] - outputs[:, 1 - generated]).float()


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """A context in which torch computes on this many CPU threads; None leaves their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
