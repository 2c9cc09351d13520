"""Gradient descent for small heads over cached embeddings, deterministic; torch is imported when one is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class DescentSettings:
    """Settings of AdamW.

    Attributes:
        rate: Learning rate at the start.
        epochs: Passes over all images.
        batch: Images per step.
        decay: Decoupled weight decay; with 0 this is Adam.
        epsilon: Adam's.
        cosine: Whether the rate falls to 0 along half a cosine; else it is constant.
    """

    rate: float
    epochs: int
    batch: int
    decay: float = 0.0
    epsilon: float = 1e-8
    cosine: bool = False


def minimise(
    weights: Sequence[Tensor],
    loss: Callable[[Tensor], Tensor],
    count: int,
    settings: DescentSettings,
    rng: Generator,
) -> None:
    """Minimise a mean loss over weights in place, on one thread of the CPU.

    Args:
        weights: Leaf tensors that require a gradient.
        loss: The mean loss of the images with these indices, int64 (batch,).
        count: Number of images.
        settings: Of the optimiser.
        rng: Draws the order of the images in each epoch.
    """
    import torch

    from detectors.architectures.support.torch_contexts import deterministic, torch_threads

    optimiser = torch.optim.AdamW(list(weights), settings.rate, eps=settings.epsilon, weight_decay=settings.decay)
    steps = settings.epochs * -(-count // settings.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps) if settings.cosine else None
    with torch_threads(1), deterministic():
        for _ in range(settings.epochs):
            for batch in torch.split(torch.randperm(count, generator=rng), settings.batch):
                optimiser.zero_grad()
                loss(batch).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                if schedule:
                    schedule.step()
