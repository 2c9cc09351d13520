"""Training a lossless coder and measuring its coding cost; import this module inside functions only."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Runtime, TrainSet
from detectors.architectures.lossless_coder import cost, entropy
from detectors.architectures.support.forward_pass import on_device
from detectors.architectures.support.torch_contexts import autocast, deterministic, torch_threads
from detectors.training.checkpoint import TrainingCheckpoint
from detectors.training.loader import BatchLoader
from detectors.zero_shot.coder_plan import CoderPlan, NativeSquareView
from detectors.zero_shot.gap_threshold import Gaps

GRADIENT_NORM = 0.5  # at most, as published
WARM_UP = 0.15  # share of the steps in which the rate rises
CPU_CHUNK = 1 << 17  # pixels per forward pass on a CPU
GPU_CHUNK = 1 << 20  # pixels per forward pass on an accelerator

EpochRow = dict[str, float]


def train(
    network: nn.Module, images: TrainSet, view: NativeSquareView, plan: CoderPlan, seed: int, runtime: Runtime
) -> list[EpochRow]:
    """Train a coder in place to spend few bits; it ends in evaluation mode on its device.

    Args:
        network: A `Coder`.
        images: The images to learn from.
        view: How they are cut.
        plan: Batch, epochs and rate.
        seed: Draws order, places and mirroring; the network draws nothing.
        runtime: Where and how precisely; with a folder, an interrupted training resumes from its last saved epoch.

    Returns:
        One row per epoch: rate and bits per coded value, the mean of all levels.

    Raises:
        FloatingPointError: The loss is no longer finite.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool, torch_threads(plan.threads), deterministic():
        loader = BatchLoader(images, view, plan.batch, seed, pool)
        return _CoderTraining(on_device(network, runtime), loader, plan, runtime).run(range(len(images)))


class _CoderTraining:
    """One training of a coder: its network and optimiser, and the epochs so far."""

    def __init__(self, network: nn.Module, loader: BatchLoader, plan: CoderPlan, runtime: Runtime) -> None:
        self._network = network.train()
        self._loader = loader
        self._plan = plan
        self._runtime = runtime
        self._optimiser = torch.optim.Adam(network.parameters(), lr=plan.rate)
        self._history: list[EpochRow] = []

    def run(self, indices: Sequence[int]) -> list[EpochRow]:
        """Train for all epochs of the plan."""
        checkpoint = TrainingCheckpoint(self._runtime.checkpoint_folder)
        self._resume(checkpoint.read())
        for number in range(len(self._history), self._plan.epochs):
            self._history.append(self._epoch(indices, number))
            if self._runtime.on_epoch is not None:
                self._runtime.on_epoch(number, self._history[-1])
            checkpoint.write_when_due(self._state)
        checkpoint.remove()
        self._network.eval().requires_grad_(requires_grad=False)
        return self._history

    def _epoch(self, indices: Sequence[int], number: int) -> EpochRow:
        epochs = self._plan.epochs
        steps = epochs * math.ceil(len(indices) / self._plan.batch)
        costs = []
        for step, (batch, _) in enumerate(self._loader.training(indices, number), number * steps // epochs):
            self._set_rate(self._plan.rate * rate_share(step / steps))
            costs.append(self._step(batch))
        return {"rate": self._optimiser.param_groups[0]["lr"], "train_bits": _mean(costs, number)}

    def _step(self, batch: Sequence[Array]) -> Tensor:
        """Mean bits per coded value of a batch, before the optimiser's step."""
        side = min(image.shape[0] for image in batch)  # images smaller than a crop give smaller squares
        pixels = _to_tensor([image[:side, :side] for image in batch], self._runtime)
        with autocast(self._runtime):
            loss = bits(self._network, pixels).mean()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), GRADIENT_NORM)
        self._optimiser.step()
        return loss.detach()

    def _set_rate(self, rate: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = rate

    def _state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on."""
        return {
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "history": self._history,
        }

    def _resume(self, state: dict[str, Any]) -> None:
        """Continue from a saved state; an empty one leaves the training at its start."""
        if not state:
            return
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._history = state["history"]


def coding_gaps(network: nn.Module, images: Sequence[Array], runtime: Runtime) -> Gaps:
    """D(l): bits spent less bits expected, per coded value, float64 (N, levels).

    It is computed in float32 at either precision: images differ by hundredths of a bit.

    Args:
        network: A `Coder` on its device.
        images: N arrays uint8 (s, s, 3), sides s multiples of 8 that may differ.
        runtime: Where.
    """
    pixels = CPU_CHUNK if runtime.device == "cpu" else GPU_CHUNK
    gaps = np.zeros((len(images), len(network.get_submodule("levels"))))  # type: ignore[arg-type]
    sides = np.array([image.shape[0] for image in images], dtype=np.int64)
    with torch.inference_mode(), deterministic():
        for side in np.unique(sides):
            rows = np.flatnonzero(sides == side)
            size = max(1, pixels // int(side) ** 2)
            for chunk in (rows[start : start + size] for start in range(0, len(rows), size)):
                levels = network(_to_tensor([images[row] for row in chunk], runtime))
                means = [(cost(*level) - entropy(level[0])).double().mean((1, 2, 3, 4)) for level in levels]
                gaps[chunk] = torch.stack(means, 1).cpu().numpy()
    return gaps


def rate_share(progress: float) -> float:
    """The learning rate as a share of the highest, at a share of the steps: linear up, half a cosine down."""
    if progress < WARM_UP:
        return (progress + 0.01) / (WARM_UP + 0.01)
    return (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def bits(network: nn.Module, pixels: Tensor) -> Tensor:
    """Bits per coded value, by level and image: float32 (levels, N)."""
    return torch.stack([cost(*level).mean((1, 2, 3, 4)) for level in network(pixels)])


def _to_tensor(images: Sequence[Array], runtime: Runtime) -> Tensor:
    return torch.from_numpy(np.stack(images)).to(runtime.device).permute(0, 3, 1, 2).float()


def _mean(costs: Sequence[Tensor], number: int) -> float:
    mean = float(torch.stack(list(costs)).mean())
    if not math.isfinite(mean):
        msg = f"training diverged: epoch {number} spends {mean} bits per value: lower the learning rate"
        raise FloatingPointError(msg)
    return mean
