"""A small vision transformer trained by self-distillation without labels on rendered scenes.

Follows DINO (Caron et al., "Emerging Properties in Self-Supervised Vision Transformers", ICCV 2021, arXiv 2104.14294):
a student sees large and small crops of a scene and learns to say what its teacher says of the large ones; the teacher
is the student's moving average, its outputs are centred and sharpened. It takes the place of a pretrained DINOv2 where
nothing can be downloaded. It has seen no generated image and no label.

The paper's crops are resized, blurred, greyed and solarised, so that features forget how a picture was taken. Here
crops are cut, mirrored and change in brightness: the traces of cameras and of generators are to be kept.

In so short a training it learns contents a little better than its half whitened start knew them and cameras hardly: the
card gives linear probes of both.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, log_softmax, normalize, softmax

from bench.embedded.filters import Pixels
from bench.embedded.pretraining.determinism import Progress, save, seeded, threads
from bench.embedded.pretraining.small_clip import whiten_patches
from bench.embedded.pretraining.small_resnet import TASKS, LabelledScenes, graded
from bench.embedded.scenes.scene import SIDE
from detectors.api import Runtime
from detectors.embedders.dino_tower import features, normalised
from detectors.heads.linear import Logistic
from detectors.preprocessing.augmentation import IMAGENET_MEAN, IMAGENET_STD

NAME = "small_dino"
SEED = 41
FIRST_SCENE = 40_000_000  # far from the scenes of the corpus and of every other training
SCENES, HELD_OUT = 6_000, 1_000
STEPS, BATCH = 1_400, 64
LARGE, SMALL, SMALLS = 96, 48, 4  # sides of the crops in pixels; how many small ones beside the two large
GRID = 8  # crops start at multiples of it: JPEG's blocks lie as in a whole image
BRIGHTNESS = 0.3  # most change of a crop, as a share
LEARNING_RATE, WEIGHT_DECAY, CLIP = 1e-3, 0.04, 3.0
OUTPUTS, HIDDEN = 512, 256
STUDENT, TEACHER = 0.1, 0.04  # temperatures
CENTRE = 0.9  # momentum of the teacher's centre
MOMENTUM = 0.98  # of the teacher at the start; it rises to 1
THREADS = 1
WHITENING_SCENES = 300
PROBED = 2_000  # training scenes that the measuring probe is fitted on
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


def crops(rng: np.random.Generator, pixels: Pixels, side: int) -> Pixels:
    """One crop of each scene, uint8 (N, side, side, 3): half of them mirrored, each brighter or darker."""
    places = (SIDE - side) // GRID + 1
    corners, mirrored = GRID * rng.integers(0, places, (len(pixels), 2)), rng.random(len(pixels)) < 0.5
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
        large = np.concatenate([crops(rng, pixels, LARGE) for _ in range(2)])
        small = np.concatenate([crops(rng, pixels, SMALL) for _ in range(SMALLS)])
        yield normalised(torch.from_numpy(large)), normalised(torch.from_numpy(small))


def distance(student: Tensor, teacher: Tensor, centre: Tensor) -> Tensor:
    """DINO's loss: mean cross-entropy of each student view with each teacher view of another crop.

    Args:
        student: Cosines of all views, float32 (2 + smalls, N, outputs), the large crops first.
        teacher: Cosines of the large crops, float32 (2, N, outputs).
        centre: Running mean of the teacher's cosines, float32 (outputs,).
    """
    wanted = softmax((teacher - centre) / TEACHER, -1)
    said = log_softmax(student / STUDENT, -1)
    losses = [
        -(wanted[one] * said[other]).sum(-1).mean()
        for one in range(len(teacher))
        for other in range(len(student))
        if one != other
    ]
    return torch.stack(losses).mean()


def fit(
    student: DistillationNetwork, scenes: Pixels, steps: int, progress: Progress
) -> tuple[VisionTransformer, float]:
    """Train; the teacher's transformer and the mean loss of the last 20 steps."""
    teacher = copy.deepcopy(student).requires_grad_(requires_grad=False)
    optimiser = torch.optim.AdamW(student.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    centre, losses = torch.zeros(OUTPUTS), []
    for step, (large, small) in enumerate(_batches(scenes, steps)):
        told = teacher(large).view(2, BATCH, OUTPUTS)
        said = torch.cat([student(large), student(small)]).view(2 + SMALLS, BATCH, OUTPUTS)
        loss = distance(said, told, centre)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(student.parameters(), CLIP)
        optimiser.step()
        schedule.step()
        centre = CENTRE * centre + (1 - CENTRE) * told.mean((0, 1))
        _follow(teacher, student, 1 - (1 - MOMENTUM) * (1 + np.cos(np.pi * step / steps)) / 2)
        losses.append(float(loss.detach()))
        progress(NAME, step + 1, steps)
    return teacher.backbone, float(np.mean(losses[-20:]))


@torch.no_grad()
def _follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move the teacher's weights towards the student's."""
    for slow, quick in zip(teacher.parameters(), student.parameters(), strict=True):
        slow.lerp_(quick, 1 - momentum)


def probed(network: VisionTransformer, train: LabelledScenes, held_out: LabelledScenes) -> dict[str, float]:
    """How often linear probes answer whether a scene is of each task's commonest class, on held-out scenes."""
    network.eval()
    known, asked = (
        np.concatenate([features(network, "spread", list(part), Runtime()) for part in np.array_split(some.pixels, 20)])
        for some in (train, held_out)
    )
    result = {}
    for column, task in enumerate(TASKS):
        commonest = np.bincount(train.answers[:, column]).argmax()
        truth, asked_truth = (some.answers[:, column] == commonest for some in (train, held_out))
        said = Logistic(1.0).fit(known, truth.astype(np.int64), 0).decide(asked) > 0.5
        result[task] = float((said == asked_truth).mean())
    return result


def _measured(
    trained: VisionTransformer, untrained: VisionTransformer, train: LabelledScenes, held_out: LabelledScenes
) -> dict[str, dict[str, float]]:
    after, before = (probed(network, train, held_out) for network in (trained, untrained))
    result = {}
    for column, task in enumerate(TASKS):
        share = (held_out.answers[:, column] == np.bincount(train.answers[:, column]).argmax()).mean()
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
            "batch": f"{BATCH} scenes, 2 crops of {LARGE} and {SMALLS} of {SMALL} pixels each",
            "patch_embedding": f"starts half whitened on {WHITENING_SCENES} scenes",
            "optimiser": f"AdamW, {LEARNING_RATE} in one cycle, weight decay {WEIGHT_DECAY}",
            "seed": SEED,
            "last_loss": round(loss, 3),
        },
        "linear_probes_commonest_class_or_not_on_held_out_scenes": measured,
    }


def train_small_dino(out: Path, progress: Progress, effort: float = 1.0) -> None:
    """Train and write the teacher, `small_dino.safetensors` in half precision, and its card, `small_dino.json`.

    Args:
        out: Folder that receives both files.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the scenes, to try the training out.
    """
    count, steps, kept = (max(20, round(number * effort)) for number in (SCENES, STEPS, HELD_OUT))
    scenes = graded(FIRST_SCENE, count, progress)
    held_out = graded(FIRST_SCENE + SCENES, kept, progress)
    with threads(THREADS):
        student = seeded(SEED, DistillationNetwork)
        patches = student.backbone.patch_embed
        whiten_patches(patches.proj.weight, normalised(torch.from_numpy(scenes.pixels[:WHITENING_SCENES])), SEED)
        untrained = copy.deepcopy(student.backbone)
        network, loss = fit(student, scenes.pixels, steps, progress)
        some = LabelledScenes(scenes.pixels[:PROBED], scenes.answers[:PROBED])
        measured = _measured(network, untrained, some, held_out)
    weights = out / f"{NAME}.safetensors"
    save(network, weights)
    card = _card(loss, count, steps, measured) | {"sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    (out / f"{NAME}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
