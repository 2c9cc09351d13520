"""Two stages: predict the generator, then score by the detector that was fitted on that generator alone.

After Kilinkarov, Dorin and Grabovoy, "Robust method for detecting machine-generated images" (preprint, in Russian). The
first stage is a classifier over the generators of the train set; its likeliest generator, on condition that the image
is generated, is the route, so "real" is none. Each second stage is fitted on one generator's images and all real ones.
Where the train set holds one generator there is one route, and the score is that of its detector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors import catalogue
from detectors.api import Answer, Card, Detector, Recipe, Runtime, Setting, State, TrainSet, Variant, for_all_settings
from detectors.classifier import Classifier
from detectors.composite.nested_fits import join_states, member_runtime, state_of
from detectors.composition import Composite, as_member
from detectors.types import LIKELIEST_GENERATOR, PREDICTED_GENERATOR, ROUTE, ROUTE_SCORE

FIRST = "first"


class TwoStageDetector(Composite):
    """A fitted classifier and one fitted detector per generator.

    Attributes:
        members: The classifier under `FIRST`, and the detectors by the index of their route, for names of generators
            may contain any character.
        routes: The generators in that order.
    """

    def __init__(self, first: Classifier, experts: Mapping[str, Detector]) -> None:
        numbered = {str(index): expert for index, expert in enumerate(experts.values())}
        self.members = {FIRST: first, **numbered}
        self.routes = tuple(experts)

    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The score of each image on its route: the likeliest generator, on condition that the image is generated.

        Where there are several routes, the answer records the one taken and the scores on all of them.
        """
        route_scores = np.stack([answers[str(index)].scores for index in range(len(self.routes))])
        if len(self.routes) == 1:
            return Answer(route_scores[0])
        names = np.asarray(self.routes, dtype=object)
        route = np.asarray(answers[FIRST].diagnostics[LIKELIEST_GENERATOR], dtype=object)
        indices = (names[:, None] == route).argmax(axis=0)
        scores = route_scores[indices, np.arange(route_scores.shape[1])]
        by_route = {ROUTE_SCORE + name: row for name, row in zip(self.routes, route_scores, strict=True)}
        return Answer(scores, {ROUTE: route, PREDICTED_GENERATOR: np.where(scores > 0.5, route, ""), **by_route})

    def state(self) -> State:
        """The states of both stages."""
        return join_states({name: member.state() for name, member in self.members.items()})


@dataclass(frozen=True)
class TwoStage(Recipe):
    """Recipe of both stages.

    Attributes:
        first: Name of a detector that classifies generators.
        second: Name of the detector that is fitted on each generator.
    """

    first: str = "clip_classes"
    second: str = "residual"
    names_generators: ClassVar[bool] = True
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
        """Fit both stages. Raises what they raise, and `TypeError` for a first stage that is no classifier."""
        first, second = self._stages()
        classifier = _classifier(first.fit(train, seed, member_runtime(runtime, FIRST)), self.first)
        names = np.asarray(train.generators, dtype=object)
        experts = {}
        for index, name in enumerate(sorted(set(names[train.labels == 1]))):
            part = train.part(np.flatnonzero((names == name) | (train.labels == 0)))
            experts[name] = as_member(second, second.fit(part, seed, member_runtime(runtime, str(index))))
        return TwoStageDetector(classifier, experts)

    def restore(self, state: State, runtime: Runtime) -> TwoStageDetector:
        """The detector with this state."""
        first, second = self._stages()
        classifier = _classifier(first.restore(state_of(state, FIRST), runtime), self.first)
        experts = {
            name: as_member(second, second.restore(state_of(state, str(index)), runtime))
            for index, name in enumerate(name for name in classifier.classes if name)
        }
        return TwoStageDetector(classifier, experts)


def _classifier(detector: Detector, name: str) -> Classifier:
    if not isinstance(detector, Classifier):
        msg = f"{name} does not classify generators: name a first stage that does, such as clip_classes"
        raise TypeError(msg)
    return detector
