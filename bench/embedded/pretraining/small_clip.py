"""A small CLIP (Radford et al., arXiv 2103.00020), trained on rendered scenes with open_clip's own model and loss.

It replaces a pretrained CLIP where nothing can be downloaded. No generated image is in its training set. Its image
tower is the small DeiT, whose weights it starts from: from random ones it learns contents in the same time and nothing
of cameras. Its captions name camera, noise and compression beside the content; its text tower knows no other word. By
zero-shot prompts it tells kind, noise, sharpening, compression, contrast and focus better than the commonest answer
does, and demosaicing, denoising, resampling, light and hue not: see the card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.loss import ClipLoss
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.embedded.corpus import StageCallback
from bench.embedded.pretraining.captions import START, Attributes, attributes, caption, vocabulary
from bench.embedded.pretraining.determinism import save_with_card, seeded
from bench.embedded.pretraining.graded_networks import DEIT
from bench.embedded.pretraining.labelled_scenes import draw_crops, labelled_scene
from bench.embedded.scenes.filters import Pixels
from bench.embedded.scenes.scene import SIDE
from detectors.architectures.support import forward_pass
from detectors.architectures.support.torch_contexts import torch_threads
from detectors.architectures.timm_networks import lineup_small_deit
from detectors.embedders.word_tokenizer import WordTokenizer
from detectors.preprocessing.augmentation import CLIP_MEAN, CLIP_STD

NAME = "small_clip"
SEED = 21
FIRST_SCENE = 20_000_000  # far from the scenes of the corpus and of the generators
SCENES, HELD_OUT = 12_000, 1_000
STEPS, BATCH, CROP = 500, 128, 64
IMAGE_RATE, TEXT_RATE, WEIGHT_DECAY, MAX_GRADIENT_NORM = 5e-4, 2e-3, 0.1, 1.0
THREADS = 1
VOCABULARY = vocabulary()
CONTEXT_LENGTH = 56
TOKENIZE = WordTokenizer(VOCABULARY, CONTEXT_LENGTH)
CONFIG: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": SIDE, "timm_model_name": lineup_small_deit.__name__, "layers": 3, "width": 64},
    "text_cfg": {"context_length": CONTEXT_LENGTH, "vocab_size": TOKENIZE.size, "width": 64, "heads": 2, "layers": 2},
    "vocabulary": VOCABULARY,
}


@dataclass(frozen=True)
class CaptionedScenes:
    """Scenes and what is said of each.

    Attributes:
        pixels: uint8 (N, 128, 128, 3), after JPEG.
        attributes: N, as `bench.embedded.pretraining.captions.attributes` returns them.
    """

    pixels: Pixels
    attributes: list[Attributes]

    def __len__(self) -> int:
        return len(self.attributes)


def _render_captioned_scenes(first: int, count: int, progress: StageCallback) -> CaptionedScenes:
    """Render and compress scenes with consecutive numbers."""
    pixels, texts = np.empty((count, SIDE, SIDE, 3), np.uint8), []
    for index in range(count):
        scene, pixels[index], labels = labelled_scene(first + index)
        texts.append(attributes(labels, pixels[index], shallow_focus=scene.shallow_focus))
        progress("captioned scenes", index + 1, count)
    return CaptionedScenes(pixels, texts)


def new_model() -> Any:  # noqa: ANN401 - open_clip has no types
    """Image and text tower with randomly initialised weights."""
    return open_clip.CLIP(CONFIG["embed_dim"], CONFIG["vision_cfg"], CONFIG["text_cfg"])


def normalised(pixels: Pixels) -> Tensor:
    """The input of the image tower, float32 (N, 3, H, W), from uint8 (N, H, W, 3)."""
    return forward_pass.normalised(torch.from_numpy(pixels), CLIP_MEAN, CLIP_STD)


def _tokens(texts: list[str]) -> Tensor:
    return torch.from_numpy(TOKENIZE(texts))


def _batches(scenes: CaptionedScenes, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Random crops, and tokens of newly drawn captions."""
    rng = np.random.default_rng(SEED)
    for _ in range(steps):
        chosen, crops = draw_crops(rng, scenes.pixels, BATCH, CROP)
        yield normalised(crops), _tokens([caption(scenes.attributes[index], rng) for index in chosen])


def _optimiser(model: Any) -> torch.optim.AdamW:  # noqa: ANN401 - open_clip has no types
    """AdamW with a lower rate for the image tower, which has learnt something already."""
    text = [tensor for name, tensor in model.named_parameters() if not name.startswith("visual.")]
    groups = [{"params": list(model.visual.parameters()), "lr": IMAGE_RATE}, {"params": text, "lr": TEXT_RATE}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)


def fit(model: Any, scenes: CaptionedScenes, steps: int, progress: StageCallback) -> float:  # noqa: ANN401 - open_clip has no types
    """Train image and text tower together; returns the mean loss of the last 20 steps."""
    optimiser = _optimiser(model)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, [IMAGE_RATE, TEXT_RATE], total_steps=steps, pct_start=0.1)
    contrast = ClipLoss()
    losses = []
    model.train()
    for step, (images, tokens) in enumerate(_batches(scenes, steps)):
        loss = contrast(*model(images, tokens))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
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
    result = {}
    for attribute in scenes.attributes[0]:
        truth = [texts[attribute] for texts in scenes.attributes]
        counts = Counter(truth)
        choices = sorted(counts)
        prompts = [f"{START} {text}" if attribute == "kind" else f"a photo, {text}" for text in choices]
        nearest = (images @ model.encode_text(_tokens(prompts), normalize=True).T).argmax(1).tolist()
        right = sum(choices[index] == text for index, text in zip(nearest, truth, strict=True))
        majority = counts.most_common(1)[0][1] / len(truth)
        result[attribute] = {"accuracy": round(right / len(truth), 4), "majority": round(majority, 4)}
    return result


def _card(training: dict[str, Any], held_out: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        "name": NAME,
        "title": "Small CLIP of rendered scenes",
        "licence": "Apache-2.0",
        **CONFIG,
        "preprocessing": {"mean": CLIP_MEAN, "std": CLIP_STD},
        "training": {
            "data": "rendered scenes after JPEG, with captions of content, light, colour, camera and compression",
            "first_scene": FIRST_SCENE,
            "batch": f"{BATCH} crops of {CROP} pixels",
            "image_tower": f"starts from {DEIT.name}",
            "optimiser": f"AdamW in one cycle, {IMAGE_RATE} for images, {TEXT_RATE} for texts, weight decay"
            f" {WEIGHT_DECAY}",
            "max_gradient_norm": MAX_GRADIENT_NORM,
            "seed": SEED,
            **training,
        },
        "zero_shot_on_held_out_scenes": held_out,
    }


def train_small_clip(out: Path, start: Path, progress: StageCallback, effort: float = 1.0) -> None:
    """Train and write both towers, `small_clip.safetensors` in half precision, and their card, `small_clip.json`.

    Args:
        out: Folder that receives both files.
        start: Folder of the small DeiT that the image tower starts from.
        progress: Called after each step with the name, the steps done and the steps in all.
        effort: Share of the steps and of the scenes, to try the training out.
    """
    count, steps, kept = (max(2, round(number * effort)) for number in (SCENES, STEPS, HELD_OUT))
    scenes = _render_captioned_scenes(FIRST_SCENE, count, progress)
    held_out = _render_captioned_scenes(FIRST_SCENE + SCENES, kept, progress)
    with torch_threads(THREADS):
        model = seeded(SEED, new_model)
        tensors = load_file(start / f"{DEIT.name}.safetensors")
        model.visual.trunk.load_state_dict({name: part for name, part in tensors.items() if "head." not in name})
        model.visual.to(memory_format=torch.channels_last)
        loss = fit(model, scenes, steps, progress)
        accuracies = _zero_shot_accuracies(model, held_out)
    card = _card({"scenes": count, "steps": steps, "last_loss": round(loss, 3)}, accuracies)
    save_with_card(model, card, out)
