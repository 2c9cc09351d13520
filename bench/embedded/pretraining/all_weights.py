"""Trains every weight that ships: the generators of the embedded corpus and the small pretrained networks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

import numpy as np
import torch
from torch import nn

from bench.embedded.corpus import StageCallback
from bench.embedded.generators.generator import (
    GENERATORS,
    WEIGHTS,
    Generator,
    find_generator,
    restore_network,
    to_tensor,
)
from bench.embedded.pretraining.determinism import save, seeded
from bench.embedded.pretraining.graded_networks import DEIT, RESNET, SWIN, GradedNetwork, train_graded_network
from bench.embedded.pretraining.labelled_scenes import draw_crops
from bench.embedded.pretraining.small_clip import NAME as SMALL_CLIP
from bench.embedded.pretraining.small_clip import train_small_clip
from bench.embedded.pretraining.small_dino import NAME as SMALL_DINO
from bench.embedded.pretraining.small_dino import train_small_dino
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE, render
from bench.platform.errors import InputError
from bench.platform.processes.worker_processes import ProcessDied, WorkerProcesses
from detectors.architectures.support.torch_contexts import torch_threads
from detectors.weights.locations import SHIPPED_FOLDER

FIRST_SCENE = 10_000_000  # far from the scenes of the corpus
SCENES = 3_000
BATCH, CROP = 8, 64
LEARNING_RATE = 2e-3


def train(generator: Generator, scenes: Pixels, weights: Path, progress: StageCallback) -> nn.Module:
    """Train one generator.

    The learning rate warms up over 50 steps and falls to nearly 0 over the last 40 percent.

    Args:
        generator: The generator, with its number of steps and its seed.
        scenes: uint8 (N, 128, 128, 3).
        weights: Folder with the initial weights of a generator that has some.
        progress: Called after each step.
    """
    network = _initial_network(generator, weights)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train().requires_grad_()
    training_step = seeded(generator.seed + 1, lambda: generator.training_step(network))
    rng, noise = np.random.default_rng(generator.seed), torch.Generator().manual_seed(generator.seed)
    for step in range(generator.steps):
        done = step / generator.steps
        for group in training_step.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / 50) * min(1, (1.03 - done) * 2.5)
        loss = training_step.loss(to_tensor(draw_crops(rng, scenes, BATCH, CROP)[1]), done, noise)
        training_step.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        training_step.optimiser.step()
        progress(generator.name, step + 1, generator.steps)
    return network


def _initial_network(generator: Generator, weights: Path) -> nn.Module:
    if generator.initial_weights is None:
        return seeded(generator.seed, generator.build)
    return restore_network(find_generator(generator.initial_weights), weights)


def _training_scenes(count: int, progress: StageCallback) -> Pixels:
    scenes = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for index in range(count):
        scenes[index] = render(FIRST_SCENE + index).pixels
        progress("scenes", index + 1, count)
    return scenes


def names() -> tuple[str, ...]:
    """Names of everything that can be trained."""
    return tuple(name for training in TRAININGS for name in training.names)


@dataclass(frozen=True)
class Training:
    """One training: a job of its own.

    Attributes:
        names: Of what it trains.
        needs: Names of what it starts from.
        run: Trains those of its names that are chosen. Takes the folder that receives the weights, the folder of what
            it starts from, the chosen names, the callback of progress and the effort.
    """

    names: tuple[str, ...]
    needs: tuple[str, ...]
    run: Callable[[Path, Path, Collection[str], StageCallback, float], None]

    def __call__(self, out: Path, chosen: Collection[str], effort: float, progress: StageCallback) -> None:
        """Train. Arguments as for `train_all`."""
        self.run(out, out if set(self.needs) & set(chosen) else SHIPPED_FOLDER, chosen, progress, effort)


def train_all(
    out: Path, only: Sequence[str] | None, progress: StageCallback, effort: float = 1.0, workers: int = 1
) -> None:
    """Train the shipped weights again. On one machine the result is always the same, whatever the number of workers.

    Args:
        out: Folder that receives `<name>.safetensors`, and a card `<name>.json` beside each that is not a generator.
            What starts from other weights takes them from this folder if both are trained together, and else the
            shipped ones.
        only: Names of what to train; None for everything.
        progress: Called in this process after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the training scenes, to try the training out.
        workers: Trainings at a time, each in a process of its own that computes with one thread.

    Raises:
        ValueError: A name is not one that can be trained.
    """
    chosen = names() if only is None else tuple(only)
    for name in chosen:
        if name not in names():
            msg = f"{name!r} cannot be trained; there are {', '.join(names())}"
            raise ValueError(msg)
    out.mkdir(parents=True, exist_ok=True)
    waiting = [training for training in TRAININGS if set(training.names) & set(chosen)]
    if min(workers, len(waiting)) == 1:
        for training in waiting:
            training(out, chosen, effort, progress)
    else:
        _train_in_processes(waiting, out, chosen, progress, effort, workers)


def _train_in_processes(
    waiting: list[Training], out: Path, chosen: Collection[str], progress: StageCallback, effort: float, workers: int
) -> None:
    """Begin each training as soon as what it starts from is there and a process is free.

    After a failure those that run are waited for, and none is begun.
    """
    steps = get_context("spawn").Queue()
    failure: BaseException | None = None
    with WorkerProcesses(workers, partial(_keep_queue, steps)) as pool:
        running: dict[Future[None], Training] = {}
        while (waiting and failure is None) or running:
            to_come = {name for training in (*waiting, *running.values()) for name in training.names}
            ready = [training for training in waiting if not to_come & set(training.needs)]
            for training in ready[: workers - len(running)] if failure is None else []:
                waiting.remove(training)
                running[pool.submit(_run_in_process, TRAININGS.index(training), out, chosen, effort)] = training
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            _report(steps, progress)
            for future in done:
                del running[future]
                failure = failure or future.exception()
    if isinstance(failure, ProcessDied):
        msg = f"training weights: {failure}; run again with fewer --workers"
        raise InputError(msg) from failure
    if failure is not None:
        raise failure


_steps: Queue[tuple[str, int, int]] | None = None  # of a process of the pool, to this process


def _keep_queue(steps: Queue[tuple[str, int, int]]) -> None:
    global _steps  # noqa: PLW0603 - a process of the pool has no other way to be handed a queue
    steps.cancel_join_thread()  # the process may end when nobody reads its last steps, as after an error elsewhere
    _steps = steps


def _run_in_process(index: int, out: Path, chosen: Collection[str], effort: float) -> None:
    """Run one training in a process of the pool, its steps sent through the queue."""
    if _steps is None:
        msg = "this process was not handed a queue"
        raise RuntimeError(msg)
    queue = _steps
    TRAININGS[index](out, chosen, effort, lambda *step: queue.put(step))


def _report(steps: Queue[tuple[str, int, int]], progress: StageCallback) -> None:
    """Report the steps that have been made so far."""
    with contextlib.suppress(Empty):
        while True:  # a queue cannot tell its length on macOS
            progress(*steps.get_nowait())


def _train_generators(out: Path, start: Path, chosen: Collection[str], progress: StageCallback, effort: float) -> None:
    """Train those generators that are chosen; each takes another's weights from `out` or those of the corpus."""
    del start
    generators = [generator for generator in GENERATORS if generator.name in chosen]
    scenes = _training_scenes(max(1, round(SCENES * effort)), progress)
    with torch_threads(1):
        for generator in generators:
            shortened = replace(generator, steps=max(1, round(generator.steps * effort)))
            weights = out if generator.initial_weights in chosen else WEIGHTS
            save(train(shortened, scenes, weights, progress), out / f"{generator.name}.safetensors")


def _training_of(graded: GradedNetwork, *needs: str) -> Training:
    def run(out: Path, start: Path, chosen: Collection[str], progress: StageCallback, effort: float) -> None:
        del chosen
        train_graded_network(graded, out, start, progress, effort)

    return Training((graded.name,), needs, run)


def _train_clip(out: Path, start: Path, chosen: Collection[str], progress: StageCallback, effort: float) -> None:
    del chosen
    train_small_clip(out, start, progress, effort)


def _train_dino(out: Path, start: Path, chosen: Collection[str], progress: StageCallback, effort: float) -> None:
    del start, chosen
    train_small_dino(out, progress, effort)


# in the order in which they are begun: those first on which others wait
TRAININGS = (
    _training_of(RESNET),
    Training(tuple(generator.name for generator in GENERATORS), (), _train_generators),
    _training_of(DEIT, RESNET.name),
    Training((SMALL_CLIP,), (DEIT.name,), _train_clip),
    _training_of(SWIN, RESNET.name),
    Training((SMALL_DINO,), (), _train_dino),
)
