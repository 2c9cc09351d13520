"""`lineup score`: per-image scores of one loaded detector, for images of any folder or archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.engine.image_pass import in_chunks
from bench.engine.scoring import ScoringRequest, answers
from bench.evaluation.metrics import called_generated
from bench.images.decoding.decoder import decode
from bench.images.files.local import open_local
from bench.images.files.tree import IMAGE_SUFFIXES, Folder, Tree
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.request.devices import runtime
from bench.request.saved_detectors import restore
from detectors import catalogue
from detectors.api import Detector, Sample, Setting, Unavailable
from detectors.weight_file import WrongWeights
from protocols.api import NONE
from protocols.degradations import degradation

VERDICTS = ("generated", "real")
NAN = float("nan")


@dataclass(frozen=True)
class ScoreRequest:
    """What is scored with what, as the command line has it."""

    images: Sequence[Path]
    detector: str | None
    weights: Path | None
    fitted: Path | None
    setting: Setting
    device: str
    precision: str
    batch_size: int
    workers: int


@dataclass(frozen=True)
class _Image:
    """One image and where it lies."""

    name: str
    tree: Tree
    place: str

    def sample(self) -> Sample:
        """Decode it. Raises `UnreadableImage` and OSError."""
        return decode(self.tree.read(self.place), self.name)


def score(asked: ScoreRequest, reporter: Reporter) -> pd.DataFrame:
    """Score every image.

    Returns:
        One row per image in the order of the names, columns `name`, `score`, `verdict` and `reason`. The score is in
        [0, 1]; NaN for an image that cannot be decoded, whose reason says why and whose verdict is "".

    Raises:
        InputError: Detector, weights or images cannot be used.
    """
    detector = _load(asked)
    images = [image for path in asked.images for image in _images(path)]
    if not images:
        msg = f"{', '.join(map(str, asked.images))}: no image was found; give image files, folders or archives"
        raise InputError(msg)
    every = np.arange(len(images))
    table = pd.DataFrame({"name": [image.name for image in images], "score": NAN, "verdict": "", "reason": ""})
    question = ScoringRequest(("score", NONE), detector, ("score",), degradation(NONE), every)
    chunks = in_chunks(every, asked.batch_size)
    with reporter.stage("score images", len(images)) as advance:
        passed = answers(lambda place: images[place].sample(), len(images), chunks, [question], None, asked.workers)
        for chunk, answered in passed:
            for place, reason in chunk.unread.items():
                table.loc[place, "reason"] = reason
            for one in answered:
                if isinstance(one.answer, Exception):
                    msg = f"the detector cannot score these images ({type(one.answer).__name__}: {one.answer})"
                    raise InputError(msg) from one.answer
                table.loc[one.images, "score"] = one.answer.scores
            advance(chunk.decoded)
    read = table["score"].notna()
    called = called_generated(table.loc[read, "score"].to_numpy())
    table.loc[read, "verdict"] = np.where(called, *VERDICTS)
    return table


def _load(asked: ScoreRequest) -> Detector:
    """The detector of a file that a run kept, or of a published checkpoint."""
    chosen = runtime(asked.device, asked.precision)
    if asked.fitted is not None and asked.detector is None and asked.weights is None:
        return restore(asked.fitted, chosen)
    if asked.fitted is not None or asked.detector is None or asked.weights is None:
        msg = "what is to score is not clear; give --detector with the --weights of its checkpoint, or --fitted alone"
        raise InputError(msg)
    try:
        return catalogue.recipe(asked.detector, asked.setting).load(asked.weights, chosen)
    except (catalogue.UnknownName, Unavailable, WrongWeights) as error:
        raise InputError(str(error)) from error


def _images(path: Path) -> Iterator[_Image]:
    """The images of a folder or archive, or the one file."""
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        yield _Image(str(path), Folder(path.parent), path.name)
        return
    tree = open_local(path)
    for folder, names in tree.listing.images.items():
        for name in names:
            place = f"{folder}/{name}" if folder else name
            yield _Image(place, tree, place)
    for place, reason in tree.listing.refused:
        msg = f"{path}/{place} is not to be read ({reason}); take it away"
        raise InputError(msg)
