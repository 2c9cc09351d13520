"""`lineup score`: scores of images of any folder or archive, one by one, by one detector or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from bench.engine.image_pass import split_into_chunks
from bench.engine.scoring import ScoredChunk, ScoringRequest, score_images
from bench.evaluation.metrics import THRESHOLD, called_generated
from bench.images.decoding.decoder import decode
from bench.images.files.local import open_local
from bench.images.files.tree import IMAGE_SUFFIXES, Folder, Tree
from bench.platform.errors import InputError
from bench.platform.option_values import parse_options
from bench.platform.progress import Reporter
from bench.request.devices import runtime
from bench.request.early_checks import check_detectors
from bench.request.saved_detectors import restore_detector
from detectors import catalogue
from detectors.api import Detector, Runtime, Sample, Setting, Unavailable
from detectors.entries import Entry, WrongEntry, parse_entries
from detectors.input_policy import with_input_policy
from detectors.weight_file import WrongWeights
from detectors.weights.released import find_checkpoint
from protocols.api import NONE
from protocols.degradations import parse_degradation

VERDICTS = ("generated", "real")
NAN = float("nan")
COLUMNS = ("name", "detector", "score", "log_odds", "verdict", "threshold", "reason")


@dataclass(frozen=True)
class ScoreRequest:
    """What `lineup score` was asked for.

    Attributes:
        images: Image files, folders or archives.
        detectors: Rows with a checkpoint each, as `detectors.entries` has them.
        fitted: Files of fitted detectors that a run kept.
        setting: Of the detectors with a checkpoint.
        device: As the command line names it.
        precision: "float32" or "bfloat16".
        batch_size: Images that are scored together.
        workers: Threads that read and prepare.
        weights_folder: Where files of released checkpoints lie.
    """

    images: Sequence[Path]
    detectors: Sequence[str]
    fitted: Sequence[Path]
    setting: Setting
    device: str
    precision: str
    batch_size: int
    workers: int
    weights_folder: Path


@dataclass(frozen=True)
class ImageScores:
    """What `lineup score` found.

    Attributes:
        table: One row per image and detector, columns `COLUMNS`, images in the order of their names. The score is in
            [0, 1] and the log odds are NaN from a detector that has probabilities alone; where there is no score,
            `reason` says why and the verdict is "".
        unread: Files that are no images to Lineup, by suffix.
    """

    table: pd.DataFrame
    unread: Mapping[str, int]

    @property
    def whole(self) -> bool:
        """Whether every image has a score by every detector."""
        return not (self.table["reason"] != "").any()


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


@dataclass
class _Columns:
    """The answers of one detector about N images so far."""

    scores: np.ndarray[tuple[int], np.dtype[np.float32]]
    log_odds: np.ndarray[tuple[int], np.dtype[np.float32]]
    reasons: dict[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, size: int) -> _Columns:
        return cls(np.full(size, NAN, np.float32), np.full(size, NAN, np.float32))

    def add(self, part: ScoredChunk) -> None:
        """Add the answer about some images, or why there is none."""
        if isinstance(part.answer, Exception):
            reason = f"the detector cannot score it ({type(part.answer).__name__}: {part.answer})"
            self.reasons.update(dict.fromkeys(part.images.tolist(), reason))
            return
        self.scores[part.images] = part.answer.scores
        if part.answer.log_odds is not None:
            self.log_odds[part.images] = part.answer.log_odds


def score_files(request: ScoreRequest, reporter: Reporter) -> ImageScores:
    """Score every image by every detector, each image decoded once.

    Raises:
        InputError: A detector, its weights or the images cannot be used.
    """
    detectors = _load(request)
    images, unread = _all_images(request.images)
    with reporter.stage("score images", len(images)) as advance:
        found = _score(detectors, images, request, advance)
    names = [image.name for image in images]
    tables = [_table(names, label, found[label]) for label in detectors]
    table = pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)  # the detectors of each image together
    return ImageScores(table, unread)


def _score(
    detectors: Mapping[str, Detector],
    images: Sequence[_Image],
    request: ScoreRequest,
    advance: Callable[[int], object],
) -> dict[str, _Columns]:
    """The answers of each detector, by its label."""
    positions = np.arange(len(images))
    clean = parse_degradation(NONE)
    requests = [ScoringRequest((label, NONE), one, (label,), clean, positions) for label, one in detectors.items()]
    found = {label: _Columns.empty(len(images)) for label in detectors}
    chunks = split_into_chunks(positions, request.batch_size)
    passed = score_images(
        lambda position: images[position].sample(), len(images), chunks, requests, None, request.workers
    )
    for chunk, scored in passed:
        for part in scored:
            found[part.key[0]].add(part)
        for label, columns in found.items():
            columns.reasons.update(chunk.unread)
            answered = {part.key[0] for part in scored}
            if label not in answered:  # a detector that failed gets no further images
                left = [image for image in chunk.images.tolist() if image not in columns.reasons]
                columns.reasons.update(dict.fromkeys(left, "the detector failed on an image before"))
        advance(chunk.decoded)
    return found


def _table(names: Sequence[str], label: str, found: _Columns) -> pd.DataFrame:
    """The rows of one detector, indexed by the positions of the images."""
    reasons = [found.reasons.get(position, "") for position in range(len(names))]
    verdicts = np.where(called_generated(found.scores), *VERDICTS)
    return pd.DataFrame(
        {
            "name": names,
            "detector": label,
            "score": found.scores,
            "log_odds": found.log_odds,
            "verdict": np.where(np.isnan(found.scores), "", verdicts),
            "threshold": THRESHOLD,
            "reason": reasons,
        },
        columns=list(COLUMNS),
    )


def _load(request: ScoreRequest) -> dict[str, Detector]:
    """The detectors by label. Raises `InputError`."""
    if not request.detectors and not request.fitted:
        msg = "what is to score is not clear; give --detectors DETECTOR@CHECKPOINT, or --fitted with a file of a run"
        raise InputError(msg)
    device = runtime(request.device, request.precision)
    loaded: dict[str, Detector] = {}
    if request.detectors:
        check_detectors(request.detectors)
        try:
            entries = parse_entries(request.detectors)
        except WrongEntry as error:
            raise InputError(str(error)) from error
        loaded = {entry.label: _from_checkpoint(entry, request, device) for entry in entries}
    for path in request.fitted:
        loaded[path.stem if path.stem not in loaded else str(path)] = restore_detector(path, device)
    return loaded


def _from_checkpoint(entry: Entry, request: ScoreRequest, device: Runtime) -> Detector:
    """The detector of a released checkpoint. Raises `InputError`."""
    name = entry.detector
    if not entry.checkpoint:
        msg = f"{name} has to be loaded from a checkpoint; write {name}@CHECKPOINT, or give --fitted a file of a run"
        raise InputError(msg)
    found = find_checkpoint(name, entry.checkpoint, request.weights_folder)
    if found.missing:
        raise InputError(found.missing)
    try:
        options = parse_options(type(catalogue.recipe(name)), entry.options, name)
        recipe = catalogue.recipe(name, request.setting, **options)
        return with_input_policy(recipe, recipe.load(found.path, device))
    except (catalogue.UnknownName, Unavailable, WrongWeights, ValueError) as error:
        raise InputError(str(error)) from error


def _all_images(paths: Sequence[Path]) -> tuple[list[_Image], Counter[str]]:
    """The images at some paths, and the files that are none by suffix. Raises `InputError` where there is no image."""
    unread: Counter[str] = Counter()
    images = [image for path in paths for image in _images(path, unread)]
    if not images:
        others = f" ({unread_text(unread)})" if unread else ""
        msg = f"{', '.join(map(str, paths))}: no image was found{others}; give image files, folders or archives"
        raise InputError(msg)
    return images, unread


def unread_text(unread: Mapping[str, int]) -> str:
    """The files that were not read, in words."""
    kinds = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in sorted(unread.items()))
    return f"{sum(unread.values())} files of other kinds were not read: {kinds}"


def _images(path: Path, unread: Counter[str]) -> Iterator[_Image]:
    """The images of a folder or archive, or the one file."""
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        yield _Image(str(path), Folder(path.parent), path.name)
        return
    tree = open_local(path)
    unread.update({suffix: count for suffix, count in tree.listing.ignored.items() if suffix != "hidden"})
    unread.update(PurePosixPath(name).suffix.lower() for name in tree.listing.data)
    for folder, names in tree.listing.images.items():
        for name in names:
            inside = f"{folder}/{name}" if folder else name
            yield _Image(inside, tree, inside)
    for refused, reason in tree.listing.refused:
        msg = f"{path}/{refused} is not to be read ({reason}); take it away"
        raise InputError(msg)
