"""What detectors share in a pass cannot be written to: who tries fails with one clear line, and no other is touched."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector

from detectors.api import Card
from tests.support.miniature import Means, NearestMean, NearestMeanRecipe


class Inverting(CheckerboardDetector):
    """Turns the image it is shown into its negative, in place."""

    def prepare(self, sample):
        np.subtract(255, sample.pixels, out=sample.pixels)
        return super().prepare(sample)


class Rescoring(CheckerboardDetector):
    """Writes to the prepared arrays."""

    def prepare(self, sample):
        return np.full(4, super().prepare(sample))

    def score(self, batch):
        for one in batch:
            one[:] = 0
        return super().score([one[0] for one in batch])


@dataclass(frozen=True)
class Meddler(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="meddler")
    made: ClassVar[type] = Inverting

    def fit(self, train, seed, runtime):
        return self.made(4.0, 1.0)

    def restore(self, state, runtime):
        return self.made(4.0, 1.0)


@dataclass(frozen=True)
class Writer(Meddler):
    card: ClassVar[Card] = replace(Checkerboard.card, name="writer")
    made: ClassVar[type] = Rescoring


class Squaring(NearestMean):
    """Writes to the embeddings it decides on."""

    def decide(self, embeddings):
        embeddings *= embeddings
        return super().decide(embeddings)


@dataclass(frozen=True)
class Squarer(NearestMeanRecipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="squarer")

    def fit(self, train, seed, runtime):
        fitted = super().fit(train, seed, runtime)
        return Squaring(fitted.embedder, fitted.means)


class InvertingMeans(Means):
    key = "inverting.1"

    def prepare(self, sample):
        sample.pixels[:] = 255 - sample.pixels
        return super().prepare(sample)


@dataclass(frozen=True)
class Embedding(NearestMeanRecipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="embedding")

    def __post_init__(self):
        object.__setattr__(self, "shared", InvertingMeans())


@pytest.mark.parametrize("meddler", [Meddler, Writer, Squarer, Embedding])
def test_who_writes_to_what_is_shared_fails_and_the_others_are_untouched(make_bench, meddler):
    good = [NearestMeanRecipe("small"), Checkerboard("small")]
    undisturbed, beside = make_bench("a", good), make_bench("b", [meddler("small"), *good])
    expected = undisturbed.plan(("none", "jpeg:65"))
    undisturbed.run(expected)
    planned = beside.plan(("none", "jpeg:65"))
    _, outcomes = beside.run(planned)
    broken = [outcomes[item.key] for item in planned if item.cell.detector == meddler.card.name]
    assert {one.status for one in broken} == {"failed"}
    (reason,) = {one.reason for one in broken}
    assert reason.startswith("ChangedInPlace: it writes to an array that it shares with other detectors")
    assert "copy it first" in reason
    assert "\n" not in reason
    assert beside.scores(expected) == undisturbed.scores(expected)
