"""One detector that is loaded once and scores whatever images it is shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Pillow

from bench.images.decoding.decoder import decode_opened, unencoded_sample
from bench.images.decoding.structure import MAX_PIXELS
from bench.interface.surroundings import (
    CORES,
    held_cache,
    one_kind_of_error,
    reporter,
    weights_folder,
)
from bench.platform.errors import InputError
from bench.platform.standard_output import output_aside
from bench.records import columns
from bench.request.defaults import BATCH_SIZE
from bench.request.image_scores import (
    ImageToScore,
    ScoreRequest,
    ScoringDetectors,
    find_images,
    load_detectors,
    score_all,
    unread_text,
)
from bench.request.setting import require_setting
from detectors.card import SETTINGS

if TYPE_CHECKING:
    from detectors.api import Sample

_Pixels = NDArray[np.uint8]
Scorable = str | Path | Pillow.Image | _Pixels
COLUMNS = (columns.NAME, columns.SCORE, columns.LOG_ODDS, "verdict", columns.REASON)
FITTED_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class _GivenImage:
    """Pixels that are in memory already.

    Attributes:
        name: In the table of scores.
        image: An image of Pillow, or an array (H, W, 3).
    """

    name: str
    image: Pillow.Image | _Pixels

    def sample(self, max_pixels: int) -> Sample:
        """The pixels as a detector is shown them. Raises `UnreadableImage`."""
        if isinstance(self.image, Pillow.Image):
            return decode_opened(self.image, self.name, max_pixels)
        return unencoded_sample(self.image)


@dataclass(frozen=True, eq=False)
class LoadedDetector:
    """A detector that is ready to score. `load_detector` gives one, and `FinishedRun.detector`.

    Attributes:
        name: What it is called.
    """

    name: str
    _loaded: ScoringDetectors

    def score(self, images: Scorable | Sequence[Scorable], *, progress: bool = False) -> pd.DataFrame:
        """Score images, one by one: no image costs another its score.

        Args:
            images: Paths of image files, folders or archives; or images of Pillow; or arrays uint8 (H, W, 3) in sRGB,
                sizes may differ. One by itself or several of one kind.
            progress: Whether progress is shown.

        Returns:
            One row per image, in the order of what was given and within a folder of names: `name` (of what is no file,
            its position from 0), `score` in [0, 1] for generated, `log_odds`, float32, NaN from a detector that has
            probabilities alone, `verdict` ("generated" where the score is above 0.5, else "real") and `reason`, why
            there is no score, "" where there is one. The scores are those of `lineup score` for the same pixels; of
            what is no file, a detector that looks at files learns that it is not encoded.

        Raises:
            InputError: There is no image, or an array is of another kind.

        Warns:
            UserWarning: Folders hold files that are no images.
        """
        shown = reporter(progress=progress)
        with one_kind_of_error(), held_cache(shown), output_aside():
            found, unread = _images(images, follow=self._loaded.request.follow)
            if unread:
                warnings.warn(unread_text(unread), UserWarning, stacklevel=2)
            scored = score_all(self._loaded, found, unread, shown)
        return scored.table[list(COLUMNS)]

    def __repr__(self) -> str:
        return f"{self.name}, ready on {self._loaded.runtime.device} in {self._loaded.runtime.precision}"


def load_detector(  # noqa: PLR0913 - how it computes
    detector: str | Path,
    *,
    setting: str | None = None,
    device: str = "auto",
    precision: str = "float32",
    backend: str = "auto",
    batch_size: int = BATCH_SIZE,
    workers: int = CORES,
    weights_dir: str | Path | None = None,
    max_pixels: int = MAX_PIXELS,
) -> LoadedDetector:
    """Load a detector to score images with.

    Args:
        detector: DETECTOR@CHECKPOINT, where the checkpoint is the path of a file or a name as `lineup weights list` has
            it; or the path of a file of a fitted detector that a run kept.
        setting: "paper" or "small": which network a checkpoint is of; None for "paper". A fitted one says its own.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "float32", "tf32" or "bfloat16".
        backend: What computes networks: "auto", "torch", "onnxruntime", "openvino" or "inductor".
        batch_size: Images that are scored together.
        workers: Threads that read and prepare.
        weights_dir: Folder of released checkpoints; None for LINEUP_WEIGHTS, or weights in the cache folder.
        max_pixels: The largest number of pixels of an image that is taken.

    Raises:
        InputError: The detector or its weights cannot be used.
    """
    from bench.request.early_checks import check_device

    path = Path(detector).expanduser()
    fitted = isinstance(detector, Path) or path.is_file() or (path.suffix == FITTED_SUFFIX and "@" not in str(detector))
    if fitted and setting is not None:
        msg = f"setting {setting!r} is given with {path}, which says its own; leave it out"
        raise InputError(msg)
    require_setting(setting or "paper", SETTINGS)
    check_device(device, precision, backend)
    shown = reporter()
    with one_kind_of_error(), held_cache(shown) as cache, output_aside():
        request = ScoreRequest(
            images=(),
            detectors=() if fitted else (str(detector),),
            fitted=(path,) if fitted else (),
            setting="small" if setting == "small" else "paper",
            device=device,
            precision=precision,
            backend=backend,
            cache=cache.path,
            batch_size=batch_size,
            workers=workers,
            weights_folder=weights_folder(None if weights_dir is None else Path(weights_dir).expanduser()),
            max_pixels=max_pixels,
        )
        loaded = load_detectors(request)
    return LoadedDetector(next(iter(loaded.detectors)), loaded)


def _images(given: Scorable | Sequence[Scorable], *, follow: bool) -> tuple[Sequence[ImageToScore], Mapping[str, int]]:
    """The images that were given, and how many files beside them are none, by suffix. Raises `InputError`."""
    single = isinstance(given, str | Path | Pillow.Image) or (isinstance(given, np.ndarray) and given.ndim < 4)
    several: list[Any] = [given] if single else list(given)  # type: ignore[arg-type]  # an array is a sequence too
    if not several:
        msg = "no image was given; give paths, images of Pillow, or arrays uint8 (H, W, 3)"
        raise InputError(msg)
    if all(isinstance(one, str | Path) for one in several):
        return find_images([Path(one).expanduser() for one in several], follow=follow)
    return list(_given_images(several)), {}


def _given_images(given: Sequence[Any]) -> Iterator[_GivenImage]:
    """Images in memory, named by their positions. Raises `InputError` for anything else."""
    for position, image in enumerate(given):
        if isinstance(image, Pillow.Image):
            yield _GivenImage(str(position), image)
            continue
        kind = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        usable = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        if not usable or not image.size:
            msg = f"image {position} is {kind}; give arrays uint8 (H, W, 3), images of Pillow, or paths alone"
            raise InputError(msg)
        yield _GivenImage(str(position), np.ascontiguousarray(image))
