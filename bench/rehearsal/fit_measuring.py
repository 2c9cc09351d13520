"""How long a fit takes: of a head by fits of two sizes, of a network by its epochs, and the detector that comes out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.engine.embeddings import needs_embeddings_alone, recipe_embedders
from bench.rehearsal.repeated_train_set import RepeatedTrainSet
from detectors.api import Detector, Embeddings, Recipe, Runtime, Sample
from detectors.epochs import TrainedInEpochs

HEAD_SIZES = (200, 600)  # images of the two fits of what learns from embeddings
IMAGE_SIZES = (24, 48)  # of what reads images and has no epochs
EPOCH_IMAGES = (16, 48)  # of a training in epochs, where the detector is there without one, and where it is not
BUDGET = 5.0  # seconds after which a training in epochs ends with the epoch


class Unmeasured(RuntimeError):
    """A rate cannot be measured here. The message says why."""


class _EnoughEpochs(Exception):
    """Raised at the end of an epoch, when it was measured long enough."""


@dataclass(frozen=True)
class FitMeasurement:
    """How long a fit takes.

    Attributes:
        image_s: Seconds of an image, in each epoch.
        start_s: Seconds that a fit takes whatever its size.
        detector: What was fitted, or as quick.
    """

    image_s: float
    start_s: float
    detector: Detector


@dataclass
class _EpochClock:
    """Notes when each epoch ends, and ends the training once the budget is spent."""

    ends: list[float] = field(default_factory=lambda: [time.perf_counter()])

    def __call__(self, number: int, epoch: Mapping[str, float]) -> None:
        del number, epoch
        self.ends.append(time.perf_counter())
        if self.ends[-1] - self.ends[0] > BUDGET:
            raise _EnoughEpochs

    @property
    def epoch_s(self) -> float:
        """Seconds of an epoch: of the later ones, for the first one also begins the training."""
        seconds = [after - before for before, after in zip(self.ends, self.ends[1:], strict=False)]
        later = seconds[1:] or seconds
        return sum(later) / len(later)


def measure_fit(recipe: Recipe, samples: Sequence[Sample], runtime: Runtime) -> FitMeasurement:
    """Fit a recipe on repetitions of a few images.

    Args:
        recipe: The recipe.
        samples: The images, an even number.
        runtime: Where it computes.

    Raises:
        Unmeasured: It is trained in epochs by more than one network, or does not end in time.
        Exception: What the recipe raises.
    """
    if isinstance(recipe, TrainedInEpochs):
        return _measure_training(recipe, samples, runtime)
    if any(isinstance(part, TrainedInEpochs) for part in _all_components(recipe)):
        msg = "networks are trained in it, and their epochs cannot be told apart"
        raise Unmeasured(msg)
    embedders = recipe_embedders(recipe, runtime)
    known: dict[str, Embeddings] = {}
    sets = [
        RepeatedTrainSet(samples, tuple(range(size)), known)
        for size in (HEAD_SIZES if needs_embeddings_alone(recipe, runtime) else IMAGE_SIZES)
    ]
    for embedder in embedders:
        sets[0].embed(embedder)
    (first, _), (second, detector) = (_timed_fit(recipe, train, runtime) for train in sets)
    image_s = (second - first) / (len(sets[1]) - len(sets[0]))
    if image_s <= 0:  # so quick that the two cannot be told apart
        return FitMeasurement(second / len(sets[1]), 0.0, detector)
    return FitMeasurement(image_s, max(0.0, first - image_s * len(sets[0])), detector)


def _timed_fit(recipe: Recipe, train: RepeatedTrainSet, runtime: Runtime) -> tuple[float, Detector]:
    start = time.perf_counter()
    detector = recipe.fit(train, 0, runtime)
    return time.perf_counter() - start, detector


def _measure_training(recipe: Recipe, samples: Sequence[Sample], runtime: Runtime) -> FitMeasurement:
    """Train for a few epochs; what a training takes beside its epochs is not counted."""
    detector = recipe.untrained(runtime) if isinstance(recipe, TrainedInEpochs) else None
    train = RepeatedTrainSet(samples, tuple(range(EPOCH_IMAGES[detector is None])))
    clock = _EpochClock()
    try:
        detector = recipe.fit(train, 0, replace(runtime, on_epoch=clock))
    except _EnoughEpochs as error:
        if detector is None:
            msg = f"its training takes longer than {BUDGET:.0f} s, so that there is none to be timed"
            raise Unmeasured(msg) from error
    return FitMeasurement(clock.epoch_s / len(train), 0.0, detector)


def _all_components(recipe: Recipe) -> list[Recipe]:
    """The components of a recipe, at any depth."""
    return [part for component in recipe.components() for part in (component, *_all_components(component))]
