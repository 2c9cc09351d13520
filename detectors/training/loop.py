"""The one training loop for networks; import this module inside functions only.

What a network is shown follows from image names, epochs and the seed; the global random state is left as it was.
"""

from __future__ import annotations

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
from detectors.architectures.compute import autocast, deterministic, logits, on_device, torch_threads
from detectors.preprocessing.augmentation import View
from detectors.training.checkpoint import TrainingCheckpoint, vars_of
from detectors.training.fine_tuning import EVERYTHING, FineTuning, learn
from detectors.training.loader import BatchLoader
from detectors.training.plan import Plan
from detectors.training.validation_split import set_aside

SAVE_AFTER = 60.0  # seconds of training that a kill may cost, where there is a folder to go on from
OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a training: mean losses, accuracies in [0, 1] at 0.5, and seconds on the device."""

    rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    forward_s: float
    backward_s: float


def train(  # noqa: PLR0913, PLR0917 - what, on what, shown how, trained how, drawn how, where, and which part
    network: nn.Module,
    images: TrainSet,
    view: View,
    plan: Plan,
    seed: int,
    runtime: Runtime,
    tuning: FineTuning = EVERYTHING,
) -> list[Epoch]:
    """Train a network in place; it ends with the weights that early stopping keeps, in evaluation mode.

    Args:
        network: Takes float32 (N, 3, H, W), normalised by the view's statistics, and gives log odds (N, 1).
        images: The labelled images; decoded ones are kept in memory while they fit in a gibibyte.
        view: How the network is shown an image.
        plan: The recipe's numbers.
        seed: Draws the validation images, the order, the augmentation and whatever the network draws.
        runtime: Where and how precisely; with a folder, a killed training goes on from its last saved epoch.
        tuning: Which weights learn when, and from which images.

    Returns:
        One row per epoch.

    Raises:
        ValueError: Fewer than two images of a class.
        Unavailable: Pairs were asked for, and no image has a twin.
        FloatingPointError: The loss is no longer finite.
    """
    fitting, validation = split(images, plan, seed)
    devices = [torch.device(runtime.device)] if runtime.device != "cpu" else []
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        torch_threads(plan.threads),
        torch.random.fork_rng(devices),
        deterministic(),
    ):
        torch.manual_seed(seed)
        shown = BatchLoader(images, view, plan.batch, seed, pool, tuning.pairs)
        course = _Course(on_device(network, runtime), shown, plan, runtime, tuning)
        return course.run(fitting, validation)


def split(images: TrainSet, plan: Plan, seed: int) -> tuple[list[int], list[int]]:
    """Indices to fit on, and those set aside for early stopping. Raises what `set_aside` raises."""
    return set_aside(images, plan.validation, f"{seed}/validation")


class _Course:
    """One training as it goes."""

    def __init__(
        self, network: nn.Module, shown: BatchLoader, plan: Plan, runtime: Runtime, tuning: FineTuning
    ) -> None:
        self._tuning = tuning
        self._network = network
        self._shown = shown
        self._plan = plan
        self._runtime = runtime
        self._optimiser = OPTIMISERS[plan.optimiser](
            network.parameters(), lr=plan.stopping.rate, weight_decay=plan.weight_decay
        )
        self._watch = plan.stopping.start()
        self._history: list[Epoch] = []
        self._kept = self._copy()

    def run(self, fitting: Sequence[int], validation: Sequence[int]) -> list[Epoch]:
        """Train until the rule or the plan says stop."""
        saved = TrainingCheckpoint.at(self._runtime.folder)
        if state := saved.read():
            self._go_on(state)
        last = time.monotonic()
        while not self._watch.stopped and len(self._history) < self._plan.epochs:
            number = len(self._history)
            shown = self._tuning.shown(self._shown.generators, number)
            part = [index for index in fitting if shown[index]]
            epoch = self._epoch(part, validation, number, self._watch.rate)
            self._history.append(epoch)
            if self._runtime.watch is not None:
                self._runtime.watch(number, asdict(epoch))
            if self._watch.judge(epoch.validation_accuracy):
                self._kept = self._copy()
            if time.monotonic() - last > SAVE_AFTER:
                saved.write(self._state())
                last = time.monotonic()
        self._network.load_state_dict(self._kept)
        self._network.eval().requires_grad_()
        saved.remove()
        return self._history

    def _state(self) -> dict[str, Any]:
        """Everything that the rest of the training depends on."""
        return {
            "network": self._network.state_dict(),
            "kept": self._kept,
            "optimiser": self._optimiser.state_dict(),
            "watch": vars_of(self._watch),
            "history": [astuple(epoch) for epoch in self._history],
            "random": self._random(),
        }

    def _go_on(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["network"])
        self._kept = state["kept"]
        self._optimiser.load_state_dict(state["optimiser"])
        vars(self._watch).update(state["watch"])
        self._history = [Epoch(*row) for row in state["history"]]
        torch.set_rng_state(state["random"][0])
        for device in state["random"][1:]:
            torch.cuda.set_rng_state(device, self._runtime.device)

    def _random(self) -> list[Tensor]:
        """Where random draws stand, of the CPU and of the accelerator if there is one: dropout draws there."""
        other = [torch.cuda.get_rng_state(self._runtime.device)] if self._runtime.device != "cpu" else []
        return [torch.get_rng_state(), *other]

    def _epoch(self, fitting: Sequence[int], validation: Sequence[int], number: int, rate: float) -> Epoch:
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        learned, checked = _Tally(), _Tally()
        learn(self._network, self._tuning.learning(number))
        for shown, labels in self._shown.training(fitting, number):
            self._step(shown, labels, learned)
        self._network.eval()
        for shown, labels in self._shown.validation(validation, number):
            with torch.inference_mode():
                self._forward(shown, labels, checked)
        if not np.isfinite(learned.loss):
            msg = f"training diverged: the mean loss of epoch {number} is {learned.loss}: lower the learning rate"
            raise FloatingPointError(msg)
        return Epoch(
            rate,
            learned.loss,
            learned.accuracy,
            checked.loss,
            checked.accuracy,
            learned.forward_s,
            learned.backward_s,
        )

    def _step(self, shown: list[Image], labels: Labels, tally: _Tally) -> None:
        loss = self._forward(shown, labels, tally)
        started = self._now()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        tally.backward_s += self._now() - started

    def _forward(self, shown: list[Image], labels: Labels, tally: _Tally) -> Tensor:
        """Mean loss of a batch, counted in the tally."""
        started = self._now()
        with autocast(self._runtime):
            answers = logits(self._network, shown, self._shown.view, self._runtime)
        targets = torch.from_numpy(labels).to(answers)
        loss = binary_cross_entropy_with_logits(answers, targets)
        tally.add(len(labels), float(loss.detach()), int(((answers > 0) == (targets > 0)).sum()))
        tally.forward_s += self._now() - started
        return loss

    def _now(self) -> float:
        """Seconds, once the device has done what it was told."""
        if self._runtime.device != "cpu":
            torch.cuda.synchronize(self._runtime.device)
        return time.perf_counter()

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}


class _Tally:
    """Sums over the batches of an epoch."""

    def __init__(self) -> None:
        self.images = self.right = 0
        self.total = self.forward_s = self.backward_s = 0.0

    def add(self, images: int, mean_loss: float, right: int) -> None:
        """Count one batch."""
        self.images += images
        self.total += mean_loss * images
        self.right += right

    @property
    def loss(self) -> float:
        """Mean loss of an image."""
        return self.total / self.images

    @property
    def accuracy(self) -> float:
        """Share of right decisions."""
        return self.right / self.images
