"""A small CLIP (Radford et al., arXiv 2103.00020), trained on rendered scenes with open_clip's own model and loss.

It replaces a pretrained CLIP where nothing can be downloaded. No generated image is in its training set.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.loss import ClipLoss
from torch import Tensor

from bench.embedded.corpus import StageCallback, jpeg_round_trip
from bench.embedded.pretraining.captions import attributes, caption
from bench.embedded.pretraining.determinism import save, seeded, threads
from bench.embedded.pretraining.patch_whitening import whiten_patches
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE, render

NAME = "small_clip"
SEED = 21
FIRST_SCENE = 20_000_000  # far from the scenes of the corpus and of the generators
SCENES, HELD_OUT = 10_000, 1_000
STEPS, BATCH = 800, 128
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.1
THREADS = 1
WHITENING_SCENES = 300
CONFIG: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": SIDE, "layers": 6, "width": 128, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 40, "vocab_size": 49_408, "width": 128, "heads": 4, "layers": 2},
}
MEAN = (0.48145466, 0.4578275, 0.40821073)  # as for the published image towers
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class CaptionedScenes:
    """Scenes and the words for each.

    Attributes:
        pixels: uint8 (N, 128, 128, 3), after the JPEG stage.
        attributes: N, as `bench.embedded.pretraining.captions.attributes` returns them.
    """

    pixels: Pixels
    attributes: list[dict[str, str]]

    def __len__(self) -> int:
        return len(self.attributes)


def _render_captioned_scenes(first: int, count: int, progress: StageCallback) -> CaptionedScenes:
    """Render scenes with consecutive numbers, as the corpus would hold them."""
    pixels = np.empty((count, SIDE, SIDE, 3), np.uint8)
    words = []
    for index in range(count):
        scene = render(first + index)
        pixels[index] = jpeg_round_trip(scene.pixels, first + index)
        words.append(attributes(scene, pixels[index]))
        progress("captioned scenes", index + 1, count)
    return CaptionedScenes(pixels, words)


def normalised(pixels: Pixels) -> Tensor:
    """The input of the image tower, float32 (N, 3, H, W), from uint8 (N, H, W, 3)."""
    unit = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255
    return (unit - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def _tokenizer() -> Callable[[list[str]], Tensor]:
    tokenize: Callable[[list[str]], Tensor] = open_clip.SimpleTokenizer(
        context_length=CONFIG["text_cfg"]["context_length"]
    )
    return tokenize


def _batches(scenes: CaptionedScenes, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Images, half of the batches mirrored, and tokens of newly drawn captions."""
    rng, tokenize = np.random.default_rng(SEED), _tokenizer()
    for _ in range(steps):
        chosen = rng.integers(0, len(scenes), BATCH)
        pixels = scenes.pixels[chosen]
        if rng.random() < 0.5:
            pixels = pixels[:, :, ::-1]
        yield normalised(pixels), tokenize([caption(scenes.attributes[index], rng) for index in chosen])


def fit(model: Any, scenes: CaptionedScenes, steps: int, progress: StageCallback) -> float:  # noqa: ANN401 - open_clip has no types
    """Train image and text tower together; returns the mean loss of the last 20 steps."""
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    contrast = ClipLoss()
    losses = []
    model.train()
    for step, (images, tokens) in enumerate(_batches(scenes, steps)):
        loss = contrast(*model(images, tokens))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, np.log(100))  # as in the paper
        losses.append(float(loss.detach()))
        progress(NAME, step + 1, steps)
    return float(np.mean(losses[-20:]))


@torch.inference_mode()
def _zero_shot_accuracies(model: Any, scenes: CaptionedScenes) -> dict[str, dict[str, float]]:  # noqa: ANN401 - open_clip has no types
    """Zero-shot accuracy of each attribute, beside the share of its commonest word."""
    model.eval()
    chunks = [scenes.pixels[first : first + 100] for first in range(0, len(scenes), 100)]
    images = torch.cat([model.encode_image(normalised(chunk), normalize=True) for chunk in chunks])
    tokenize = _tokenizer()
    result = {}
    for attribute in scenes.attributes[0]:
        truth = [words[attribute] for words in scenes.attributes]
        counts = Counter(truth)
        choices = sorted(counts)
        prompts = [f"a photo of {word}" if attribute == "kind" else f"a photo, {word}" for word in choices]
        nearest = (images @ model.encode_text(tokenize(prompts), normalize=True).T).argmax(1).tolist()
        right = sum(choices[index] == word for index, word in zip(nearest, truth, strict=True))
        majority = counts.most_common(1)[0][1] / len(truth)
        result[attribute] = {"accuracy": round(right / len(truth), 4), "majority": round(majority, 4)}
    return result


def _card(weights: Path, training: dict[str, Any], held_out: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        "name": NAME,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "title": "Small CLIP of rendered scenes",
        "licence": "Apache-2.0",
        **CONFIG,
        "preprocessing": {"mean": MEAN, "std": STD},
        "training": {
            "data": "rendered scenes after JPEG, with captions of content, light, colour, noise, sharpness and focus",
            "first_scene": FIRST_SCENE,
            "batch": BATCH,
            "patch_embedding": f"starts half whitened on {WHITENING_SCENES} scenes",
            "optimiser": f"AdamW, {LEARNING_RATE} in one cycle, weight decay {WEIGHT_DECAY}",
            "seed": SEED,
            **training,
        },
        "zero_shot_on_held_out_scenes": held_out,
    }


def train_small_clip(out: Path, progress: StageCallback, effort: float = 1.0) -> None:
    """Train and write the image tower, `small_clip.safetensors` in half precision, and its card, `small_clip.json`.

    The text tower is only needed to train and to measure.

    Args:
        out: Folder that receives both files.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the scenes, to try the training out.
    """
    count, steps, kept = (max(2, round(number * effort)) for number in (SCENES, STEPS, HELD_OUT))
    scenes = _render_captioned_scenes(FIRST_SCENE, count, progress)
    held_out = _render_captioned_scenes(FIRST_SCENE + SCENES, kept, progress)
    with threads(THREADS):
        model = seeded(SEED, lambda: open_clip.CLIP(**CONFIG))
        whiten_patches(model.visual.conv1.weight, normalised(scenes.pixels[:WHITENING_SCENES]), SEED)
        loss = fit(model, scenes, steps, progress)
        accuracies = _zero_shot_accuracies(model, held_out)
    weights = out / f"{NAME}.safetensors"
    save(model.visual, weights)
    card = _card(weights, {"scenes": count, "steps": steps, "last_loss": round(loss, 3)}, accuracies)
    (out / f"{NAME}.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
