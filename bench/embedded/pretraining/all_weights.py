"""Trains every weight that the embedded corpus ships, by fixed numbers of steps from fixed seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bench.embedded.filters import Pixels
from bench.embedded.generators.generator import GENERATORS, WEIGHTS, Generator, generator, restore, to_tensor
from bench.embedded.pretraining.determinism import Progress, save, seeded, threads
from bench.embedded.pretraining.small_clip import NAME as SMALL_CLIP
from bench.embedded.pretraining.small_clip import train_small_clip
from bench.embedded.pretraining.small_dino import NAME as SMALL_DINO
from bench.embedded.pretraining.small_dino import train_small_dino
from bench.embedded.pretraining.small_resnet import NAME as SMALL_RESNET
from bench.embedded.pretraining.small_resnet import train_small_resnet
from bench.embedded.scenes.scene import SIDE, render

FIRST_SCENE = 10_000_000  # far from the scenes of the corpus
SCENES = 3_000
BATCH, CROP = 8, 64
LEARNING_RATE = 2e-3


def _crops(rng: np.random.Generator, scenes: Pixels) -> Pixels:
    """One batch of random crops, half of them mirrored."""
    crops = np.empty((BATCH, CROP, CROP, 3), np.uint8)
    chosen = rng.integers(0, len(scenes), BATCH)
    corners = rng.integers(0, SIDE + 1 - CROP, (BATCH, 2))
    mirrored = rng.random(BATCH) < 0.5
    for crop, index, (top, left), mirror in zip(crops, chosen, corners, mirrored, strict=True):
        cut = scenes[index, top : top + CROP, left : left + CROP]
        crop[:] = cut[:, ::-1] if mirror else cut
    return crops


def train(which: Generator, scenes: Pixels, start: Path, progress: Progress) -> nn.Module:
    """Train one generator.

    The learning rate warms up over 50 steps and falls to nearly 0 over the last 40 percent.

    Args:
        which: The generator, with its number of steps and its seed.
        scenes: uint8 (N, 128, 128, 3).
        start: Folder with the weights of the generator that this one starts from, where it starts from one.
        progress: Called after each step.
    """
    network = seeded(which.seed, which.build) if which.start is None else restore(generator(which.start), start)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train().requires_grad_()
    lesson = seeded(which.seed + 1, lambda: which.lesson(network))
    rng, noise = np.random.default_rng(which.seed), torch.Generator().manual_seed(which.seed)
    for step in range(which.steps):
        done = step / which.steps
        for group in lesson.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / 50) * min(1, (1.03 - done) * 2.5)
        loss = lesson.loss(to_tensor(_crops(rng, scenes)), done, noise)
        lesson.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        lesson.optimiser.step()
        progress(which.name, step + 1, which.steps)
    return network


def _training_scenes(count: int, progress: Progress) -> Pixels:
    scenes = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for index in range(count):
        scenes[index] = render(FIRST_SCENE + index).pixels
        progress("scenes", index + 1, count)
    return scenes


def names() -> tuple[str, ...]:
    """Everything that can be trained, in the order in which it is."""
    return (*(one.name for one in GENERATORS), SMALL_CLIP, SMALL_RESNET, SMALL_DINO)


def train_all(out: Path, only: Sequence[str] | None, progress: Progress, effort: float = 1.0) -> None:
    """Train the shipped weights again. The same machine makes the same weights.

    Args:
        out: Folder that receives `<name>.safetensors`, and a card `<name>.json` beside each that is not a generator. A
            generator that starts from another one starts from its weights in this folder if both are trained together,
            and else from the shipped ones.
        only: What to train; None trains everything.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the training scenes, to try the training out.

    Raises:
        ValueError: A name is not one that can be trained.
    """
    wanted = names() if only is None else tuple(only)
    for name in wanted:
        if name not in names():
            msg = f"{name!r} cannot be trained; there are {', '.join(names())}"
            raise ValueError(msg)
    out.mkdir(parents=True, exist_ok=True)
    chosen = [one for one in GENERATORS if one.name in wanted]
    if chosen:
        scenes = _training_scenes(max(1, round(SCENES * effort)), progress)
        with threads(1):
            for one in chosen:
                shortened = replace(one, steps=max(1, round(one.steps * effort)))
                start = out if one.start in wanted else WEIGHTS
                save(train(shortened, scenes, start, progress), out / f"{one.name}.safetensors")
    if SMALL_CLIP in wanted:
        train_small_clip(out, progress, effort)
    if SMALL_RESNET in wanted:
        train_small_resnet(out, progress, effort)
    if SMALL_DINO in wanted:
        train_small_dino(out, progress, effort)
