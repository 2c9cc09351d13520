"""Builds the embedded corpus as image files in GenImage's layout (arXiv 2306.08571).

The real class are rendered scenes; the generated class are imitations of other scenes by eight tiny generators. Both go
through the same JPEG stage. Every image depends on nothing but its own scene number: each is made by itself, with its
own random numbers and one thread, so that neither the number of workers nor the size of the build changes a byte.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from bench.embedded.scenes.filters import Pixels, blur
from bench.embedded.scenes.scene import render

VERSION = 2  # rises whenever a rebuilt corpus would differ
DESCRIPTION = "dataset.json"
CorpusSplit = Literal["train", "val"]
ClassFolder = Literal["nature", "ai"]
StageCallback = Callable[[str, int, int], None]  # what is being made, how many are done, how many in all

SOURCE_PATTERNS = ("corpus.py", "scenes/*.py", "generators/*.py", "generators/weights/*.safetensors")
SPLITS: tuple[CorpusSplit, ...] = ("train", "val")
CLASS_FOLDERS: tuple[ClassFolder, ...] = ("nature", "ai")
FIRST_SCENE = 1_000_000  # scenes of lower numbers are for tests, and for choosing the settings of detectors
SCENES_PER_FOLDER = 10_000  # scene numbers reserved for each generator, split and class
IMAGES_PER_TASK = 20
QUALITIES = (80, 98)  # lowest and highest JPEG quality
LOW_FREQUENCY_SIGMA = 5.0  # in pixels, of the Gaussian that passes the frequencies which a fake shares with its source
JPEG_NAMESPACE = 4_712  # sets the random numbers of this stage apart from those of others for the same seed


def identity() -> str:
    """Name of the corpus that `build` makes: a hash of the weights and of the code that make it."""
    here = Path(__file__).parent
    files = [path for pattern in SOURCE_PATTERNS for path in sorted(here.glob(pattern))]
    digest = hashlib.sha256("".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files).encode())
    return f"{VERSION}-{digest.hexdigest()[:12]}"


def is_built(root: Path) -> bool:
    """Whether a folder holds a complete corpus: its description is written last."""
    return (root / DESCRIPTION).is_file()


def scene_number(position: int, split: CorpusSplit, class_folder: ClassFolder, index: int) -> int:
    """Number of the scene of one image, the same in builds of every size.

    Args:
        position: Of the generator among all generators.
        split: Train or val.
        class_folder: "nature" where the scene itself is shown, "ai" where its imitation is.
        index: Of the image within its folder, below 10 000.
    """
    folder = (position * len(SPLITS) + SPLITS.index(split)) * len(CLASS_FOLDERS) + CLASS_FOLDERS.index(class_folder)
    return FIRST_SCENE + folder * SCENES_PER_FOLDER + index


def keep_low_frequencies(made: Pixels, source: Pixels) -> Pixels:
    """Give a fake the low frequencies of its source, so that shifted colours do not tell the classes apart.

    Args:
        made: uint8 (H, W, 3), the fake.
        source: uint8 (H, W, 3).

    Returns:
        uint8 (H, W, 3).
    """
    fake, scene = made.astype(np.float32), source.astype(np.float32)
    corrected = fake + blur(scene - fake, LOW_FREQUENCY_SIGMA) + np.float32(0.5)
    return corrected.clip(0, 255).astype(np.uint8)


def encode_jpeg(pixels: Pixels, number: int) -> bytes:
    """JPEG with 4:2:0 chroma and a quality from 80 to 98 that depends on the scene number alone.

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


def jpeg_round_trip(pixels: Pixels, number: int) -> Pixels:
    """The image as it is read back from its file, uint8 (H, W, 3). Arguments as for `encode_jpeg`."""
    data = np.frombuffer(encode_jpeg(pixels, number), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _ImageRange:
    """Consecutive images of one folder: those with indices from `first` to `end` - 1."""

    generator: str
    position: int
    split: CorpusSplit
    class_folder: ClassFolder
    first: int
    end: int

    def write(self, root: Path) -> list[tuple[str, str]]:
        """Make the images; the name, relative to the root, and the sha256 of each."""
        folder = f"{self.generator}/{self.split}/{self.class_folder}"
        (root / folder).mkdir(parents=True, exist_ok=True)
        written = []
        for index in range(self.first, self.end):
            number = scene_number(self.position, self.split, self.class_folder, index)
            stem, pixels = self._image(number)
            data = encode_jpeg(pixels, number)
            name = f"{folder}/{stem}.jpg"
            (root / name).write_bytes(data)
            written.append((name, hashlib.sha256(data).hexdigest()))
        return written

    def _image(self, number: int) -> tuple[str, Pixels]:
        """Name without suffix, and pixels, of one image."""
        scene = render(number)
        stem = f"{scene.kind}_{number:07d}"
        if self.class_folder == "nature":
            return stem, scene.pixels
        return f"{stem}_{self.generator}", make_fake(self.generator, scene.pixels, number)


def make_fake(generator: str, source: Pixels, number: int) -> Pixels:
    """A generator's imitation of a scene, with the low frequencies of the scene.

    Args:
        generator: Name of the generator.
        source: uint8 (H, W, 3), the scene.
        number: Its number.

    Returns:
        uint8 (H, W, 3).
    """
    from bench.embedded.generators.generator import imitate  # it imports torch, which planning a build does not need

    return keep_low_frequencies(imitate(generator, source, number), source)


def _tasks(generators: Sequence[str], per_split: tuple[int, int]) -> Iterator[_ImageRange]:
    for position, generator in enumerate(generators):
        for split, count in zip(SPLITS, per_split, strict=True):
            for class_folder in CLASS_FOLDERS:
                for first in range(0, count, IMAGES_PER_TASK):
                    end = min(count, first + IMAGES_PER_TASK)
                    yield _ImageRange(generator, position, split, class_folder, first, end)


def _start_worker() -> None:
    """Use one thread per worker: sums over several threads may differ in their last bits."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _write_all(
    folder: Path, tasks: Sequence[_ImageRange], workers: int, report: StageCallback | None
) -> list[tuple[str, str]]:
    """Run all tasks in new processes: a fork of a process that has computed with torch may deadlock."""
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


def _description(written: Sequence[tuple[str, str]], families: Mapping[str, str]) -> str:
    """The text of `dataset.json`, from the name and sha256 of every image."""
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


def build(
    root: Path, workers: int, report: StageCallback | None = None, per_split: tuple[int, int] = (200, 100)
) -> Path:
    """Build the corpus: `<root>/<generator>/{train,val}/{ai,nature}/<name>.jpg` and, last of all, `dataset.json`.

    Everything is written beside `root` and renamed at the end: a folder with that name is always complete. Names begin
    with the content class and the scene number, as in `leaves_0000042.jpg` and `leaves_0010042_ldm_a.jpg`; no scene
    is used twice.

    Args:
        root: Folder to make; it must not exist or be empty.
        workers: Processes to use; the result does not depend on it.
        report: Called in this process with "embedded corpus", the images done and the images in all.
        per_split: Training and validation images per generator and class, each at most 10 000.

    Returns:
        `root`.

    Raises:
        FileExistsError: `root` is there already.
        ValueError: `per_split` or `workers` is out of range.
    """
    limit = SCENES_PER_FOLDER
    if not all(0 < count <= limit for count in per_split) or workers < 1:
        msg = f"asked for {per_split} images and {workers} workers: give 1 to {limit} images and at least 1 worker"
        raise ValueError(msg)
    if root.exists() and any(root.iterdir()):
        msg = f"{root} is there already: remove it to build the corpus again"
        raise FileExistsError(msg)
    from bench.embedded.generators.generator import GENERATORS

    families = {generator.name: generator.family for generator in GENERATORS}
    unfinished = root.with_name(f".{root.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        written = _write_all(unfinished, list(_tasks(list(families), per_split)), workers, report)
        (unfinished / DESCRIPTION).write_text(_description(written, families))
        _move(unfinished, root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return root


def _move(finished: Path, root: Path) -> None:
    """Rename a finished corpus; where another process was faster, its corpus is the same."""
    try:
        finished.rename(root)
    except OSError:
        if not is_built(root):
            raise
