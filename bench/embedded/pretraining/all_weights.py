"""Trains every weight that ships: the generators of the embedded corpus and the small pretrained networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

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
from bench.embedded.pretraining.determinism import save, seeded, threads
from bench.embedded.pretraining.small_clip import NAME as SMALL_CLIP
from bench.embedded.pretraining.small_clip import train_small_clip
from bench.embedded.pretraining.small_dino import NAME as SMALL_DINO
from bench.embedded.pretraining.small_dino import train_small_dino
from bench.embedded.pretraining.small_resnet import NAME as SMALL_RESNET
from bench.embedded.pretraining.small_resnet import train_small_resnet
from bench.embedded.scenes.filters import Pixels
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
        loss = training_step.loss(to_tensor(_crops(rng, scenes)), done, noise)
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
    """Names of everything that can be trained, in the order of training."""
    return (*(generator.name for generator in GENERATORS), SMALL_CLIP, SMALL_RESNET, SMALL_DINO)


def train_all(out: Path, only: Sequence[str] | None, progress: StageCallback, effort: float = 1.0) -> None:
    """Train the shipped weights again. On one machine the result is always the same.

    Args:
        out: Folder that receives `<name>.safetensors`, and a card `<name>.json` beside each that is not a generator. A
            generator whose initial weights are another one's takes them from this folder if both are trained together,
            and else from the shipped ones.
        only: Names of what to train; None for everything.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the training scenes, to try the training out.

    Raises:
        ValueError: A name is not one that can be trained.
    """
    chosen = names() if only is None else tuple(only)
    for name in chosen:
        if name not in names():
            msg = f"{name!r} cannot be trained; there are {', '.join(names())}"
            raise ValueError(msg)
    out.mkdir(parents=True, exist_ok=True)
    _train_generators(out, chosen, progress, effort)
    small_networks = {SMALL_CLIP: train_small_clip, SMALL_RESNET: train_small_resnet, SMALL_DINO: train_small_dino}
    for name, train_network in small_networks.items():
        if name in chosen:
            train_network(out, progress, effort)


def _train_generators(out: Path, chosen: Sequence[str], progress: StageCallback, effort: float) -> None:
    """Train those generators that are chosen. Arguments as for `train_all`."""
    generators = [generator for generator in GENERATORS if generator.name in chosen]
    if not generators:
        return
    scenes = _training_scenes(max(1, round(SCENES * effort)), progress)
    with threads(1):
        for generator in generators:
            shortened = replace(generator, steps=max(1, round(generator.steps * effort)))
            weights = out if generator.initial_weights in chosen else WEIGHTS
            save(train(shortened, scenes, weights, progress), out / f"{generator.name}.safetensors")
