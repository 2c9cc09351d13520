"""The analyses of the images of a finished run, from its result folder to tables: what commands and pages call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.analyses.images.degraded_pass import drawn_by_content, rows_of_names
from bench.analyses.images.fingerprints import correlation_table, fingerprint_table
from bench.analyses.images.run_images import RunImages
from bench.analyses.images.saliency import (
    FittedDetector,
    Saliency,
    gradient_spectrum_table,
    saliency,
    saliency_table,
)
from bench.analyses.images.spectra import Spectra, SpectraRequest, average_spectra, left_out_table, spectrum_table
from bench.analyses.images.thumbnails import ThumbnailRequest, Thumbnails, make_thumbnails, thumbnail_table
from bench.engine.saved_detectors import restore_with_recipe
from bench.engine.selections import Positions
from bench.images.quality.inspection import InspectedImages
from bench.platform.errors import InputError
from bench.records.columns import DETECTOR, REASON
from bench.records.saved_detector import read_saved
from detectors.api import Runtime
from protocols.api import NONE

FITTED = "fitted"  # folder of fitted detectors in a result folder
WITHOUT = (DETECTOR, REASON)  # columns of detectors without saliency
Tables = Mapping[str, pd.DataFrame]  # by the name of the file that they are for, without its ending


@dataclass(frozen=True)
class SpectraOfRun:
    """Spectra and fingerprints of the images of a run.

    Attributes:
        spectra: With the arrays.
        tables: "spectra", "fingerprints", "fingerprint_correlations" and "spectra_left_out".
    """

    spectra: Spectra
    tables: Tables


@dataclass(frozen=True)
class ThumbnailsOfRun:
    """Small copies of images of a run.

    Attributes:
        thumbnails: With their bytes.
        tables: "thumbnails" and "thumbnails_left_out".
    """

    thumbnails: Thumbnails
    tables: Tables


@dataclass(frozen=True)
class SaliencyRequest:
    """Which saliency is computed.

    Attributes:
        count: Images of each generator, and real ones, at most, drawn by content; of the split that is held out.
        names: Of images, in place of a draw; none to draw.
        degradation: Applied to every image first.
    """

    count: int = 10
    names: tuple[str, ...] = ()
    degradation: str = NONE


@dataclass(frozen=True)
class SaliencyOfRun:
    """Saliency of images of a run for its fitted detectors.

    Attributes:
        saliency: With the maps, and the detectors that have none.
        tables: "saliency", "gradient_spectra", "saliency_left_out" and "saliency_without".
    """

    saliency: Saliency
    tables: Tables


def spectra_of_run(run: RunImages, request: SpectraRequest, workers: int) -> SpectraOfRun:
    """Average spectra and fingerprints of the images of a run. Raises what `average_spectra` raises."""
    spectra = average_spectra(run.inspected, request, workers)
    tables = {
        "spectra": spectrum_table(spectra),
        "fingerprints": fingerprint_table(spectra),
        "fingerprint_correlations": correlation_table(spectra),
        "spectra_left_out": left_out_table(spectra.left_out),
    }
    return SpectraOfRun(spectra, tables)


def thumbnails_of_run(run: RunImages, names: Sequence[str], request: ThumbnailRequest, workers: int) -> ThumbnailsOfRun:
    """Small copies of images of a run, which are named as in its scores. Raises what `make_thumbnails` raises."""
    made = make_thumbnails(run.images, names, request, workers)
    tables = {"thumbnails": thumbnail_table(made), "thumbnails_left_out": left_out_table(made.left_out)}
    return ThumbnailsOfRun(made, tables)


def saliency_of_run(
    run: RunImages, detectors: Sequence[FittedDetector], request: SaliencyRequest, workers: int
) -> SaliencyOfRun:
    """Saliency of images of a run.

    Args:
        run: The images.
        detectors: Fitted detectors, such as `kept_detectors` finds.
        request: Which images.
        workers: Threads that decode and degrade.

    Raises:
        InputError: An image is not in the run.
        UnknownDegradation: The degradation is none.
    """
    rows = rows_of_names(run.images, request.names) if request.names else _drawn_rows(run, request.count)
    found = saliency(detectors, run.images, rows, workers, request.degradation)
    tables = {
        "saliency": saliency_table(found.maps),
        "gradient_spectra": gradient_spectrum_table(found.maps),
        "saliency_left_out": left_out_table(found.left_out),
        "saliency_without": pd.DataFrame(found.without.items(), columns=list(WITHOUT)),
    }
    return SaliencyOfRun(found, tables)


def _drawn_rows(run: RunImages, count: int) -> Positions:
    """At most so many images of each generator and of the real ones that are held out, by what the files hold."""
    images = run.images
    held_out = images.table["split"] == images.held_out
    some = InspectedImages(images.select(held_out), run.inspected.records[held_out].reset_index(drop=True))
    drawn = drawn_by_content(some, count).values()
    return np.asarray(np.flatnonzero(held_out)[np.concatenate([np.zeros(0, np.int64), *drawn])])


def kept_detectors(folder: Path, runtime: Runtime, names: Sequence[str] = ()) -> list[FittedDetector]:
    """The fitted detectors that a run kept in its result folder.

    Args:
        folder: The result folder.
        runtime: Where they compute.
        names: Of detectors, or of the kept files without their ending; none for all.

    Returns:
        In the order of the names of their files, which they are called by.

    Raises:
        InputError: There is none, none of a name, or one cannot be restored.
    """
    paths = {path.stem: path for path in sorted((folder / FITTED).glob("*.safetensors"))}
    if not paths:
        msg = f"{folder} keeps no fitted detector; run it again with --keep-fitted: nothing in the cache is fitted anew"
        raise InputError(msg)
    detectors = {stem: read_saved(path)[0].detector for stem, path in paths.items()} if names else {}
    if missing := [name for name in names if name not in paths and name not in detectors.values()]:
        msg = f"{folder} keeps no fitted {missing[0]}; it has {', '.join(paths)}"
        raise InputError(msg)
    chosen = [stem for stem in paths if not names or stem in names or detectors[stem] in names]
    return [FittedDetector(stem, *restore_with_recipe(paths[stem], runtime)) for stem in chosen]
