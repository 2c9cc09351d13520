"""Ensembles weigh their members: all alike, or by what they say of held-out images."""

import numpy as np
import pytest

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.composite.ensemble import MeanEnsemble, StackedEnsemble, log_odds
from detectors.composite.nested_fits import join_states, split_train_set, state_of

MEMBERS = ("hog_svm", "spectrum")
RECIPES = [MeanEnsemble("small", MEMBERS), StackedEnsemble("small", MEMBERS)]
IMAGES = [texture("ensemble", 128, 128), texture("members", 90, 140)]


@pytest.fixture(scope="module")
def train():
    return ToyTrainSet(32)


def member_scores(detector):
    return [member.score([member.prepare(sample(image)) for image in IMAGES]) for member in detector.members.values()]


def test_the_mean_is_of_log_odds(train):
    detector = RECIPES[0].fit(train, 0, Runtime())
    odds = log_odds(member_scores(detector)).mean(axis=1)
    scores = detector.score([detector.prepare(sample(image)) for image in IMAGES])
    assert scores == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-6)
    assert list(detector.members) == list(MEMBERS)


def test_stacking_trusts_the_member_that_is_right_on_images_it_has_not_seen():
    detector = StackedEnsemble("small", ("colour", "spectrum")).fit(ToyTrainSet(48), 0, Runtime())
    colour, spectrum, _ = detector.weights
    assert spectrum > abs(colour)  # a faint checkerboard is in the spectrum and not in the colours


def test_members_are_fitted_on_everything_and_weights_on_what_was_held_out(train, monkeypatch):
    seen = []
    recipe = RECIPES[1]
    fit_members = StackedEnsemble.fit_members

    def spy(self, part, seed, runtime):
        seen.append(set(part.names))
        return fit_members(self, part, seed, runtime)

    monkeypatch.setattr(StackedEnsemble, "fit_members", spy)
    recipe.fit(train, 0, Runtime())
    assert sorted(map(len, seen)) == [24, 32]


def test_keys_follow_the_members():
    keys = {MeanEnsemble("small", members).key for members in (MEMBERS, MEMBERS[:1], ("hog_svm", "residual"))}
    assert len(keys) == 3
    assert RECIPES[0].key != RECIPES[1].key


def test_train_sets_are_divided_by_name_and_class_whatever_the_order(train):
    fitting, aside = split_train_set(train, 0.25, 0)
    assert set(fitting.names) | set(aside.names) == set(train.names)
    assert not set(fitting.names) & set(aside.names)
    assert np.bincount(aside.labels).tolist() == [4, 4]
    backwards = train.part(np.arange(len(train))[::-1])
    assert set(split_train_set(backwards, 0.25, 0)[1].names) == set(aside.names)
    assert set(split_train_set(train, 0.25, 1)[1].names) != set(aside.names)
    assert (aside[0].pixels == train[train.names.index(aside.names[0])].pixels).all()


def test_weights_are_fitted_on_the_scores_that_the_train_set_gives(train, monkeypatch):
    asked = []
    scores = ToyTrainSet.scores
    monkeypatch.setattr(ToyTrainSet, "scores", lambda self, member: asked.append(len(self)) or scores(self, member))
    RECIPES[1].fit(train, 0, Runtime())
    assert asked == [8, 8]


def test_states_of_members_are_joined_and_split():
    states = {"a": {"x": np.arange(3), "y/z": np.ones(2)}, "ab": {"x": np.zeros(1)}}
    whole = join_states(states)
    assert all(same_state(state_of(whole, name), state) for name, state in states.items())
