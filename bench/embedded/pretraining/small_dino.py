"""A small vision transformer trained by self-distillation without labels on rendered scenes.

Follows DINO (Caron et al., "Emerging Properties in Self-Supervised Vision Transformers", ICCV 2021, arXiv 2104.14294):
a student learns to predict, from large and small crops of a scene, its teacher's outputs for the large ones; the
teacher is the student's moving average, its outputs are centred and sharpened. It replaces a pretrained DINOv2 where
nothing can be downloaded. No generated image and no label is in its training set.

The paper's crops are resized, blurred, greyed and solarised, so that features become invariant to the way in which an
image was taken. Here crops are cut, mirrored and change in brightness: the traces of cameras and of generators must be
kept.

In so short a training the features of contents become a little better than those of the half whitened initial weights,
and those of cameras hardly: the card gives linear probes of both.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, log_softmax, normalize, softmax

from bench.embedded.corpus import StageCallback
from bench.embedded.pretraining.determinism import save_with_card, seeded
from bench.embedded.pretraining.labelled_scenes import TASKS, LabelledScenes, render_labelled_scenes
from bench.embedded.pretraining.patch_whitening import whiten_patches
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE
from detectors.api import Embeddings
from detectors.architectures.support.forward_pass import normalised
from detectors.architectures.support.torch_contexts import torch_threads
from detectors.embedders.dino_tower import DinoTokens
from detectors.heads.linear import Logistic
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD

NAME = "small_dino"
SEED = 41
FIRST_SCENE = 40_000_000  # far from the scenes of the corpus and of every other training
SCENES, HELD_OUT = 6_000, 1_000
STEPS, BATCH = 1_400, 64
LARGE, SMALL, SMALL_CROPS = 96, 48, 4  # sides of the crops in pixels; number of small ones beside two large ones
GRID = 8  # crops start at multiples of it, so that JPEG's blocks are as in a whole image
BRIGHTNESS = 0.3  # largest change of a crop, as a share
LEARNING_RATE, WEIGHT_DECAY, MAX_GRADIENT_NORM = 1e-3, 0.04, 3.0
OUTPUTS, HIDDEN = 512, 256
STUDENT_TEMPERATURE, TEACHER_TEMPERATURE = 0.1, 0.04
CENTRE_MOMENTUM = 0.9  # momentum of the teacher's centre
TEACHER_MOMENTUM = 0.98  # of the teacher at the start; it rises to 1
THREADS = 1
WHITENING_SCENES = 300
PROBE_SCENES = 2_000  # training scenes that linear probes are fitted on
CONFIG: dict[str, Any] = {
    "img_size": SIDE,
    "patch_size": 16,
    "embed_dim": 64,
    "depth": 3,
    "num_heads": 4,
    "mlp_ratio": 2.0,
    "num_classes": 0,
    "dynamic_img_size": True,
}


class DistillationNetwork(nn.Module):
    """A transformer and DINO's head: three layers to a unit vector, compared with unit prototypes."""

    def __init__(self) -> None:
        super().__init__()
        width = CONFIG["embed_dim"]
        self.backbone = VisionTransformer(**CONFIG)
        self.first, self.second = nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, width)
        self.prototypes = nn.Parameter(torch.randn(OUTPUTS, width))

    def forward(self, images: Tensor) -> Tensor:
        """Cosines with the prototypes, float32 (N, 512)."""
        hidden = self.second(gelu(self.first(self.backbone(images))))
        return linear(normalize(hidden, dim=1), normalize(self.prototypes, dim=1))


def random_crops(rng: np.random.Generator, pixels: Pixels, side: int) -> Pixels:
    """One crop of each scene, uint8 (N, side, side, 3): half of them mirrored, each brighter or darker."""
    positions = (SIDE - side) // GRID + 1
    corners, mirrored = GRID * rng.integers(0, positions, (len(pixels), 2)), rng.random(len(pixels)) < 0.5
    gains = rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS, len(pixels))
    made = np.empty((len(pixels), side, side, 3), np.uint8)
    for crop, scene, (top, left), mirror, gain in zip(made, pixels, corners, mirrored, gains, strict=True):
        cut = scene[top : top + side, left : left + side]
        crop[:] = np.clip((cut[:, ::-1] if mirror else cut) * gain, 0, 255)
    return made


def _batches(scenes: Pixels, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Large crops (2 N, 3, 96, 96) and small crops (4 N, 3, 48, 48), normalised, one view after the other."""
    rng = np.random.default_rng(SEED)
    for _ in range(steps):
        pixels = scenes[rng.integers(0, len(scenes), BATCH)]
        large = np.concatenate([random_crops(rng, pixels, LARGE) for _ in range(2)])
        small = np.concatenate([random_crops(rng, pixels, SMALL) for _ in range(SMALL_CROPS)])
        yield _normalised(large), _normalised(small)


def _normalised(pixels: Pixels) -> Tensor:
    """Images uint8 (N, H, W, 3), normalised with ImageNet's statistics: float32 (N, 3, H, W)."""
    return normalised(torch.from_numpy(pixels), IMAGENET_MEAN, IMAGENET_STD)


def distillation_loss(student: Tensor, teacher: Tensor, centre: Tensor) -> Tensor:
    """DINO's loss: mean cross-entropy of each student view with each teacher view of another crop.

    Args:
        student: Cosines of all views, float32 (2 + SMALL_CROPS, N, OUTPUTS), the large crops first.
        teacher: Cosines of the large crops, float32 (2, N, OUTPUTS).
        centre: Running mean of the teacher's cosines, float32 (OUTPUTS,).
    """
    targets = softmax((teacher - centre) / TEACHER_TEMPERATURE, -1)
    predictions = log_softmax(student / STUDENT_TEMPERATURE, -1)
    losses = [
        -(targets[target] * predictions[view]).sum(-1).mean()
        for target in range(len(teacher))
        for view in range(len(student))
        if target != view
    ]
    return torch.stack(losses).mean()


def fit(
    student: DistillationNetwork, scenes: Pixels, steps: int, progress: StageCallback
) -> tuple[VisionTransformer, float]:
    """Train; returns the teacher's transformer and the mean loss of the last 20 steps."""
    teacher = copy.deepcopy(student).requires_grad_(requires_grad=False)
    optimiser = torch.optim.AdamW(student.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    centre, losses = torch.zeros(OUTPUTS), []
    for step, (large, small) in enumerate(_batches(scenes, steps)):
        targets = teacher(large).view(2, BATCH, OUTPUTS)
        outputs = torch.cat([student(large), student(small)]).view(2 + SMALL_CROPS, BATCH, OUTPUTS)
        loss = distillation_loss(outputs, targets, centre)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), MAX_GRADIENT_NORM)
        optimiser.step()
        schedule.step()
        centre = CENTRE_MOMENTUM * centre + (1 - CENTRE_MOMENTUM) * targets.mean((0, 1))
        _update_teacher(teacher, student, 1 - (1 - TEACHER_MOMENTUM) * (1 + np.cos(np.pi * step / steps)) / 2)
        losses.append(float(loss.detach()))
        progress(NAME, step + 1, steps)
    return teacher.backbone, float(np.mean(losses[-20:]))


@torch.no_grad()
def _update_teacher(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move the teacher's weights towards the student's, in place."""
    for average, current in zip(teacher.parameters(), student.parameters(), strict=True):
        average.lerp_(current, 1 - momentum)


def _probe_accuracies(network: VisionTransformer, train: LabelledScenes, held_out: LabelledScenes) -> dict[str, float]:
    """Accuracy of linear probes for each task's commonest class against all others, on held-out scenes."""
    network.eval()
    train_features, held_out_features = (_features(network, scenes.pixels) for scenes in (train, held_out))
    result = {}
    for column, task in enumerate(TASKS):
        commonest = np.bincount(train.labels[:, column]).argmax()
        train_truth, held_out_truth = (scenes.labels[:, column] == commonest for scenes in (train, held_out))
        probe = Logistic(1.0).fit(train_features, train_truth.astype(np.int64), 0)
        result[task] = float(((probe.decide(held_out_features) > 0.5) == held_out_truth).mean())
    return result


def _features(network: VisionTransformer, pixels: Pixels) -> Embeddings:
    """Features of uint8 (N, H, W, 3), in twenty batches."""
    tower = DinoTokens(network, "spread")
    with torch.inference_mode():
        return np.concatenate([tower(_normalised(part)).numpy() for part in np.array_split(pixels, 20)])


def _measure(
    trained: VisionTransformer, untrained: VisionTransformer, train: LabelledScenes, held_out: LabelledScenes
) -> dict[str, dict[str, float]]:
    after, before = (_probe_accuracies(network, train, held_out) for network in (trained, untrained))
    result = {}
    for column, task in enumerate(TASKS):
        share = (held_out.labels[:, column] == np.bincount(train.labels[:, column]).argmax()).mean()
        numbers = {"accuracy": after[task], "untrained": before[task], "majority": max(float(share), 1 - float(share))}
        result[task] = {name: round(number, 4) for name, number in numbers.items()}
    return result


def _card(loss: float, scenes: int, steps: int, measured: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        "name": NAME,
        "title": "Small self-distilled vision transformer of rendered scenes",
        "licence": "Apache-2.0",
        "network": CONFIG,
        "preprocessing": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
        "training": {
            "data": "rendered scenes after JPEG, without labels; no generated image",
            "first_scene": FIRST_SCENE,
            "scenes": scenes,
            "steps": steps,
            "batch": f"{BATCH} scenes, 2 crops of {LARGE} and {SMALL_CROPS} of {SMALL} pixels each",
            "patch_embedding": f"starts half whitened on {WHITENING_SCENES} scenes",
            "optimiser": f"AdamW, {LEARNING_RATE} in one cycle, weight decay {WEIGHT_DECAY}",
            "seed": SEED,
            "last_loss": round(loss, 3),
        },
        "linear_probes_commonest_class_or_not_on_held_out_scenes": measured,
    }


def train_small_dino(out: Path, progress: StageCallback, effort: float = 1.0) -> None:
    """Train and write the teacher, `small_dino.safetensors` in half precision, and its card, `small_dino.json`.

    Args:
        out: Folder that receives both files.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the scenes, to try the training out.
    """
    count, steps, kept = (max(20, round(number * effort)) for number in (SCENES, STEPS, HELD_OUT))
    scenes = render_labelled_scenes(FIRST_SCENE, count, progress)
    held_out = render_labelled_scenes(FIRST_SCENE + SCENES, kept, progress)
    with torch_threads(THREADS):
        student = seeded(SEED, DistillationNetwork)
        patches = student.backbone.patch_embed
        whiten_patches(patches.proj.weight, _normalised(scenes.pixels[:WHITENING_SCENES]), SEED)
        untrained = copy.deepcopy(student.backbone)
        network, loss = fit(student, scenes.pixels, steps, progress)
        probe_scenes = LabelledScenes(scenes.pixels[:PROBE_SCENES], scenes.labels[:PROBE_SCENES])
        measured = _measure(network, untrained, probe_scenes, held_out)
    save_with_card(network, _card(loss, count, steps, measured), out)
