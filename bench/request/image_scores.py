"""`lineup score`: per-image scores of one loaded detector, for images of any folder or archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.engine.image_pass import split_into_chunks
from bench.engine.scoring import ScoringRequest, score_images
from bench.evaluation.metrics import called_generated
from bench.images.decoding.decoder import decode
from bench.images.files.local import open_local
from bench.images.files.tree import IMAGE_SUFFIXES, Folder, Tree
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.request.devices import runtime
from bench.request.saved_detectors import restore_detector
from detectors import catalogue
from detectors.api import Detector, Sample, Setting, Unavailable
from detectors.weight_file import WrongWeights
from protocols.api import NONE
from protocols.degradations import parse_degradation

VERDICTS = ("generated", "real")
NAN = float("nan")


@dataclass(frozen=True)
class ScoreRequest:
    """What `lineup score` was asked for.

    Attributes:
        images: Image files, folders or archives.
        detector: Name of a detector whose checkpoint is loaded; None with `fitted`.
        weights: The checkpoint.
        fitted: File of a fitted detector that a run kept.
        setting: Of the detector with a checkpoint.
        device: As the command line names it.
        precision: "float32" or "bfloat16".
        batch_size: Images that are scored together.
        workers: Threads that read and prepare.
    """

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
    """One image of a folder or archive.

    Attributes:
        name: In the table of scores.
        tree: The folder or archive.
        path: Of its file in the tree.
    """

    name: str
    tree: Tree
    path: str

    def sample(self) -> Sample:
        """Decode it. Raises `UnreadableImage` and OSError."""
        return decode(self.tree.read(self.path), self.name)


def score_files(request: ScoreRequest, reporter: Reporter) -> pd.DataFrame:
    """Score every image.

    Returns:
        One row per image in the order of the names, columns `name`, `score`, `verdict` and `reason`. The score is in
        [0, 1]; NaN for an image that cannot be decoded, whose reason says why and whose verdict is "".

    Raises:
        InputError: Detector, weights or images cannot be used.
    """
    detector = _load(request)
    images = [image for path in request.images for image in _images(path)]
    if not images:
        msg = f"{', '.join(map(str, request.images))}: no image was found; give image files, folders or archives"
        raise InputError(msg)
    table = pd.DataFrame({"name": [image.name for image in images], "score": NAN, "verdict": "", "reason": ""})
    with reporter.stage("score images", len(images)) as advance:
        _fill_scores(table, detector, images, request, advance)
    scored = table["score"].notna()
    generated = called_generated(table.loc[scored, "score"].to_numpy())
    table.loc[scored, "verdict"] = np.where(generated, *VERDICTS)
    return table


def _fill_scores(
    table: pd.DataFrame,
    detector: Detector,
    images: Sequence[_Image],
    request: ScoreRequest,
    advance: Callable[[int], object],
) -> None:
    """Fill in the score of every image, or the reason why it cannot be decoded."""
    positions = np.arange(len(images))
    scoring = ScoringRequest(("score", NONE), detector, ("score",), parse_degradation(NONE), positions)
    chunks = split_into_chunks(positions, request.batch_size)
    passed = score_images(
        lambda position: images[position].sample(), len(images), chunks, [scoring], None, request.workers
    )
    for chunk, scored in passed:
        for position, reason in chunk.unread.items():
            table.loc[position, "reason"] = reason
        for part in scored:
            if isinstance(part.answer, Exception):
                msg = f"the detector cannot score these images ({type(part.answer).__name__}: {part.answer})"
                raise InputError(msg) from part.answer
            table.loc[part.images, "score"] = part.answer.scores
        advance(chunk.decoded)


def _load(request: ScoreRequest) -> Detector:
    """The detector of a file that a run kept, or of a published checkpoint."""
    device = runtime(request.device, request.precision)
    if request.fitted is not None and request.detector is None and request.weights is None:
        return restore_detector(request.fitted, device)
    if request.fitted is not None or request.detector is None or request.weights is None:
        msg = "what is to score is not clear; give --detector with the --weights of its checkpoint, or --fitted alone"
        raise InputError(msg)
    try:
        return catalogue.recipe(request.detector, request.setting).load(request.weights, device)
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
            inside = f"{folder}/{name}" if folder else name
            yield _Image(inside, tree, inside)
    for refused, reason in tree.listing.refused:
        msg = f"{path}/{refused} is not to be read ({reason}); take it away"
        raise InputError(msg)
