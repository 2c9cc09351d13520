"""The fitted detectors of a planned run as far as they need no fit: from the cache, and from checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.analyses.images.saliency import FittedDetector
from bench.engine.cache import Cache
from bench.engine.plan import PlannedCell, detector_names
from bench.request.planned_run import PlannedRun
from detectors.api import Detector, Unavailable
from detectors.input_policy import with_input_policy
from detectors.weight_file import WrongWeights

MISSING = "its fit is not in the cache; run the same command again"


@dataclass(frozen=True)
class CachedDetectors:
    """Fitted detectors, named as the files that `--keep-fitted` writes.

    Attributes:
        found: The detectors, in the order of the cells.
        missing: By name, why one could not be had.
    """

    found: tuple[FittedDetector, ...]
    missing: dict[str, str]


def cached_detectors(run: PlannedRun) -> CachedDetectors:
    """The fitted detectors behind the cells of a planned run, each once; nothing is fitted."""
    items = {item.fit_key: item for item in run.planned}
    names = detector_names({fit_key: item.cell for fit_key, item in items.items()})
    found: list[FittedDetector] = []
    missing: dict[str, str] = {}
    for fit_key, item in items.items():
        try:
            found.append(FittedDetector(names[fit_key], item.recipe, _detector(run, item)))
        except (Unavailable, WrongWeights) as error:
            missing[names[fit_key]] = str(error)
    return CachedDetectors(tuple(found), missing)


def _detector(run: PlannedRun, item: PlannedCell) -> Detector:
    """The fitted detector of a cell. Raises `Unavailable` where it would have to be fitted."""
    if item.fitted_on is None:
        return with_input_policy(item.recipe, item.recipe.load(Path(item.cell.checkpoint), run.runtime))
    state = Cache(run.request.cache).read_fit(item.training_key)
    if state is None:
        raise Unavailable(MISSING)
    return with_input_policy(item.recipe, item.recipe.restore(state, run.runtime))
