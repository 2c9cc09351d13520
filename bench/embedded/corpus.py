"""Builds the embedded corpus as image files in GenImage's layout (arXiv 2306.08571).

The real class are rendered scenes; the generated class are imitations of other scenes by eight tiny generators. Both go
through the same JPEG stage. Every image depends on nothing but its own scene number: each is made alone, with its own
random numbers and one thread, so that neither the number of workers nor the size of the build changes a byte.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from bench.embedded.filters import Pixels, blurred
from bench.embedded.scenes.scene import render

VERSION = 2  # rises whenever a rebuilt corpus would differ
MANIFEST = "dataset.json"
CorpusSplit = Literal["train", "val"]
Label = Literal["nature", "ai"]
Report = Callable[[str, int, int], None]  # what is being made, images done, images in all

MAKERS = ("corpus.py", "filters.py", "scenes/*.py", "generators/*.py", "generators/weights/*.safetensors")
SPLITS: tuple[CorpusSplit, ...] = ("train", "val")
LABELS: tuple[Label, ...] = ("nature", "ai")
FIRST_SCENE = 1_000_000  # detectors were given their settings on scenes below this: the corpus shows none of those
STRIDE = 10_000  # scene numbers set aside for each generator, split and label
BATCH = 20  # images per task of a worker
QUALITIES = (80, 98)
LOW_FREQUENCIES = 5.0  # sigma in pixels of the Gaussian below which a fake keeps the colours of its source
JPEG_NAMESPACE = 4_712


def identity() -> str:
    """Name of the corpus that `build` makes: a hash of the weights and of the code that make it."""
    here = Path(__file__).parent
    makers = [path for pattern in MAKERS for path in sorted(here.glob(pattern))]
    digest = hashlib.sha256("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in makers).encode())
    return f"{VERSION}-{digest.hexdigest()[:12]}"


def is_built(root: Path) -> bool:
    """Whether a complete corpus lies there: its manifest comes last."""
    return (root / MANIFEST).is_file()


def scene_number(position: int, split: CorpusSplit, label: Label, index: int) -> int:
    """Number of the scene behind one image, the same in builds of every size.

    Args:
        position: Of the generator among all generators.
        split: Train or val.
        label: Whether the scene is shown as it is or imitated.
        index: Of the image within its folder, below 10 000.
    """
    folder = (position * len(SPLITS) + SPLITS.index(split)) * len(LABELS) + LABELS.index(label)
    return FIRST_SCENE + folder * STRIDE + index


def keep_low_frequencies(made: Pixels, source: Pixels) -> Pixels:
    """Give a fake the low frequencies of its source, so that a detector cannot live on shifted colours."""
    fake, scene = made.astype(np.float32), source.astype(np.float32)
    corrected = fake + blurred(scene - fake, LOW_FREQUENCIES) + np.float32(0.5)
    return corrected.clip(0, 255).astype(np.uint8)


def encode(pixels: Pixels, number: int) -> bytes:
    """JPEG with 4:2:0 chroma and a quality from 80 to 98 that only the scene number decides.

    Args:
        pixels: uint8 (H, W, 3), RGB.
        number: Scene number.
    """
    low, high = QUALITIES
    quality = int(np.random.default_rng([JPEG_NAMESPACE, number]).integers(low, high + 1))
    chroma = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()


def as_jpeg(pixels: Pixels, number: int) -> Pixels:
    """The image as it is read back from its file."""
    data = np.frombuffer(encode(pixels, number), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _Task:
    """Some neighbouring images of one folder."""

    generator: str
    position: int
    split: CorpusSplit
    label: Label
    first: int
    end: int

    def write(self, root: Path) -> list[tuple[str, str]]:
        """Make the images; the name, relative to the root, and the sha256 of each."""
        folder = f"{self.generator}/{self.split}/{self.label}"
        (root / folder).mkdir(parents=True, exist_ok=True)
        written = []
        for index in range(self.first, self.end):
            number = scene_number(self.position, self.split, self.label, index)
            stem, pixels = self._image(number)
            data = encode(pixels, number)
            name = f"{folder}/{stem}.jpg"
            (root / name).write_bytes(data)
            written.append((name, hashlib.sha256(data).hexdigest()))
        return written

    def _image(self, number: int) -> tuple[str, Pixels]:
        scene = render(number)
        stem = f"{scene.kind}_{number:07d}"
        if self.label == "nature":
            return stem, scene.pixels
        return f"{stem}_{self.generator}", fake(self.generator, scene.pixels, number)


def fake(generator: str, source: Pixels, number: int) -> Pixels:
    """A generator's imitation of a scene, with the low frequencies of the scene."""
    from bench.embedded.generators.generator import (
        imitate,
    )  # loads torch, which whoever only plans a build does not need

    return keep_low_frequencies(imitate(generator, source, number), source)


def _tasks(generators: list[str], per_split: tuple[int, int]) -> Iterator[_Task]:
    for position, generator in enumerate(generators):
        for split, count in zip(SPLITS, per_split, strict=True):
            for label in LABELS:
                for first in range(0, count, BATCH):
                    yield _Task(generator, position, split, label, first, min(count, first + BATCH))


def _start_worker() -> None:
    """One thread per worker: sums over several threads may differ in their last bits."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _write_all(folder: Path, tasks: list[_Task], workers: int, report: Report | None) -> list[tuple[str, str]]:
    """Run all tasks in fresh processes: a fork of a process that has computed with torch may hang."""
    total = sum(task.end - task.first for task in tasks)
    written: list[tuple[str, str]] = []
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_start_worker)
    try:
        for finished in as_completed([pool.submit(task.write, folder) for task in tasks]):
            written += finished.result()
            if report:
                report("embedded corpus", len(written), total)
    finally:
        pool.shutdown(cancel_futures=True)
    return sorted(written)


def _manifest(written: list[tuple[str, str]], families: dict[str, str]) -> str:
    digest = hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256 in written).encode()).hexdigest()
    facts = {
        "title": "rendered scenes, tiny generators",
        "kind": "embedded",
        "version": VERSION,
        "images": len(written),
        "families": families,
        "digest": digest,
    }
    return json.dumps(facts, indent=2) + "\n"


def build(root: Path, workers: int, report: Report | None = None, per_split: tuple[int, int] = (200, 100)) -> Path:
    """Build the corpus: `<root>/<generator>/{train,val}/{ai,nature}/<name>.jpg` and, last of all, `dataset.json`.

    Everything is written beside `root` and renamed at the end: a folder with that name is always complete. Names begin
    with the content class and the scene number, as in `leaves_0000042.jpg` and `leaves_0010042_ldm_a.jpg`; no scene
    is used twice.

    Args:
        root: Folder to make; it must not exist or be empty.
        workers: Processes to use; the result does not depend on it.
        report: Called in this process with "embedded corpus", the images done and the images in all.
        per_split: Training and validation images per generator and label, each at most 10 000.

    Returns:
        `root`.

    Raises:
        FileExistsError: `root` is there already.
        ValueError: `per_split` or `workers` is out of range.
    """
    if not all(0 < count <= STRIDE for count in per_split) or workers < 1:
        msg = f"asked for {per_split} images and {workers} workers: give 1 to {STRIDE} images and at least 1 worker"
        raise ValueError(msg)
    if root.exists() and any(root.iterdir()):
        msg = f"{root} is there already: remove it to build the corpus again"
        raise FileExistsError(msg)
    from bench.embedded.generators.generator import GENERATORS

    families = {one.name: one.family for one in GENERATORS}
    unfinished = root.with_name(f".{root.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        written = _write_all(unfinished, list(_tasks(list(families), per_split)), workers, report)
        (unfinished / MANIFEST).write_text(_manifest(written, dict(families)))
        _move(unfinished, root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return root


def _move(finished: Path, root: Path) -> None:
    """Rename; where another process was faster, its corpus is the same."""
    try:
        finished.rename(root)
    except OSError:
        if not is_built(root):
            raise
