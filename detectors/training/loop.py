"""The one training loop for networks; import this module inside functions only.

The images and augmentations of an epoch follow from image names, the epoch and the seed; the global random state is
left as it was.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from detectors.api import Image, Labels, Runtime, TrainSet
from detectors.architectures.support.forward_pass import eager_body, logits, on_device
from detectors.architectures.support.torch_contexts import deterministic, torch_threads
from detectors.preprocessing.augmentation import View
from detectors.training.checkpoint import TrainingCheckpoint
from detectors.training.fine_tuning import ALL_WEIGHTS, FineTuning, set_trainable
from detectors.training.loader import BatchLoader
from detectors.training.plan import Plan
from detectors.training.schedules import schedule_numbers
from detectors.training.validation_split import hold_out

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a training.

    Attributes:
        rate: Learning rate.
        train_loss: Mean over the training images.
        train_accuracy: In [0, 1], at a score of 0.5.
        validation_loss: Mean over the validation images; NaN where there are none.
        validation_accuracy: In [0, 1], at a score of 0.5; NaN likewise.
        forward_s: Seconds of the forward passes on the device.
        backward_s: Seconds of the backward passes and optimiser steps on the device.
    """

    rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    forward_s: float
    backward_s: float


def train(  # noqa: PLR0913, PLR0917 - network, data, view, plan, seed, runtime, and which part is trained
    network: nn.Module,
    images: TrainSet,
    view: View,
    plan: Plan,
    seed: int,
    runtime: Runtime,
    tuning: FineTuning = ALL_WEIGHTS,
) -> list[Epoch]:
    """Train a network in place; it ends with the weights that the schedule keeps, in evaluation mode.

    Args:
        network: Takes float32 (N, 3, H, W), normalised by the view's statistics, and gives log odds (N, 1).
        images: The labelled images; decoded ones are kept in memory up to `loader.CACHE_BYTES`.
        view: How an image is shown to the network.
        plan: Optimiser, schedule and sizes.
        seed: Draws the validation images, the order, the augmentation and whatever the network draws.
        runtime: Where and how precisely; with a folder, an interrupted training resumes from its last saved epoch.
        tuning: Which weights are trained in which epoch, and on which images.

    Returns:
        One row per epoch.

    Raises:
        ValueError: Fewer than two images of a class.
        Unavailable: Pairs were asked for, and there is none.
        FloatingPointError: The loss is no longer finite.
    """
    fitting, validation = validation_split(images, plan, seed)
    devices = [torch.device(runtime.device)] if runtime.device != "cpu" else []
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        torch_threads(plan.threads),
        torch.random.fork_rng(devices),
        deterministic(),
    ):
        torch.manual_seed(seed)
        loader = BatchLoader(images, view, plan.batch, seed, pool, tuning.pairs)
        return _Training(on_device(network, runtime), loader, plan, runtime, tuning).run(fitting, validation)


def validation_split(images: TrainSet, plan: Plan, seed: int) -> tuple[list[int], list[int]]:
    """Indices to fit on, and those held out for early stopping. Raises what `hold_out` raises."""
    if not plan.validation:
        return list(range(len(images))), []
    return hold_out(images, plan.validation, f"{seed}/validation")


class _Training:
    """One training: its network, optimiser and schedule, and the epochs so far."""

    def __init__(
        self, network: nn.Module, loader: BatchLoader, plan: Plan, runtime: Runtime, tuning: FineTuning
    ) -> None:
        self._tuning = tuning
        self._network = network
        self._body = eager_body(network, runtime)
        self._loader = loader
        self._plan = plan
        self._runtime = runtime
        self._optimiser = OPTIMISERS[plan.optimiser](
            network.parameters(), lr=plan.schedule.rate, weight_decay=plan.weight_decay
        )
        self._schedule = plan.schedule.start()
        self._history: list[Epoch] = []
        self._kept = self._weights()

    def run(self, fitting: Sequence[int], validation: Sequence[int]) -> list[Epoch]:
        """Train until the schedule or the plan ends the training."""
        checkpoint = TrainingCheckpoint(self._runtime.checkpoint_folder)
        self._resume(checkpoint.read())
        while not self._schedule.stopped and len(self._history) < self._plan.epochs:
            self._run_epoch(fitting, validation)
            checkpoint.write_when_due(self._state)
        self._network.load_state_dict(self._kept)
        self._network.eval().requires_grad_()
        checkpoint.remove()
        return self._history

    def _run_epoch(self, fitting: Sequence[int], validation: Sequence[int]) -> None:
        """Train one epoch and record it."""
        number = len(self._history)
        mask = self._tuning.image_mask(self._loader.generators, number)
        epoch = self._epoch([index for index in fitting if mask[index]], validation, number, self._schedule.rate)
        self._history.append(epoch)
        if self._runtime.on_epoch is not None:
            self._runtime.on_epoch(number, asdict(epoch))
        if self._schedule.update(epoch.validation_accuracy):
            self._kept = self._weights()

    def _state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on."""
        return {
            "network": self._network.state_dict(),
            "kept": self._kept,
            "optimiser": self._optimiser.state_dict(),
            "schedule": schedule_numbers(self._schedule),
            "history": [astuple(epoch) for epoch in self._history],
            "random": self._random_states(),
        }

    def _resume(self, state: dict[str, Any]) -> None:
        """Continue from a saved state; an empty one leaves the training at its start."""
        if not state:
            return
        self._network.load_state_dict(state["network"])
        self._kept = state["kept"]
        self._optimiser.load_state_dict(state["optimiser"])
        vars(self._schedule).update(state["schedule"])
        self._history = [Epoch(*row) for row in state["history"]]
        torch.set_rng_state(state["random"][0])
        for device_state in state["random"][1:]:
            torch.cuda.set_rng_state(device_state, self._runtime.device)

    def _random_states(self) -> list[Tensor]:
        """States of the random generators of the CPU and of the accelerator if there is one: dropout draws there."""
        device_states = [torch.cuda.get_rng_state(self._runtime.device)] if self._runtime.device != "cpu" else []
        return [torch.get_rng_state(), *device_states]

    def _epoch(self, fitting: Sequence[int], validation: Sequence[int], number: int, rate: float) -> Epoch:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        training, validated = _EpochTotals(), _EpochTotals()
        set_trainable(self._network, self._tuning.trained_parts(number), evaluation_mode=self._tuning.evaluation_mode)
        for images, labels in self._loader.training(fitting, number):
            self._step(images, labels, training)
        self._network.eval()
        for images, labels in self._loader.validation(validation, number):
            with torch.inference_mode():
                self._forward(images, labels, validated)
        if not np.isfinite(training.loss):
            msg = f"training diverged: the mean loss of epoch {number} is {training.loss}: lower the learning rate"
            raise FloatingPointError(msg)
        losses = training.loss, training.accuracy, validated.loss, validated.accuracy
        return Epoch(rate, *losses, training.forward_s, training.backward_s)

    def _step(self, images: list[Image], labels: Labels, totals: _EpochTotals) -> None:
        loss = self._forward(images, labels, totals)
        start = self._synchronised_time()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        totals.backward_s += self._synchronised_time() - start

    def _forward(self, images: list[Image], labels: Labels, totals: _EpochTotals) -> Tensor:
        """Mean loss of a batch, added to the totals."""
        start = self._synchronised_time()
        log_odds = logits(self._network, self._body, images, self._loader.view, self._runtime)
        targets = torch.from_numpy(labels).to(log_odds)
        loss = binary_cross_entropy_with_logits(log_odds, targets)
        totals.add(len(labels), float(loss.detach()), int(((log_odds > 0) == (targets > 0)).sum()))
        totals.forward_s += self._synchronised_time() - start
        return loss

    def _synchronised_time(self) -> float:
        """Seconds of a clock, after the device has finished its work."""
        if self._runtime.device != "cpu":
            torch.cuda.synchronize(self._runtime.device)
        return time.perf_counter()

    def _weights(self) -> dict[str, Tensor]:
        """A copy of the network's weights."""
        return {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}


class _EpochTotals:
    """Sums over the batches of an epoch."""

    def __init__(self) -> None:
        self.images = self.correct = 0
        self.total_loss = self.forward_s = self.backward_s = 0.0

    def add(self, images: int, mean_loss: float, correct: int) -> None:
        """Add one batch."""
        self.images += images
        self.total_loss += mean_loss * images
        self.correct += correct

    @property
    def loss(self) -> float:
        """Mean loss of an image."""
        return self.total_loss / self.images if self.images else math.nan

    @property
    def accuracy(self) -> float:
        """Share of correct decisions."""
        return self.correct / self.images if self.images else math.nan
