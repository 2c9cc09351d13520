"""Ensembles of detectors: the mean of their log odds, or a logistic regression on them (stacking).

Wolpert, "Stacked generalization", Neural Networks 5(2), 1992. Stacking weights are fitted on images that the members
were not fitted on: a quarter of the train set is held out for them, then the members are fitted again on all of it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

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
from detectors.composite.nested_fits import join_states, member_runtime, split_train_set, state_of
from detectors.composition import Composite, as_member
from detectors.heads.linear import MAX_ITERATIONS, TOLERANCE, single_blas_thread
from detectors.heads.logistic import expit
from detectors.log_odds import log_odds_of

MEMBERS = ("residual", "spectrum", "hog_svm", "clip_layers")
HELD_OUT_SHARE = 0.25  # of the train set, for the weights of the members
WEIGHTS = "weights"  # in a state, the name of the weights

MemberLogOdds = NDArray[np.float64]


class EnsembleDetector(Composite):
    """Fitted members and a linear decision over their log odds.

    Attributes:
        members: By name.
        weights: float64 (M + 1,), one per member in their order, then the intercept.
    """

    def __init__(self, members: Mapping[str, Detector], weights: MemberLogOdds) -> None:
        self.members = members
        self.weights = weights

    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The sigmoid of the weighted sum of the members' log odds."""
        odds = log_odds([answers[name].scores for name in self.members])
        return Answer(expit(odds @ self.weights[:-1] + self.weights[-1]).astype(np.float32))

    def state(self) -> State:
        """The states of all members, and the weights."""
        return join_states({name: member.state() for name, member in self.members.items()}) | {WEIGHTS: self.weights}


def log_odds(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """Log odds float64 (N, M) of M arrays of scores (N,)."""
    return log_odds_of(np.stack(scores, axis=1))


@dataclass(frozen=True)
class Ensemble(Recipe):
    """An ensemble of fitted members, weighted: a subclass gives `card`, `variants` and `member_weights`.

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
        """Fit the members and take their weights. Raises what a member raises."""
        weights = self.member_weights(train, seed, runtime)
        return EnsembleDetector(self.fit_members(train, seed, member_runtime(runtime, "whole")), weights)

    def fit_members(self, train: TrainSet, seed: int, runtime: Runtime) -> dict[str, Detector]:
        """All members by name, fitted on `train`."""
        return {
            name: as_member(recipe, recipe.fit(train, seed, member_runtime(runtime, name)))
            for name, recipe in self._recipes().items()
        }

    @abstractmethod
    def member_weights(self, train: TrainSet, seed: int, runtime: Runtime) -> MemberLogOdds:
        """The weights of the members and the intercept, float64 (M + 1,)."""

    def restore(self, state: State, runtime: Runtime) -> EnsembleDetector:
        """The ensemble with this state."""
        members = {
            name: as_member(recipe, recipe.restore(state_of(state, name), runtime))
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

    def member_weights(self, train: TrainSet, seed: int, runtime: Runtime) -> MemberLogOdds:
        """The same weight for each, and no intercept."""
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

    def member_weights(self, train: TrainSet, seed: int, runtime: Runtime) -> MemberLogOdds:
        """Weights fitted on held-out images."""
        from sklearn.linear_model import LogisticRegression

        fitting, held_out = split_train_set(train, HELD_OUT_SHARE, seed)
        members = self.fit_members(fitting, seed, member_runtime(runtime, "held_out"))
        scores = [held_out.scores(member) for member in members.values()]
        solver = LogisticRegression(class_weight="balanced", tol=TOLERANCE, max_iter=MAX_ITERATIONS)
        with single_blas_thread():
            solver.fit(log_odds(scores), held_out.labels)
        return np.append(solver.coef_[0], solver.intercept_)
