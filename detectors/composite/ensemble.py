"""Ensembles of detectors: the mean of their log odds, or a logistic regression on them (stacking).

Wolpert, "Stacked generalization", Neural Networks 5(2), 1992. Stacking weights are fitted on images that the members
were not fitted on: a quarter of the train set is set aside for them, then the members are fitted again on all of it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from detectors import catalogue
from detectors.api import (
    Answer,
    Card,
    Detector,
    Recipe,
    Runtime,
    Scores,
    Setting,
    State,
    TrainSet,
    Variant,
    for_all_settings,
)
from detectors.composite.nested_fits import divided, joined, parted, within
from detectors.composition import Composite, as_member
from detectors.heads.linear import single_blas_thread

MEMBERS = ("residual", "spectrum", "hog_svm", "clip_layers")
CERTAIN = 1e-6  # scores are kept this far from 0 and 1, where log odds have no end
ASIDE = 0.25  # of the train set, for the weights of the members
WEIGHTS = "weights"

LogOdds = NDArray[np.float64]


class EnsembleDetector(Composite):
    """Fitted members and a line over their log odds.

    Attributes:
        members: By name.
        weights: float64 (M + 1,), one per member in their order, then the intercept.
    """

    def __init__(self, members: Mapping[str, Detector], weights: LogOdds) -> None:
        self.members = members
        self.weights = weights

    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The weighed sum of the members' log odds."""
        odds = log_odds([answers[name].scores for name in self.members])
        return Answer(expit(odds @ self.weights[:-1] + self.weights[-1]).astype(np.float32))

    def state(self) -> State:
        """What every member learned, and the weights."""
        return joined({name: one.state() for name, one in self.members.items()}) | {WEIGHTS: self.weights}


def log_odds(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """Log odds float64 (N, M) of M arrays of scores (N,)."""
    stacked = np.stack(scores, axis=1).astype(np.float64)
    odds: NDArray[np.float64] = logit(np.clip(stacked, CERTAIN, 1 - CERTAIN))
    return odds


@dataclass(frozen=True)
class Ensemble(Recipe):
    """What both ensembles share.

    Attributes:
        members: Names of the detectors, as they are installed.
    """

    members: tuple[str, ...] = MEMBERS

    def __post_init__(self) -> None:
        """Raises ValueError for no members, or one that is named twice."""
        if not self.members or len(set(self.members)) < len(self.members):
            msg = f"members {', '.join(self.members) or 'none'}: name at least one detector, and each once"
            raise ValueError(msg)

    def components(self) -> tuple[Recipe, ...]:
        """The recipes of the members."""
        return tuple(self._recipes().values())

    def _recipes(self) -> dict[str, Recipe]:
        return {name: catalogue.recipe(name, self.setting) for name in self.members}

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> EnsembleDetector:
        """Fit the members, and the weights where they are fitted. Raises what a member raises."""
        weights = self.weigh(train, seed, runtime)
        return EnsembleDetector(self.fitted(train, seed, within(runtime, "whole")), weights)

    def fitted(self, train: TrainSet, seed: int, runtime: Runtime) -> dict[str, Detector]:
        """Every member, fitted on `train`."""
        return {
            name: as_member(recipe, recipe.fit(train, seed, within(runtime, name)))
            for name, recipe in self._recipes().items()
        }

    @abstractmethod
    def weigh(self, train: TrainSet, seed: int, runtime: Runtime) -> LogOdds:
        """The weights of the members and the intercept, float64 (M + 1,)."""

    def restore(self, state: State, runtime: Runtime) -> EnsembleDetector:
        """The ensemble whose `state` this is."""
        members = {
            name: as_member(recipe, recipe.restore(parted(state, name), runtime))
            for name, recipe in self._recipes().items()
        }
        return EnsembleDetector(members, state[WEIGHTS])


@dataclass(frozen=True)
class MeanEnsemble(Ensemble):
    """The mean of the members' log odds."""

    card: ClassVar[Card] = Card(
        name="ensemble_mean",
        family="composite",
        year=2024,
        version=1,
        title="Ensemble: mean of log odds",
        paper="none: the plain average of detectors, as reported beside single ones in the field",
        upstream="none: own implementation",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = for_all_settings(
        Variant(
            trained_on="the train subset of the run, every member on all of it",
            input_size="as its members",
            input_policy="as its members",
        )
    )

    def weigh(self, train: TrainSet, seed: int, runtime: Runtime) -> LogOdds:
        """One share for each."""
        del train, seed, runtime
        return np.append(np.full(len(self.members), 1 / len(self.members)), 0.0)


@dataclass(frozen=True)
class StackedEnsemble(Ensemble):
    """Logistic regression on the members' log odds for images that they were not fitted on."""

    card: ClassVar[Card] = Card(
        name="ensemble_stack",
        family="composite",
        year=1992,
        version=1,
        title="Ensemble: stacked",
        paper="after Wolpert, Stacked generalization, Neural Networks 5(2), 1992",
        upstream="none: own implementation",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = for_all_settings(
        Variant(
            trained_on="the train subset of the run, a quarter of it set aside for the weights of the members",
            input_size="as its members",
            input_policy="as its members",
        )
    )

    def weigh(self, train: TrainSet, seed: int, runtime: Runtime) -> LogOdds:
        """Weights from the images that were set aside."""
        from sklearn.linear_model import LogisticRegression

        fitting, aside = divided(train, ASIDE, seed)
        scores = [aside.scores(member) for member in self.fitted(fitting, seed, within(runtime, "aside")).values()]
        fitted = LogisticRegression(class_weight="balanced", tol=1e-6, max_iter=10_000)
        with single_blas_thread():
            fitted.fit(log_odds(scores), aside.labels)
        return np.append(fitted.coef_[0], fitted.intercept_)
