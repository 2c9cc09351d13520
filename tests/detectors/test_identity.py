"""What changes an answer is part of its key by itself: options, code, libraries."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector

from bench.engine import versions
from detectors import catalogue, checks
from detectors.api import Card, Recipe
from protocols.api import Cell, Subset
from tests.support.miniature import NearestMeanRecipe


@dataclass(frozen=True)
class Smoothed(Checkerboard):
    """A plug-in's recipe with an option, which says nothing of keys."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="smoothed")
    sigma: float = 1.0

    def fit(self, train, seed, runtime):
        return CheckerboardDetector(float(self.sigma), 1.0)


def test_another_option_is_another_fit(make_bench):
    one, five = (make_bench("same", [Smoothed("small", sigma=sigma)]) for sigma in (1.0, 5.0))
    before, after = one.plan(("none",)), five.plan(("none",))
    one.run(before)
    engine, _ = five.run(after)
    assert engine.counts["fits made"] == 2
    assert not engine.counts["fits reused"]
    scores = (bench.scores(planned) for bench, planned in ((one, before), (five, after)))
    low, high = (np.mean([list(by_name.values()) for by_name in found.values()]) for found in scores)
    assert low > high + 0.1  # the cut is at sigma: nothing of the first fit was served to the second


def test_the_same_option_is_the_same_fit(make_bench):
    for again in (False, True):
        bench = make_bench("same", [Smoothed("small", sigma=1.0 if again else 1)])
        engine, _ = bench.run(bench.plan(("none",)))
        assert bool(engine.counts["cells reused"]) is again


def test_options_of_a_cell_win_over_those_of_the_run(make_bench):
    bench = make_bench(recipes=[Smoothed("small")])
    train, test = Subset(("even",), "train"), Subset(("odd",), "val")
    cells = [Cell("smoothed", train, test), Cell("smoothed", train, test, options=(("sigma", 5.0),))]
    planned = bench.planned(cells)
    bench.run(planned)
    usual, other = (list(bench.scores(planned)[cell].values()) for cell in cells)
    assert np.mean(usual) > np.mean(other) + 0.1


@dataclass(frozen=True)
class Forgetful(Smoothed):
    """Its key forgets the option."""

    @property
    def key(self):
        return f"{self.card.name}.{self.card.version}.{self.setting}"


@dataclass(frozen=True)
class Filed(Checkerboard):
    """An option that is a file."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="filed")
    template: str | None = field(default=None, metadata={"file": True})


@dataclass(frozen=True)
class Composed(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="composed")
    sigma: float = field(default=1.0, compare=False)

    def components(self):
        return (Smoothed(self.setting, sigma=self.sigma),)


@dataclass(frozen=True)
class Odd(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="odd")
    weights: frozenset[int] = field(default=frozenset(), metadata={"other": frozenset({1})})


@dataclass(frozen=True)
class Unknowable(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="unknowable")
    weights: frozenset[int] = frozenset()


def test_the_check_sees_a_key_that_forgets_an_option():
    toy = checks.ToyTrainSet(4)
    detector = Checkerboard("small").fit(toy, 0, None)
    checks.options_change_the_key(Smoothed("small"), detector, toy)
    checks.options_change_the_key(Odd("small"), detector, toy)
    with pytest.raises(checks.ContractViolation, match="option sigma gives another key"):
        checks.options_change_the_key(Forgetful("small"), detector, toy)
    with pytest.raises(checks.ContractViolation, match="name one in the field's metadata"):
        checks.options_change_the_key(Unknowable("small"), detector, toy)


def test_a_file_stands_in_a_key_by_its_content(tmp_path: Path):
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    assert Filed(template=str(first)).key == Filed(template=str(second)).key != Filed().key
    second.write_bytes(b"other")
    assert Filed(template=str(first)).key != Filed(template=str(second)).key


def test_components_are_part_of_a_key_and_what_is_not_compared_is_not():
    assert Composed(sigma=5.0).key != Composed().key
    assert "[smoothed.1.paper.sigma=5.0]" in Composed(sigma=5.0).key
    assert NearestMeanRecipe().key == NearestMeanRecipe().key


@pytest.mark.parametrize("changed", ["numpy", "torch", "pillow"])
def test_another_version_of_a_library_is_another_fit_and_other_embeddings(make_bench, monkeypatch, changed):
    bench = make_bench(recipes=[NearestMeanRecipe("small")])
    bench.run(bench.plan(("none",)))
    known = dict(versions.versions())
    monkeypatch.setattr(versions, "versions", lambda: known | {changed: "99"})
    engine, _ = bench.run(bench.plan(("none",)))
    assert not engine.counts["cells reused"]
    assert engine.counts["fits made"] == 2
    assert engine.counts["embeddings made"] > 0


def test_another_version_of_a_plug_in_is_another_fit_of_its_detectors_alone(make_bench, monkeypatch):
    recipes: list[Recipe] = [Smoothed("small"), NearestMeanRecipe("small")]
    before = make_bench(recipes=recipes).plan(("none",))
    monkeypatch.setattr(catalogue, "distribution", lambda made: "smoothed 2.0" if made is Smoothed else "")
    after = make_bench(recipes=recipes).plan(("none",))
    moved = {old.cell.detector for old, new in zip(before, after, strict=True) if old.key != new.key}
    assert moved == {"smoothed"}


def test_the_plug_in_of_the_tests_is_known_by_its_distribution():
    assert catalogue.distribution(Checkerboard).startswith("lineup-checkerboard ")
    assert catalogue.distribution(type(catalogue.recipe("hog_svm"))) == ""
    assert catalogue.distribution(NearestMeanRecipe) == ""
