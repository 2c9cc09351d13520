"""The pretraining of the small ResNet: a classification of rendered photographs by content, camera and compression.

It replaces ImageNet: real images only, and labels that have nothing to do with generators. To recognise the settings of
a camera, a network must use noise, edges and resampling; shapes alone are not enough.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.embedded.corpus import StageCallback
from bench.embedded.pretraining.determinism import save, seeded, threads
from bench.embedded.pretraining.labelled_scenes import TASKS, LabelledScenes, render_labelled_scenes
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE
from detectors.architectures.small_networks import SmallResNet
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD

NAME = "small_resnet"
SEED = 31
FIRST_SCENE = 30_000_000  # far from the scenes of the corpus, of the generators and of the small CLIP
SCENES, HELD_OUT = 12_000, 1_000
STEPS, BATCH, CROP = 2_400, 64, 64
LEARNING_RATE, WEIGHT_DECAY = 4e-3, 0.02
THREADS = 1


def normalised(pixels: Pixels) -> Tensor:
    """The input of the network, float32 (N, 3, H, W), from uint8 (N, H, W, 3)."""
    unit = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255
    return (unit - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(IMAGENET_STD).view(3, 1, 1)


def _batches(scenes: LabelledScenes, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Random crops, half of them mirrored, with their labels."""
    rng = np.random.default_rng(SEED)
    crops = np.empty((BATCH, CROP, CROP, 3), np.uint8)
    for _ in range(steps):
        chosen = rng.integers(0, len(scenes), BATCH)
        corners, mirrored = rng.integers(0, SIDE + 1 - CROP, (BATCH, 2)), rng.random(BATCH) < 0.5
        for crop, index, (top, left), mirror in zip(crops, chosen, corners, mirrored, strict=True):
            cut = scenes.pixels[index, top : top + CROP, left : left + CROP]
            crop[:] = cut[:, ::-1] if mirror else cut
        yield normalised(crops), torch.from_numpy(scenes.labels[chosen])


def fit(network: nn.Module, scenes: LabelledScenes, steps: int, progress: StageCallback) -> float:
    """Train on the sum of the cross-entropies of all tasks; returns the mean loss of the last 20 steps."""
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.15)
    losses = []
    network.train()
    for step, (images, labels) in enumerate(_batches(scenes, steps)):
        outputs = torch.split(network(images), list(TASKS.values()), dim=1)
        loss = torch.stack([cross_entropy(*pair) for pair in zip(outputs, labels.T, strict=True)]).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        progress(NAME, step + 1, steps)
    return float(np.mean(losses[-20:]))


@torch.inference_mode()
def accuracies(network: nn.Module, scenes: LabelledScenes) -> dict[str, dict[str, float]]:
    """Accuracy of each task, beside the share of its commonest class."""
    network.eval()
    chunks = [scenes.pixels[first : first + 16] for first in range(0, len(scenes), 16)]
    outputs = torch.split(torch.cat([network(normalised(chunk)) for chunk in chunks]), list(TASKS.values()), dim=1)
    result = {}
    for task, output, truth in zip(TASKS, outputs, scenes.labels.T, strict=True):
        right, commonest = (output.argmax(1).numpy() == truth).mean(), np.bincount(truth).max() / len(truth)
        result[task] = {"accuracy": round(float(right), 4), "majority": round(float(commonest), 4)}
    return result


def _card(loss: float, scenes: int, steps: int, held_out: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        "name": NAME,
        "title": "Small residual network that grades rendered photographs",
        "licence": "Apache-2.0",
        "network": "detectors.architectures.small_networks.SmallResNet",
        "outputs": TASKS,
        "preprocessing": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
        "training": {
            "data": "rendered scenes after JPEG; no generated image",
            "first_scene": FIRST_SCENE,
            "scenes": scenes,
            "steps": steps,
            "batch": f"{BATCH} crops of {CROP} pixels",
            "optimiser": f"AdamW, {LEARNING_RATE} in one cycle, weight decay {WEIGHT_DECAY}",
            "seed": SEED,
            "last_loss": round(loss, 3),
        },
        "accuracy_on_held_out_scenes": held_out,
    }


def train_small_resnet(out: Path, progress: StageCallback, effort: float = 1.0) -> None:
    """Train and write the network, `small_resnet.safetensors` in half precision, and its card, `small_resnet.json`.

    Args:
        out: Folder that receives both files.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the scenes, to try the training out.
    """
    count, steps, kept = (max(2, round(number * effort)) for number in (SCENES, STEPS, HELD_OUT))
    scenes = render_labelled_scenes(FIRST_SCENE, count, progress)
    held_out = render_labelled_scenes(FIRST_SCENE + SCENES, kept, progress)
    with threads(THREADS):
        network = seeded(SEED, lambda: SmallResNet(sum(TASKS.values())))
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        loss = fit(network, scenes, steps, progress)
        measured = accuracies(network, held_out)
    weights = out / f"{NAME}.safetensors"
    save(network, weights)
    card = _card(loss, count, steps, measured) | {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    (out / f"{NAME}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
