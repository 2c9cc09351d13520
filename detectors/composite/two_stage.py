"""Two stages: predict the generator, then ask the detector that was fitted on that generator alone.

After Kilinkarov, Dorin and Grabovoy, "Robust method for detecting machine-generated images" (preprint, in Russian). The
first stage is a classifier over the generators of the train set; it is asked which generator would be the one if the
image were generated, so "real" is no route. Each second stage is fitted on one generator's images and all real ones.
Where the train set holds one generator there is one route, and the two stages are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors import catalogue
from detectors.api import Answer, Card, Detector, Recipe, Runtime, Setting, State, TrainSet, Variant, for_all_settings
from detectors.classifier import Classifier
from detectors.composite.nested_fits import joined, parted, within
from detectors.composition import Composite, as_member
from detectors.diagnostics import LIKELIEST_GENERATOR, PREDICTED_GENERATOR, ROUTE, ROUTE_SCORE

FIRST = "first"


class TwoStageDetector(Composite):
    """A fitted classifier and one fitted detector per generator.

    Attributes:
        members: The classifier under `FIRST`, and the detectors by their place, for names of generators may hold
            anything.
        routes: The generators in that order.
    """

    def __init__(self, first: Classifier, experts: Mapping[str, Detector]) -> None:
        numbered = {str(place): expert for place, expert in enumerate(experts.values())}
        self.members = {FIRST: first, **numbered}
        self.routes = tuple(experts)

    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The score of each image along its route: the generator that it likeliest is, "real" left aside.

        Where there are several routes, the answer names the one taken, and tells the scores along all of them.
        """
        along = np.stack([answers[str(place)].scores for place in range(len(self.routes))])
        if len(self.routes) == 1:
            return Answer(along[0])
        names = np.asarray(self.routes, dtype=object)
        route = np.asarray(answers[FIRST].diagnostics[LIKELIEST_GENERATOR], dtype=object)
        taken = (names[:, None] == route).argmax(axis=0)
        scores = along[taken, np.arange(along.shape[1])]
        told = {ROUTE_SCORE + name: row for name, row in zip(self.routes, along, strict=True)}
        return Answer(scores, {ROUTE: route, PREDICTED_GENERATOR: np.where(scores > 0.5, route, ""), **told})

    def state(self) -> State:
        """What both stages learned."""
        return joined({name: member.state() for name, member in self.members.items()})


@dataclass(frozen=True)
class TwoStage(Recipe):
    """Recipe of both stages.

    Attributes:
        first: Name of a detector that tells generators apart.
        second: Name of the detector that is fitted on each generator.
    """

    first: str = "clip_classes"
    second: str = "residual"
    card: ClassVar[Card] = Card(
        name="two_stage",
        family="composite",
        year=None,
        version=1,
        title="Two stages: generator, then its own detector",
        paper="after Kilinkarov, Dorin and Grabovoy, Robust method for detecting machine-generated images (preprint)",
        upstream="none: own implementation",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = for_all_settings(
        Variant(
            trained_on="the train subset of the run: first stage all of it, each second stage one generator and all"
            " real",
            input_size="as its stages",
            input_policy="as its stages",
        )
    )

    def components(self) -> tuple[Recipe, ...]:
        """The recipes of both stages."""
        return self._stages()

    def _stages(self) -> tuple[Recipe, Recipe]:
        return catalogue.recipe(self.first, self.setting), catalogue.recipe(self.second, self.setting)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> TwoStageDetector:
        """Fit both stages. Raises what they raise, and `TypeError` for a first stage that tells no classes apart."""
        first, second = self._stages()
        classifier = _classifier(first.fit(train, seed, within(runtime, FIRST)), self.first)
        names = np.asarray(train.generators, dtype=object)
        experts = {}
        for place, name in enumerate(sorted(set(names[train.labels == 1]))):
            part = train.part(np.flatnonzero((names == name) | (train.labels == 0)))
            experts[name] = as_member(second, second.fit(part, seed, within(runtime, str(place))))
        return TwoStageDetector(classifier, experts)

    def restore(self, state: State, runtime: Runtime) -> TwoStageDetector:
        """The detector whose `state` this is."""
        first, second = self._stages()
        classifier = _classifier(first.restore(parted(state, FIRST), runtime), self.first)
        experts = {
            name: as_member(second, second.restore(parted(state, str(place)), runtime))
            for place, name in enumerate(name for name in classifier.classes if name)
        }
        return TwoStageDetector(classifier, experts)


def _classifier(detector: Detector, name: str) -> Classifier:
    if not isinstance(detector, Classifier):
        msg = f"{name} tells no generators apart: name a first stage that does, such as clip_classes"
        raise TypeError(msg)
    return detector
