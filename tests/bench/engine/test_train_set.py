"""Scores that a recipe asks of its train set while it is fitted are those of the detector by itself."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector

from detectors.api import Answer, Card, Detector
from detectors.composition import Composite
from protocols.api import Cell, Subset
from tests.support.miniature import NearestMeanRecipe


class Mean(Composite):
    """The mean score of a probe and of a detector that wants images."""

    def __init__(self, probe, plugin):
        self.members = {"probe": probe, "plugin": plugin}

    def combine(self, answers):
        return Answer((answers["probe"].scores + answers["plugin"].scores) / 2)

    def state(self):
        return {}


class Broken(CheckerboardDetector):
    def score(self, batch):
        msg = "no score for these"
        raise RuntimeError(msg)


def probe(train, runtime):
    return NearestMeanRecipe("small").fit(train, 0, runtime)


def plugin(train, runtime):
    return Checkerboard("small").fit(train, 0, runtime)


def composite(train, runtime):
    return Mean(probe(train, runtime), plugin(train, runtime))


def broken(train, runtime):
    return Broken(0.0, 1.0)


def broken_member(train, runtime):
    return Mean(probe(train, runtime), Broken(0.0, 1.0))


@dataclass(frozen=True)
class Asking(Checkerboard):
    """Asks for the scores of a member, of all images and of a part in another order; keeps what it was told."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="asking")
    member: object = field(default=None, compare=False)
    told: list = field(default_factory=list, compare=False)

    def fit(self, train, seed, runtime):
        member: Detector = self.member(train, runtime)
        rows = np.arange(len(train))[::-3]
        for asked in (train, train.part(rows)):
            alone = member.score([member.prepare(asked[row]) for row in range(len(asked))])
            self.told.append((asked.scores(member), alone))
        return super().fit(train, seed, runtime)


def fitted(make_bench, member):
    """What a recipe was told in its fit, and what became of the cell."""
    recipe = Asking("small", member=member)
    bench = make_bench(recipes=[recipe])
    train = Subset(("even",), "train", degradation="jpeg:65")
    (planned,) = bench.planned([Cell("asking", train, Subset(("even",), "val"))])
    _, outcomes = bench.run([planned])
    return recipe.told, outcomes[planned.key]


@pytest.mark.parametrize("member", [probe, plugin, composite])
def test_a_recipe_is_told_the_scores_of_its_member(make_bench, member):
    told, outcome = fitted(make_bench, member)
    assert (outcome.status, outcome.reason) == ("scored", "")
    assert [len(scores) for scores, _ in told] == [16, 6]
    for scores, alone in told:
        assert scores == pytest.approx(alone, abs=1e-6)
    scores, _ = told[0]
    assert np.ptp(scores) > 0.1  # else the order of the images would not show


@pytest.mark.parametrize("member", [broken, broken_member])
def test_an_error_of_a_member_is_that_of_the_fit(make_bench, monkeypatch, member):
    monkeypatch.setattr(Asking, "fit", lambda recipe, train, seed, runtime: train.scores(member(train, runtime)))
    told, outcome = fitted(make_bench, member)
    assert not told
    assert (outcome.status, outcome.reason) == ("failed", "RuntimeError: no score for these")
