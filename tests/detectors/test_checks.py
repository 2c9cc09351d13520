"""The contract checks find what breaks the contract: each clause has a detector that breaks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from scipy.special import logit

from detectors.api import Answer, Card, Runtime, Setting, Size, Variant
from detectors.checks import ContractViolation, ToyTrainSet, check, inputs_are_left_alone, options_change_the_key
from tests.support.miniature import NearestMean, NearestMeanRecipe, Smoothed


def breaking(**methods):
    """A recipe whose fitted detector has these methods instead of its own."""
    broken = type("BrokenDetector", (CheckerboardDetector,), methods)

    @dataclass(frozen=True)
    class Recipe(Checkerboard):
        def fit(self, train, seed, runtime):
            state = super().fit(train, seed, runtime).state()
            return broken(float(state["cut"][0]), float(state["slope"][0]))

        def restore(self, state, runtime):
            return broken(float(state["cut"][0]), float(state["slope"][0]))

    return Recipe("small")


def good(self, batch):
    return CheckerboardDetector.score(self, batch)


def scribble(self, sample):
    sample.pixels.flags.writeable = True
    sample.pixels[0, 0] = 0
    return CheckerboardDetector.prepare(self, sample)


def answering(make):
    """Methods of a detector whose log odds are made of its scores, in double precision."""

    def answer(self, batch):
        scores = good(self, batch)
        return Answer(scores, log_odds=make(logit(scores.astype(np.float64))))

    return {"answer": answer}


def nothing_of_the_smallest(self, sample):
    return CheckerboardDetector.prepare(self, sample) if min(sample.pixels.shape[:2]) > 1 else np.float32(np.nan)


def minding_the_first(self, batch):
    ordered = len(batch) < 7 or batch[0] == CheckerboardDetector.prepare(self, ToyTrainSet()[0])
    return good(self, batch) if ordered else good(self, batch) / 2


def scoring_nothing(self, batch):
    return good(self, [0 if one is None else one for one in batch])


def hiding_nan(self, batch):
    return np.full(len(batch), 0.5, np.float32) if np.isnan(self._cut) else good(self, batch)


def erasing(self, batch):
    scores = good(self, [one[0] for one in batch])
    for one in batch:
        one.flags.writeable = True
        one[:] = 0
    return scores


RNG = np.random.default_rng(0)
BROKEN = {
    "float32": {"score": lambda self, batch: good(self, batch).astype(np.float64)},
    r"\[0, 1\]": {"score": lambda self, batch: good(self, batch) * np.float32(3)},
    "shape": {"score": lambda self, batch: good(self, batch)[:, None]},
    "no images": {"score": lambda self, batch: good(self, batch) if len(batch) else np.zeros(1, np.float32)},
    "a batch equals": {"score": lambda self, batch: good(self, batch) / np.float32(len(batch) or 1)},
    "order is free": {"score": minding_the_first},
    "odd sizes are scored": {"prepare": nothing_of_the_smallest},
    r"log odds are float32 \(N,\)": answering(lambda odds: odds),
    "log odds are finite": answering(lambda odds: np.full(odds.shape, np.inf, np.float32)),
    "probabilities of the log odds": answering(lambda odds: 2 * odds.astype(np.float32)),
    "different files get different answers": {"score": lambda self, batch: np.full(len(batch), 0.7, np.float32)},
    "what cannot be scored gets no score": {"score": scoring_nothing},
    "NaN in what was learned is no score": {"score": hiding_nan},
    "score leaves the batch alone": {
        "prepare": lambda self, sample: np.full(4, CheckerboardDetector.prepare(self, sample)),
        "score": erasing,
    },
    "sample alone": {"prepare": scribble},
    "repeats exactly": {"score": lambda self, batch: np.clip(good(self, batch) + RNG.random() / 1e6, 0, 1)},
    "restored": {"state": lambda self: {"cut": np.float64([self._cut + 1]), "slope": np.float64([1.0])}},
}


@pytest.mark.parametrize("clause", BROKEN)
def test_a_broken_detector_is_found(clause):
    with pytest.raises(ContractViolation, match=clause):
        check(breaking(**BROKEN[clause]))


def test_a_probe_that_changes_embeddings_is_found():
    class Erasing(NearestMean):
        def decide(self, embeddings):
            scores = super().decide(embeddings)
            embeddings.flags.writeable = True
            embeddings[:] = 0
            return scores

    recipe, train = NearestMeanRecipe("small"), ToyTrainSet(8)
    probe = recipe.fit(train, 0, Runtime())
    inputs_are_left_alone(recipe, probe, train)
    with pytest.raises(ContractViolation, match="a probe leaves embeddings alone"):
        inputs_are_left_alone(recipe, Erasing(probe.embedder, probe.means), train)


def test_a_network_whose_front_end_is_not_stated_is_found():
    variant = replace(Checkerboard.variants["paper"], size=Size(1, 0.1))

    @dataclass(frozen=True)
    class Silent(Checkerboard):
        variants: ClassVar[Mapping[Setting, Variant]] = {"paper": variant, "small": variant}

    with pytest.raises(ContractViolation, match="a network's front end and its precision are stated; seen: paper"):
        check(Silent("small"))


def test_an_incomplete_card_is_found():
    @dataclass(frozen=True)
    class NoPaper(Checkerboard):
        card: ClassVar[Card] = replace(Checkerboard.card, paper="")

    with pytest.raises(ContractViolation, match=r"every field of a card is filled; seen: \['paper'\]"):
        check(NoPaper("small"))


def test_a_setting_without_a_variant_is_found():
    @dataclass(frozen=True)
    class Half(Checkerboard):
        variants: ClassVar[Mapping[Setting, Variant]] = {"small": Checkerboard.variants["small"]}

    with pytest.raises(ContractViolation, match=r"there is a variant for each setting; seen: \['small'\]"):
        check(Half("small"))


def test_an_incomplete_variant_is_found_in_either_setting():
    @dataclass(frozen=True)
    class NoPolicy(Checkerboard):
        variants: ClassVar[Mapping[Setting, Variant]] = {
            **Checkerboard.variants,
            "paper": replace(Checkerboard.variants["paper"], input_policy=""),
        }

    with pytest.raises(ContractViolation, match=r"every field of a variant is filled; seen: \['paper: input_policy'\]"):
        check(NoPolicy("small"))


def test_a_fit_that_ignores_its_seed_is_fine_and_one_that_is_random_is_not():
    @dataclass(frozen=True)
    class Random(Checkerboard):
        def fit(self, train, seed, runtime):
            return CheckerboardDetector(float(RNG.random()), 1.0)

    with pytest.raises(ContractViolation, match="same images and seed"):
        check(Random("small"))


def test_an_importer_of_torch_is_found(tmp_path, monkeypatch):
    (tmp_path / "heavy_detector.py").write_text("import torch\nfrom lineup_checkerboard import *\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    @dataclass(frozen=True)
    class Heavy(Checkerboard):
        pass

    Heavy.__module__ = "heavy_detector"
    with pytest.raises(ContractViolation, match="does not import torch"):
        check(Heavy("small"))


def test_the_toy_set_can_be_told_apart():
    train = ToyTrainSet()
    detector = Checkerboard("small").fit(train, 0, Runtime())
    scores = detector.score([detector.prepare(train[index]) for index in range(len(train))])
    assert ((scores > 0.5) == train.labels).mean() > 0.9


@dataclass(frozen=True)
class Forgetful(Smoothed):
    """Its key forgets the option."""

    @property
    def key(self):
        return f"{self.card.name}.{self.card.version}.{self.setting}.{self.input}"


@dataclass(frozen=True)
class Odd(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="odd")
    weights: frozenset[int] = field(default=frozenset(), metadata={"other": frozenset({1})})


@dataclass(frozen=True)
class Unknowable(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="unknowable")
    weights: frozenset[int] = frozenset()


def test_the_check_sees_a_key_that_forgets_an_option():
    toy = ToyTrainSet(4)
    detector = Checkerboard("small").fit(toy, 0, None)
    options_change_the_key(Smoothed("small"), detector, toy)
    options_change_the_key(Odd("small"), detector, toy)
    with pytest.raises(ContractViolation, match="option sigma gives another key"):
        options_change_the_key(Forgetful("small"), detector, toy)
    with pytest.raises(ContractViolation, match="name one in the field's metadata"):
        options_change_the_key(Unknowable("small"), detector, toy)
