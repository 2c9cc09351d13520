"""Two stages: predict the generator, then ask the detector that was fitted on that generator alone.

After Kilinkarov, Dorin and Grabovoy, "Robust method for detecting machine-generated images" (preprint, in Russian). The
first stage is a classifier over the generators of the train set; it is asked which generator would be the one if the
image were generated, so "real" is no route. Each second stage is fitted on one generator's images and all real ones.
Where the train set holds one generator there is one route, and the two stages are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors import catalogue
from detectors.api import (
    Array,
    Card,
    Detector,
    Recipe,
    Runtime,
    Sample,
    Scores,
    Setting,
    State,
    TrainSet,
    Variant,
    alike,
)
from detectors.classifier import Classifier
from detectors.parts import Part, joined, parted, together, within
from detectors.routing import Routed, RoutedRecipe, Routes

if TYPE_CHECKING:
    from detectors.sources import Source

FIRST, SECOND = "first", "second"


class TwoStageDetector(Routed):
    """A fitted classifier and one fitted detector per generator.

    Attributes:
        first: The classifier.
        experts: The detectors by generator, in the order of `routes`.
    """

    def __init__(self, first: Classifier, experts: Mapping[str, Detector]) -> None:
        self.first = first
        self.experts = experts
        self.routes = tuple(experts)

    def prepare(self, sample: Sample) -> Array:
        """What each stage prepares, as one record; experts are of one recipe, and prepare alike."""
        expert = next(iter(self.experts.values()))
        return together({FIRST: self.first.prepare(sample), SECOND: expert.prepare(sample)})

    def route(self, batch: Sequence[Array]) -> Routes:
        """The likeliest generator of each image, "real" left aside."""
        if not batch:
            return np.zeros(0, np.int64)
        embeddings = self.first.embedder.embed([one[FIRST] for one in batch])
        columns = [self.first.classes.index(name) for name in self.routes]
        routes: Routes = self.first.class_probabilities(embeddings)[:, columns].argmax(axis=1)
        return routes

    def score_along(self, batch: Sequence[Array], routes: Routes) -> Scores:
        """Ask each image's expert."""
        scores = np.zeros(len(batch), np.float32)
        for place, expert in enumerate(self.experts.values()):
            rows = np.flatnonzero(routes == place).tolist()
            scores[rows] = expert.score([batch[row][SECOND] for row in rows])
        return scores

    def state(self) -> State:
        """What both stages learned; experts are called by their place, for names of generators may hold anything."""
        numbered = {str(place): expert.state() for place, expert in enumerate(self.experts.values())}
        return joined({FIRST: self.first.state(), **numbered})


@dataclass(frozen=True)
class TwoStage(RoutedRecipe):
    """Recipe of both stages.

    Attributes:
        first: Name of a detector that tells generators apart.
        second: Name of the detector that is fitted on each generator.
    """

    first: str = "clip_classes"
    second: str = "residual"
    card: ClassVar[Card] = Card(
        name="two_stage",
        family="composition",
        year=None,
        version=1,
        title="Two stages: generator, then its own detector",
        paper="after Kilinkarov, Dorin and Grabovoy, Robust method for detecting machine-generated images (preprint)",
        upstream="none: own implementation",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = alike(
        Variant(
            trained_on="the train subset of the run: first stage all of it, each second stage one generator and all"
            " real",
            input_size="as its stages",
            input_policy="as its stages",
        )
    )

    @property
    def key(self) -> str:
        """The base key and those of both stages."""
        return ".".join((super().key, *(f"[{recipe.key}]" for recipe in self._stages())))

    def sources(self) -> tuple[Source, ...]:
        """Those of both stages."""
        return tuple(dict.fromkeys(source for recipe in self._stages() for source in recipe.sources()))

    def _stages(self) -> tuple[Recipe, Recipe]:
        return catalogue.recipe(self.first, self.setting), catalogue.recipe(self.second, self.setting)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> TwoStageDetector:
        """Fit both stages. Raises what they raise, and `TypeError` for a first stage that tells no classes apart."""
        first, second = self._stages()
        classifier = _classifier(first.fit(train, seed, within(runtime, FIRST)), self.first)
        names = np.asarray(train.generators, dtype=object)
        experts = {}
        for place, name in enumerate(sorted(set(names[train.labels == 1]))):
            part = Part(train, np.flatnonzero((names == name) | (train.labels == 0)))
            experts[name] = second.fit(part, seed, within(runtime, str(place)))
        return TwoStageDetector(classifier, experts)

    def restore(self, state: State, runtime: Runtime) -> TwoStageDetector:
        """The detector whose `state` this is."""
        first, second = self._stages()
        classifier = _classifier(first.restore(parted(state, FIRST), runtime), self.first)
        experts = {
            name: second.restore(parted(state, str(place)), runtime)
            for place, name in enumerate(name for name in classifier.classes if name)
        }
        return TwoStageDetector(classifier, experts)


def _classifier(detector: Detector, name: str) -> Classifier:
    if not isinstance(detector, Classifier):
        msg = f"{name} tells no generators apart: name a first stage that does, such as clip_classes"
        raise TypeError(msg)
    return detector
