"""Options of a detector and the version of its package are part of the keys that a plan gives."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from lineup_checkerboard import Checkerboard, CheckerboardDetector

from detectors import catalogue
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


def test_another_version_of_a_plug_in_is_another_fit_of_its_detectors_alone(make_bench, monkeypatch):
    recipes: list[Recipe] = [Smoothed("small"), NearestMeanRecipe("small")]
    before = make_bench(recipes=recipes).plan(("none",))
    monkeypatch.setattr(catalogue, "distribution", lambda made: "smoothed 2.0" if made is Smoothed else "")
    after = make_bench(recipes=recipes).plan(("none",))
    moved = {old.cell.detector for old, new in zip(before, after, strict=True) if old.key != new.key}
    assert moved == {"smoothed"}
