"""Gradient descent for small heads over cached embeddings, the same to the last bit every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from detectors.architectures.compute import torch_threads


@dataclass(frozen=True)
class DescentSettings:
    """The numbers of a training.

    Attributes:
        rate: Learning rate at the start.
        epochs: Times that every image is seen.
        batch: Images per step.
        decay: Decoupled weight decay; without any this is Adam.
        epsilon: Adam's.
        cosine: Whether the rate falls to 0 along a cosine; else it stays.
    """

    rate: float
    epochs: int
    batch: int
    decay: float = 0.0
    epsilon: float = 1e-8
    cosine: bool = False


def descend(
    weights: Sequence[Tensor],
    loss: Callable[[Tensor], Tensor],
    count: int,
    plan: DescentSettings,
    draw: torch.Generator,
) -> None:
    """Train weights in place on one thread of the CPU.

    Args:
        weights: Leaves that require a gradient.
        loss: The mean loss of the images of these indices, int64 (batch,).
        count: Number of images.
        plan: How.
        draw: Draws the order of the images in each epoch.
    """
    optimiser = torch.optim.AdamW(list(weights), plan.rate, eps=plan.epsilon, weight_decay=plan.decay)
    steps = plan.epochs * -(-count // plan.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps) if plan.cosine else None
    with torch_threads(1):
        for _ in range(plan.epochs):
            for chosen in torch.split(torch.randperm(count, generator=draw), plan.batch):
                optimiser.zero_grad()
                loss(chosen).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                if schedule:
                    schedule.step()
