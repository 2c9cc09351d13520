"""Scores of images of any folder or archive, or of pixels, one by one, by one detector or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import pandas as pd

from bench.engine.image_pass import ImageReader, split_into_chunks
from bench.engine.plan import ScoringKey
from bench.engine.saved_detectors import restore_detector
from bench.engine.scoring.agreement import IMAGES, AgreementImages, compare_with_torch
from bench.engine.scoring.score_images import ScoredChunk, ScoringRequest, score_images
from bench.images.decoding.decoder import UnreadableImage, decode
from bench.images.decoding.structure import MAX_PIXELS
from bench.images.files.local import open_local
from bench.images.files.tree import (
    ARCHIVE_SUFFIXES,
    DATA_SUFFIXES,
    IMAGE_SUFFIXES,
    Folder,
    Tree,
    is_image_file,
    storable,
)
from bench.inference.backends import backend_notes, runtime_for
from bench.metrics.metric import THRESHOLD, called_generated
from bench.platform.errors import InputError
from bench.platform.option_values import parse_options
from bench.platform.progress import Reporter
from bench.request.devices import runtime
from bench.request.early_checks import check_detectors
from detectors import catalogue
from detectors.api import Detector, Runtime, Sample, Setting, Unavailable
from detectors.entries import Entry, WrongEntry, parse_entries
from detectors.input_policy import with_input_policy
from detectors.isolation.calls import DetectorMisbehaved, batch_limit, contained, in_words
from detectors.weight_file import WrongWeights
from detectors.weights.released import find_checkpoint
from protocols.api import NONE
from protocols.degradations import parse_degradation

VERDICTS = ("generated", "real")
THRESHOLD_SOURCE = "the detector's own decision"
NAN = float("nan")
UNSURE = "unsure"  # the verdict over several conditions that do not agree
COLUMNS = ("name", "detector", "degradation", "score", "log_odds", "verdict", "threshold", "threshold_source", "reason")
NO_SUFFIX = "no suffix"  # in a count of files by suffix


@dataclass(frozen=True)
class ScoreRequest:
    """What is scored, by whom and how.

    Attributes:
        images: Image files, folders or archives.
        detectors: Rows with a checkpoint each, as `detectors.entries` has them.
        fitted: Files of fitted detectors that a run kept.
        setting: Of the detectors with a checkpoint.
        device: As the command line names it.
        precision: "float32", "tf32" or "bfloat16".
        backend: What computes networks, as `bench.inference.backends.BACKENDS`.
        cache: The cache folder.
        batch_size: Images that are scored together.
        workers: Threads that read and prepare.
        weights_folder: Where files of released checkpoints lie.
        max_pixels: The largest number of pixels of an image that is read.
        follow: Whether links in folders are followed.
        degradations: Canonical names of what each image is scored under, beside as it is.
        timeout: Seconds that a detector may take for one batch; None for any time.
    """

    images: Sequence[Path]
    detectors: Sequence[str]
    fitted: Sequence[Path]
    setting: Setting
    device: str
    precision: str
    backend: str
    cache: Path
    batch_size: int
    workers: int
    weights_folder: Path
    max_pixels: int = MAX_PIXELS
    follow: bool = True
    degradations: Sequence[str] = ()
    timeout: float | None = None

    @property
    def conditions(self) -> tuple[str, ...]:
        """The degradations, that of images as they are first."""
        return tuple(dict.fromkeys((NONE, *self.degradations)))


@dataclass(frozen=True)
class ImageScores:
    """What was found.

    Attributes:
        table: One row per image, detector and degradation, columns `COLUMNS`, the rows of an image together, images in
            the order of the paths that were given and of their names. The score is in [0, 1] and the log odds are NaN
            from a detector that has probabilities alone; where there is no score, `reason` says why and the verdict
            is "".
        detectors: The number of detectors.
        conditions: The number of degradations, none included: each image has a row for each detector and condition.
        unread: Files that are no images to Lineup, by suffix. An image file that is not to be read is a row.
        notes: What a user should know of how networks were computed.
    """

    table: pd.DataFrame
    detectors: int
    conditions: int
    unread: Mapping[str, int]
    notes: Sequence[str] = ()

    @cached_property
    def overall(self) -> list[str]:
        """The verdict of each detector on each image over all conditions, in the order of the rows: `UNSURE`, or ""."""
        verdicts = self.table["verdict"].tolist()
        parts = (set(verdicts[start : start + self.conditions]) for start in range(0, len(verdicts), self.conditions))
        return ["" if "" in part else next(iter(part)) if len(part) == 1 else UNSURE for part in parts]

    @property
    def whole(self) -> bool:
        """Whether every image has a score by every detector."""
        return not (self.table["reason"] != "").any()


class ImageToScore(Protocol):
    """One image, wherever it comes from."""

    @property
    def name(self) -> str:
        """In the table of scores."""

    def sample(self, max_pixels: int) -> Sample:
        """Decode it. Raises `UnreadableImage` and OSError."""


@dataclass(frozen=True)
class FileToScore:
    """One image of a folder or archive.

    Attributes:
        name: In the table of scores.
        tree: The folder or archive.
        path: Of its file in the tree.
        refused: Why it is not to be read; "" for one that is.
    """

    name: str
    tree: Tree
    path: str
    refused: str = ""

    @property
    def place(self) -> str:
        """Equal for one file, however it was given."""
        return f"{self.tree.identity}/{self.path}"

    def sample(self, max_pixels: int) -> Sample:
        """Decode it. Raises `UnreadableImage` and OSError."""
        if self.refused:
            raise UnreadableImage(self.name, self.refused)
        return decode(self.tree.read(self.path), self.name, max_pixels)


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
            reason = f"the detector cannot score it ({in_words(part.answer)})"
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
    loaded = load_detectors(request)
    images, unread = find_images(request.images, follow=request.follow)
    return score_all(loaded, images, unread, reporter)


@dataclass(frozen=True)
class ScoringDetectors:
    """Detectors that are ready to score.

    Attributes:
        request: What was asked for; its images are not looked at.
        runtime: Where they compute.
        detectors: By label.
    """

    request: ScoreRequest
    runtime: Runtime
    detectors: Mapping[str, Detector]


def load_detectors(request: ScoreRequest) -> ScoringDetectors:
    """Load what a request names. Raises `InputError` where a detector or its weights cannot be used."""
    device = runtime(request.device, request.precision, request.backend, request.cache)
    try:
        with contained("loading of detectors"):
            return ScoringDetectors(request, device, _load(request, device))
    except DetectorMisbehaved as error:
        msg = f"a detector cannot be loaded: {error}; repair it or uninstall it"
        raise InputError(msg) from error


def score_all(
    loaded: ScoringDetectors, images: Sequence[ImageToScore], unread: Mapping[str, int], reporter: Reporter
) -> ImageScores:
    """Score every image by every detector, each image decoded once.

    Args:
        loaded: The detectors.
        images: One at least.
        unread: Files beside them that are no images, by suffix.
        reporter: Shows progress.
    """
    detectors, request, device = loaded.detectors, loaded.request, loaded.runtime
    with batch_limit(request.timeout):
        notes = list(_compare_backend(detectors, images, request, device))
    with reporter.stage("score images", len(images)) as advance, batch_limit(request.timeout):
        reader = ImageReader(
            lambda position: images[position].sample(request.max_pixels),
            len(images),
            request.workers,
            ahead=device.device != "cpu",
        )
        found = _score(detectors, reader, request, advance)
    names = [image.name for image in images]
    tables = [_table(names, label, condition, columns) for (label, condition), columns in found.items()]
    table = pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)  # the answers on each image together
    return ImageScores(table, len(detectors), len(request.conditions), unread, [*notes, *backend_notes(device)])


def _compare_backend(
    detectors: Mapping[str, Detector], images: Sequence[ImageToScore], request: ScoreRequest, device: Runtime
) -> Iterator[str]:
    """Compare the scores of a backend with those of torch, on the first images; gives what rounding changes."""
    if device.backend is None:
        return
    compared = AgreementImages(list(islice(_sound_samples(images, request.max_pixels), IMAGES)))
    for label, detector in detectors.items():
        found = None
        try:
            with contained(f"comparing of {label}", batch=True):
                found = compare_with_torch(detector, (label,), compared, device, label)
        except DetectorMisbehaved as error:
            yield f"the scores of {label} could not be compared with those of torch in float32: {error}"
        except Exception:  # noqa: BLE001, S110 - it is the reason of the images that it cannot score
            pass
        if found and device.precision != "float32":
            change = f"{found.largest_change:.1g} of a score and {found.flips} of {found.images} decisions"
            yield f"{label} was computed in {device.precision}, which changes {change}"


def _sound_samples(images: Sequence[ImageToScore], max_pixels: int) -> Iterator[Sample]:
    """The images that can be decoded."""
    for image in images:
        with suppress(UnreadableImage, OSError):
            yield image.sample(max_pixels)


def _score(
    detectors: Mapping[str, Detector],
    reader: ImageReader,
    request: ScoreRequest,
    advance: Callable[[int], object],
) -> dict[ScoringKey, _Columns]:
    """The answers of each detector under each degradation, by its label and the degradation.

    No image costs another its score, and what is scored does not depend on the size of batches.
    """
    positions = np.arange(reader.size)
    requests = [
        ScoringRequest((label, name), one, (label,), parse_degradation(name), positions, apart=True)
        for label, one in detectors.items()
        for name in request.conditions
    ]
    found = {one.key: _Columns.empty(reader.size) for one in requests}
    chunks = split_into_chunks(positions, request.batch_size)
    for chunk in score_images(reader, chunks, requests, None):
        for columns in found.values():
            columns.reasons.update(chunk.unread)
        for part in chunk.answers:
            found[part.key].add(part)
        advance(len(chunk.images))
    return found


def _table(names: Sequence[str], label: str, condition: str, found: _Columns) -> pd.DataFrame:
    """The rows of one detector and degradation, indexed by the positions of the images."""
    reasons = [found.reasons.get(position, "") for position in range(len(names))]
    verdicts = np.where(called_generated(found.scores), *VERDICTS)
    return pd.DataFrame(
        {
            "name": names,
            "detector": label,
            "degradation": condition,
            "score": found.scores,
            "log_odds": found.log_odds,
            "verdict": np.where(np.isnan(found.scores), "", verdicts),
            "threshold": THRESHOLD,
            "threshold_source": THRESHOLD_SOURCE,
            "reason": reasons,
        },
        columns=list(COLUMNS),
    )


def _load(request: ScoreRequest, device: Runtime) -> dict[str, Detector]:
    """The detectors by label. Raises `InputError`."""
    if not request.detectors and not request.fitted:
        msg = "what is to score is not clear; give --detectors DETECTOR@CHECKPOINT, or --fitted with a file of a run"
        raise InputError(msg)
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
        msg = f"{name} has to be loaded from a checkpoint; write {name}@CHECKPOINT"
        raise InputError(f"{msg}, or give the file of a fit that a run kept (--fitted)")
    found = find_checkpoint(name, entry.checkpoint, request.weights_folder)
    if found.missing:
        raise InputError(found.missing)
    try:
        options = parse_options(type(catalogue.recipe(name)), entry.options, name)
        recipe = catalogue.recipe(name, request.setting, **options)
        return with_input_policy(recipe, recipe.load(found.path, runtime_for(recipe, device)))
    except (catalogue.UnknownName, Unavailable, WrongWeights, ValueError) as error:
        raise InputError(str(error)) from error


def find_images(paths: Sequence[Path], *, follow: bool) -> tuple[list[FileToScore], Counter[str]]:
    """The images at some paths, each once under the name that comes first, and the files that are none by suffix.

    Raises:
        InputError: There is no image, or a path or a file in it cannot be read.
    """
    unread: Counter[str] = Counter()
    chosen = list(dict.fromkeys(paths))
    found = [image for path in chosen for image in _images(path, unread, several=len(chosen) > 1, follow=follow)]
    refused = [image for image in found if image.refused]
    if len(refused) == len(found):
        others = f" ({unread_text(unread)})" if unread else ""
        none = (
            f"none of {len(refused)} image files is to be read, such as {refused[0].name} ({refused[0].refused})"
            if refused
            else "no image was found"
        )
        msg = f"{', '.join(map(str, chosen))}: {none}{others}; {_advice()}"
        raise InputError(msg)
    by_place: dict[str, FileToScore] = {}  # a file may be given by itself and in its folder
    for image in found:
        by_place.setdefault(image.place, image)
    return list(by_place.values()), unread


def unread_text(unread: Mapping[str, int]) -> str:
    """The files that were not read, in words."""
    kinds = (f"{count} {'without a suffix' if suffix == NO_SUFFIX else suffix}" for suffix, count in unread.items())
    count = sum(unread.values())
    files = "1 file of another kind was" if count == 1 else f"{count} files of other kinds were"
    return f"{files} not read: {', '.join(sorted(kinds, key=lambda kind: kind.partition(' ')[2]))}"


def _advice() -> str:
    """What `lineup score` takes."""
    images, archives = (", ".join(sorted(suffixes)) for suffixes in (IMAGE_SUFFIXES, ARCHIVE_SUFFIXES))
    return f"give image files ({images}), folders, or archives ({archives})"


def _images(path: Path, unread: Counter[str], *, several: bool, follow: bool) -> Iterator[FileToScore]:
    """The images of a folder or archive, or the one file.

    Args:
        path: The path.
        unread: Files that are no images, by suffix, which are added to.
        several: Whether it is one path of several, which the names then begin with.
        follow: Whether links in folders are followed.
    """
    suffix = path.suffix.lower()
    if path.is_dir() or (path.is_file() and suffix in ARCHIVE_SUFFIXES):
        yield from _images_inside(path, unread, f"{storable(str(path))}/" if several else "", follow=follow)
    elif path.is_file() and (suffix in IMAGE_SUFFIXES or is_image_file(path)):
        yield FileToScore(storable(str(path)), Folder(path.parent), path.name)
    elif path.exists():
        unread[suffix or NO_SUFFIX] += 1
    else:
        msg = f"{path} does not exist; {_advice()}"
        raise InputError(msg)


def _images_inside(path: Path, unread: Counter[str], prefix: str, *, follow: bool) -> Iterator[FileToScore]:
    """The images of a folder or archive, their names behind a prefix."""
    tree = open_local(path, follow=follow)
    unread.update({suffix: count for suffix, count in tree.listing.ignored.items() if suffix != "hidden"})
    unread.update(PurePosixPath(name).suffix.lower() for name in tree.listing.data)
    for folder, names in tree.listing.images.items():
        for name in names:
            inside = f"{folder}/{name}" if folder else name
            yield FileToScore(prefix + inside, tree, inside)
    for refused, reason in tree.listing.refused:
        if (suffix := PurePosixPath(refused).suffix.lower()) in DATA_SUFFIXES:
            unread[suffix] += 1
        else:
            yield FileToScore(prefix + refused, tree, refused, reason)
