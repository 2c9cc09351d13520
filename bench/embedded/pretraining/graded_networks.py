"""Pretraining by grading: a classification of rendered photographs by content, camera and compression.

It replaces ImageNet for the small networks: real images only, and labels that have nothing to do with generators. To
recognise the settings of a camera, a network must use noise, edges and resampling; shapes alone are not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.embedded.corpus import StageCallback
from bench.embedded.pretraining.determinism import save_with_card, seeded
from bench.embedded.pretraining.labelled_scenes import TASKS, LabelledScenes, draw_crops, render_labelled_scenes
from bench.embedded.scenes.filters import Pixels
from detectors.architectures.small_networks import SmallResNet
from detectors.architectures.support import forward_pass
from detectors.architectures.support.torch_contexts import torch_threads
from detectors.architectures.timm_networks import small_deit, small_swin
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD

SEED = 31
FIRST_SCENE = 30_000_000  # far from the scenes of the corpus, of the generators and of the small CLIP
SCENES, HELD_OUT = 12_000, 1_000
BATCH, CROP = 64, 64
WEIGHT_DECAY = 0.02
THREADS = 1


@dataclass(frozen=True)
class GradedNetwork:
    """A network that is trained to grade.

    Attributes:
        name: Of its file and its card.
        title: On its card.
        make: Makes it with this many outputs, with random weights; another function of `architectures`.
        steps: Of the training.
        learning_rate: The highest.
        max_gradient_norm: To which gradients are cut; infinite for no limit.
        stem: Prefix of the names of its stem, which starts from the weights of the small ResNet; None for none.
    """

    name: str
    title: str
    make: Callable[[int], nn.Module]
    steps: int
    learning_rate: float
    max_gradient_norm: float = float("inf")
    stem: str | None = None


RESNET = GradedNetwork(
    "small_resnet", "Small residual network that grades rendered photographs", SmallResNet, 2_400, 4e-3
)
STEM = "patch_embed.proj."
DEIT = GradedNetwork("small_deit", "Small DeiT that grades rendered photographs", small_deit, 2_000, 2e-3, 1.0, STEM)
SWIN = GradedNetwork("small_swin", "Small Swin that grades rendered photographs", small_swin, 2_000, 2e-3, 1.0, STEM)


def normalised(pixels: Pixels) -> Tensor:
    """The input of the network, float32 (N, 3, H, W), from uint8 (N, H, W, 3)."""
    return forward_pass.normalised(torch.from_numpy(pixels), IMAGENET_MEAN, IMAGENET_STD)


def _batches(scenes: LabelledScenes, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Random crops with their labels."""
    rng = np.random.default_rng(SEED)
    for _ in range(steps):
        chosen, crops = draw_crops(rng, scenes.pixels, BATCH, CROP)
        yield normalised(crops), torch.from_numpy(scenes.labels[chosen])


def fit(
    network: nn.Module, graded: GradedNetwork, scenes: LabelledScenes, steps: int, progress: StageCallback
) -> float:
    """Train on the sum of the cross-entropies of all tasks; returns the mean loss of the last 20 steps."""
    rate = graded.learning_rate
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.15)
    losses = []
    network.train()
    for step, (images, labels) in enumerate(_batches(scenes, steps)):
        outputs = torch.split(network(images), list(TASKS.values()), dim=1)
        loss = torch.stack([cross_entropy(*pair) for pair in zip(outputs, labels.T, strict=True)]).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), graded.max_gradient_norm)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        progress(graded.name, step + 1, steps)
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


def _card(
    graded: GradedNetwork, loss: float, scenes: int, steps: int, held_out: dict[str, dict[str, float]]
) -> dict[str, Any]:
    training = {
        "data": "rendered scenes after JPEG; no generated image",
        "first_scene": FIRST_SCENE,
        "scenes": scenes,
        "steps": steps,
        "batch": f"{BATCH} crops of {CROP} pixels",
        "optimiser": f"AdamW, {graded.learning_rate} in one cycle, weight decay {WEIGHT_DECAY}",
        "seed": SEED,
        "last_loss": round(loss, 3),
    }
    if graded.stem is not None:
        training["stem"] = f"starts from {RESNET.name}"
    if graded.max_gradient_norm < float("inf"):
        training["max_gradient_norm"] = graded.max_gradient_norm
    return {
        "name": graded.name,
        "title": graded.title,
        "licence": "Apache-2.0",
        "network": f"{graded.make.__module__}.{graded.make.__name__}",
        "outputs": TASKS,
        "preprocessing": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
        "training": training,
        "accuracy_on_held_out_scenes": held_out,
    }


def train_graded_network(
    graded: GradedNetwork, out: Path, start: Path, progress: StageCallback, effort: float = 1.0
) -> None:
    """Train and write a network, `<name>.safetensors` in half precision, and its card, `<name>.json`.

    Args:
        graded: The network.
        out: Folder that receives both files.
        start: Folder of the small ResNet, from which the stem of another network starts.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the scenes, to try the training out.
    """
    count, steps, kept = (max(2, round(number * effort)) for number in (SCENES, graded.steps, HELD_OUT))
    scenes = render_labelled_scenes(FIRST_SCENE, count, progress)
    held_out = render_labelled_scenes(FIRST_SCENE + SCENES, kept, progress)
    with torch_threads(THREADS):
        network = seeded(SEED, lambda: graded.make(sum(TASKS.values())))
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if graded.stem is not None:
            copy_stem(network, graded.stem, load_file(start / f"{RESNET.name}.safetensors"))
        loss = fit(network, graded, scenes, steps, progress)
        measured = accuracies(network, held_out)
    save_with_card(network, _card(graded, loss, count, steps, measured), out)


@torch.no_grad()
def copy_stem(network: nn.Module, prefix: str, resnet: dict[str, Tensor]) -> None:
    """Give the stem of a network the weights of the small ResNet, wherever both have the same name."""
    for name, tensor in network.state_dict().items():
        if name.startswith(prefix) and name.removeprefix(prefix) in resnet:
            tensor.copy_(resnet[name.removeprefix(prefix)])
