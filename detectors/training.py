"""The one training loop for networks; import this module inside functions only.

What a network is shown follows from image names, epochs and the seed; the global random state is left as it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from detectors.api import Image, Labels, Runtime, TrainSet
from detectors.augment import View, draws
from detectors.network import logits, placed, precision
from detectors.saved import Saved, vars_of
from detectors.stopping import Schedule

MEMORY = 1 << 30  # bytes of decoded images that are kept between epochs
SAVE_AFTER = 60.0  # seconds of training that a kill may cost, where there is a folder to go on from
OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is trained, by binary cross-entropy on one output.

    Attributes:
        stopping: Learning rate, and when it falls and training ends.
        optimiser: "adam" or "adamw", with betas 0.9 and 0.999, or "sgd" with momentum 0.9.
        weight_decay: As the optimiser defines it.
        batch: Images per step.
        epochs: Most epochs.
        validation: Share of the training images of each class that is set aside for early stopping.
        threads: Threads that a CPU computes with; None is all. Sums depend on it in their last bits, and one is the
            quickest for a small network where others want the cores too.
    """

    stopping: Schedule
    optimiser: Literal["adam", "adamw", "sgd"]
    weight_decay: float
    batch: int
    epochs: int
    validation: float
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """What learns when, and from which images.

    Attributes:
        tune: "all" weights; the "top", which is the first of `stages`; or "staged", one more of them every epoch.
        stages: Parts of the network by the beginnings of their names, the top first; weights of no part learn last.
        curriculum: Generators from easy to hard: every epoch one more joins, then those that are not named.
    """

    tune: Literal["all", "top", "staged"] = "all"
    stages: tuple[tuple[str, ...], ...] = ()
    curriculum: tuple[str, ...] = ()

    def learning(self, epoch: int) -> tuple[str, ...] | None:
        """Beginnings of the names of the weights that learn in an epoch; None for all of them."""
        if self.tune == "all" or (self.tune == "staged" and epoch >= len(self.stages)):
            return None
        open_stages = self.stages[: 1 if self.tune == "top" else epoch + 1]
        return tuple(name for stage in open_stages for name in stage)

    def shown(self, generators: Sequence[str], epoch: int) -> NDArray[np.bool_]:
        """Which images an epoch is trained on; real ones, whose generator is "", always are."""
        if epoch >= len(self.curriculum):
            return np.ones(len(generators), bool)
        return np.isin(np.asarray(generators, dtype=str), ["", *self.curriculum[: epoch + 1]])


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


EVERYTHING = Tuning()


def train(  # noqa: PLR0913, PLR0917 - what, on what, shown how, trained how, drawn how, where, and which part
    network: nn.Module,
    images: TrainSet,
    view: View,
    plan: Plan,
    seed: int,
    runtime: Runtime,
    tuning: Tuning = EVERYTHING,
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
        FloatingPointError: The loss is no longer finite.
    """
    fitting, validation = split(images.labels, images.names, plan.validation, seed)
    devices = [torch.device(runtime.device)] if runtime.device != "cpu" else []
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        threads(plan.threads),
        torch.random.fork_rng(devices),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        torch.manual_seed(seed)
        shown = _Shown(images, view, plan.batch, seed, pool)
        course = _Course(placed(network, runtime), shown, plan, runtime, tuning)
        return course.run(fitting, validation)


def split(labels: Labels, names: Sequence[str], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Set a share of each class aside, at least one image, chosen by name and seed whatever the order.

    Returns:
        Indices to fit on and indices to validate on.

    Raises:
        ValueError: Fewer than two images of a class.
    """
    aside: set[int] = set()
    for label, noun in enumerate(("real", "generated")):
        members = np.flatnonzero(labels == label).tolist()
        if len(members) < 2:
            msg = f"training needs at least 2 {noun} images, found {len(members)}: choose a subset that holds both"
            raise ValueError(msg)
        ranked = _shuffled(members, names, f"{seed}/validation")
        aside.update(ranked[: max(1, round(share * len(members)))])
    return [index for index in range(len(labels)) if index not in aside], sorted(aside)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let torch compute with this many threads for a while; None leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _shuffled(indices: Sequence[int], names: Sequence[str], salt: str) -> list[int]:
    """Indices in an order that depends on the names and the salt alone."""
    return sorted(indices, key=lambda index: sha256(f"{salt}/{names[index]}".encode()).digest())


class _Shown:
    """Batches as the network is shown them, made by threads one batch ahead."""

    def __init__(self, images: TrainSet, view: View, batch: int, seed: int, pool: ThreadPoolExecutor) -> None:
        self.view = view
        self.generators = images.generators
        self._images = images
        self._batch = batch
        self._seed = seed
        self._pool = pool
        self._kept: dict[int, Image] = {}
        self._room = MEMORY
        self._lock = Lock()

    def training(self, indices: Sequence[int], epoch: int) -> Iterator[tuple[list[Image], Labels]]:
        """Augmented images with their labels, in this epoch's order."""
        order = _shuffled(indices, self._images.names, f"{self._seed}/{epoch}")
        return self._batches(order, epoch, self.view.training)

    def validation(self, indices: Sequence[int], epoch: int) -> Iterator[tuple[list[Image], Labels]]:
        """Images as early stopping sees them, with their labels."""
        return self._batches(_shuffled(indices, self._images.names, ""), epoch, self.view.validation)

    def _batches(
        self, order: Sequence[int], epoch: int, see: Callable[[Image, np.random.Generator], Image]
    ) -> Iterator[tuple[list[Image], Labels]]:
        def one(index: int) -> Image:
            return see(self._pixels(index), draws(self._seed, self._images.names[index], epoch))

        batches = [order[start : start + self._batch] for start in range(0, len(order), self._batch)]
        ahead = [self._pool.submit(one, index) for index in batches[0]]
        for batch, following in zip(batches, [*batches[1:], []], strict=True):
            ready, ahead = ahead, [self._pool.submit(one, index) for index in following]
            yield [future.result() for future in ready], self._images.labels[batch]

    def _pixels(self, index: int) -> Image:
        if index in self._kept:
            return self._kept[index]
        pixels = self._images[index].pixels
        with self._lock:
            if pixels.nbytes <= self._room and index not in self._kept:
                self._room -= pixels.nbytes
                self._kept[index] = pixels
        return pixels


class _Course:
    """One training as it goes."""

    def __init__(self, network: nn.Module, shown: _Shown, plan: Plan, runtime: Runtime, tuning: Tuning) -> None:
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
        saved = Saved.at(self._runtime.folder)
        if saved.there:
            self._go_on(saved.read())
        last = time.monotonic()
        while not self._watch.stopped and len(self._history) < self._plan.epochs:
            number = len(self._history)
            shown = self._tuning.shown(self._shown.generators, number)
            part = [index for index in fitting if shown[index]]
            epoch = self._epoch(part, validation, number, self._watch.rate)
            self._history.append(epoch)
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
            "random": torch.get_rng_state(),
        }

    def _go_on(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["network"])
        self._kept = state["kept"]
        self._optimiser.load_state_dict(state["optimiser"])
        vars(self._watch).update(state["watch"])
        self._history = [Epoch(*row) for row in state["history"]]
        torch.set_rng_state(state["random"])

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
        with precision(self._runtime):
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


def learn(network: nn.Module, names: tuple[str, ...] | None) -> None:
    """Put a network into training: all of it, or the weights whose names begin so; the rest stays as it is.

    Parts that do not learn are evaluated, so that their batch statistics stay too.
    """
    network.train()
    if names is None:
        network.requires_grad_()
        return
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(f"{name}.".startswith(tuple(f"{one}." for one in names)))
    for module in network.modules():
        if not any(parameter.requires_grad for parameter in module.parameters()):
            module.eval()


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
