"""Training a lossless coder and reading what it spends; import this module inside functions only."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from detectors.api import Array, Runtime, TrainSet
from detectors.architectures.compute import autocast, deterministic, on_device, torch_threads
from detectors.architectures.lossless_coder import cost, entropy
from detectors.training.checkpoint import TrainingCheckpoint
from detectors.training.loader import BatchLoader
from detectors.training.loop import SAVE_AFTER
from detectors.zero_shot.coder_plan import CoderPlan, NativeSquareView
from detectors.zero_shot.gap_threshold import Numbers

CLIP = 0.5  # norm of the gradient, as published
WARM = 0.15  # share of the steps in which the rate rises
CHUNK = 1 << 17  # pixels that pass through at once on a CPU
MOST = 1 << 20  # pixels that pass through at once on an accelerator

EpochRow = dict[str, float]


def train(  # noqa: PLR0913, PLR0917 - what, on what, which of it, shown how, trained how, drawn how, and where
    network: nn.Module,
    images: TrainSet,
    indices: Sequence[int],
    view: NativeSquareView,
    course: CoderPlan,
    seed: int,
    runtime: Runtime,
) -> list[EpochRow]:
    """Train a coder in place by the bits that it spends; it ends in evaluation mode on its device.

    Args:
        network: A `Coder`.
        images: The train set; what is not named in `indices` is never opened.
        indices: The images to learn from.
        view: How they are cut.
        course: Batch, epochs and rate.
        seed: Draws order, places and sides; the network draws nothing.
        runtime: Where and how precisely; with a folder, a killed training goes on from its last saved epoch.

    Returns:
        One row per epoch: rate and bits per coded value, the mean of all levels.

    Raises:
        FloatingPointError: The loss is no longer finite.
    """
    on_device(network, runtime).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=course.rate)
    steps = course.epochs * math.ceil(len(indices) / course.batch)
    history, saved, last = _begun(network, optimiser, runtime), TrainingCheckpoint.at(runtime.folder), time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool, torch_threads(course.threads), deterministic():
        shown = BatchLoader(images, view, course.batch, seed, pool)
        for number in range(len(history), course.epochs):
            spent = []
            for step, (batch, _) in enumerate(shown.training(indices, number), number * steps // course.epochs):
                _set_rate(optimiser, course.rate * cycle(step / steps))
                spent.append(_step(network, optimiser, batch, runtime))
            history.append({"rate": optimiser.param_groups[0]["lr"], "train_bits": _mean(spent, number)})
            if runtime.watch is not None:
                runtime.watch(number, history[-1])
            if time.monotonic() - last > SAVE_AFTER:
                saved.write(_state(network, optimiser, history))
                last = time.monotonic()
    saved.remove()
    network.eval().requires_grad_(requires_grad=False)
    return history


def gaps(network: nn.Module, images: Sequence[Array], runtime: Runtime) -> Numbers:
    """D(l): bits spent less bits expected, per coded value, float64 (N, levels).

    It is computed in float32 at either precision: what tells images apart are hundredths of a bit.

    Args:
        network: A `Coder` on its device.
        images: N arrays uint8 (s, s, 3), sides s multiples of 8 that may differ.
        runtime: Where.
    """
    most = CHUNK if runtime.device == "cpu" else MOST
    found = np.zeros((len(images), len(network.get_submodule("levels"))))  # type: ignore[arg-type]
    sides = [image.shape[0] for image in images]
    with torch.inference_mode(), deterministic():
        for side in sorted(set(sides)):
            alike = [index for index, one in enumerate(sides) if one == side]
            size = max(1, most // side**2)
            for part in (alike[start : start + size] for start in range(0, len(alike), size)):
                levels = network(_tensor([images[index] for index in part], runtime))
                each = [(cost(*level) - entropy(level[0])).double().mean((1, 2, 3, 4)) for level in levels]
                found[part] = torch.stack(each, 1).cpu().numpy()
    return found


def cycle(done: float) -> float:
    """The rate, as a share of the highest, when so much of the training is done: up a line, down half a cosine."""
    if done < WARM:
        return (done + 0.01) / (WARM + 0.01)
    return (1 + math.cos(math.pi * (done - WARM) / (1 - WARM))) / 2


def bits(network: nn.Module, pixels: Tensor) -> Tensor:
    """Bits per coded value, by level and image: float32 (levels, N)."""
    return torch.stack([cost(*level).mean((1, 2, 3, 4)) for level in network(pixels)])


def _step(network: nn.Module, optimiser: torch.optim.Optimizer, batch: Sequence[Array], runtime: Runtime) -> Tensor:
    side = min(image.shape[0] for image in batch)  # of images smaller than a crop
    pixels = _tensor([image[:side, :side] for image in batch], runtime)
    with autocast(runtime):
        loss = bits(network, pixels).mean()
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    optimiser.step()
    return loss.detach()


def _tensor(images: Sequence[Array], runtime: Runtime) -> Tensor:
    return torch.from_numpy(np.stack(images)).to(runtime.device).permute(0, 3, 1, 2).float()


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _mean(spent: Sequence[Tensor], number: int) -> float:
    mean = float(torch.stack(list(spent)).mean())
    if not math.isfinite(mean):
        msg = f"training diverged: epoch {number} spends {mean} bits per value: lower the learning rate"
        raise FloatingPointError(msg)
    return mean


def _state(network: nn.Module, optimiser: torch.optim.Optimizer, history: list[EpochRow]) -> dict[str, object]:
    return {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "history": history}


def _begun(network: nn.Module, optimiser: torch.optim.Optimizer, runtime: Runtime) -> list[EpochRow]:
    """What a killed training had done; its weights are put in place."""
    if not (state := TrainingCheckpoint.at(runtime.folder).read()):
        return []
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    history: list[EpochRow] = state["history"]
    return history
