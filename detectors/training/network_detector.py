"""A detector that is one trained network; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Detector, Runtime, Sample, Scores, State
from detectors.augment import View
from detectors.weights import to_state

if TYPE_CHECKING:
    from detectors.training import Epoch

CHUNK = 1 << 18  # pixels that pass through at once on a CPU: their maps stay in its caches
MOST = 1 << 23  # pixels that pass through at once on an accelerator


class NetworkDetector(Detector):
    """A network of one output whose sigmoid is the score.

    Attributes:
        history: One row per epoch, as `detectors.training.Epoch` has them; none where the weights were read.
    """

    def __init__(self, network: nn.Module, view: View, runtime: Runtime, history: Sequence[Epoch] = ()) -> None:
        self.history = tuple(map(asdict, history))
        self._network = placed(network, runtime).eval()
        self._view = view
        self._runtime = runtime
        self.preparation = (type(self).prepare, view)

    def prepare(self, sample: Sample) -> Array:
        """The view that the network was made for, uint8 (side, side, 3)."""
        return self._view.test(sample.pixels)

    def score(self, batch: Sequence[Array]) -> Scores:
        """Score N prepared arrays."""
        size = max(1, (CHUNK if self._runtime.device == "cpu" else MOST) // batch[0][..., 0].size) if batch else 1
        chunks = [batch[start : start + size] for start in range(0, len(batch), size)]
        with torch.inference_mode(), repeatable(), precision(self._runtime):
            scores = [torch.sigmoid(logits(self._network, chunk, self._view, self._runtime)) for chunk in chunks]
        return np.concatenate([np.zeros(0, np.float32), *(score.cpu().numpy() for score in scores)])

    def state(self) -> State:
        """The network's weights."""
        return to_state(self._network)


def placed(network: nn.Module, runtime: Runtime) -> nn.Module:
    """A network on its device, in the memory layout that convolutions are fastest in."""
    return network.to(runtime.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def precision(runtime: Runtime) -> AbstractContextManager[object]:
    """Mixed precision where it was asked for."""
    device = torch.device(runtime.device).type
    return torch.autocast(device, dtype=torch.bfloat16, enabled=runtime.precision == "bfloat16")


def repeatable() -> AbstractContextManager[object]:
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
