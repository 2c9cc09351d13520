"""Routes of a detector that has several: recorded once, counted, and priced against the right ones."""

import io
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.cache import Cache
from bench.engine import Engine
from bench.fitting import Resources
from bench.plan import plan
from bench.progress import Reporter
from bench.report.files import routes_markdown
from bench.report.routes import confusion, routings
from bench.routes import trace
from bench.run import cell_rows
from detectors.api import Card, Runtime
from detectors.routing import Routed, RoutedRecipe
from protocols.api import Cell, Subset
from tests.engine.miniature import Bench, write_folder


class ByBrightness(Routed):
    """Sends dark images one way and bright ones the other; only the route called "odd" knows anything."""

    def __init__(self, routes):
        self.routes = routes

    def prepare(self, sample):
        return sample.pixels

    def route(self, batch):
        return np.array([int(one.mean() > 128) for one in batch], dtype=np.int64)

    def score_along(self, batch, routes):
        odd = self.routes.index("odd")
        known = np.array([one[1::2, 1::2].mean() > one[::2, ::2].mean() + 5 for one in batch], dtype=bool)
        return np.where(routes == odd, np.where(known, 0.9, 0.1), 0.9).astype(np.float32)

    def state(self):
        return {"routes": np.frombuffer("/".join(self.routes).encode(), np.uint8)}


@dataclass(frozen=True)
class TwoWays(RoutedRecipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="two_ways")

    def fit(self, train, seed, runtime):
        return ByBrightness(tuple(sorted({name for name in train.generators if name})))

    def restore(self, state, runtime):
        return ByBrightness(tuple(state["routes"].tobytes().decode().split("/")))


@pytest.fixture
def traced(tmp_path):
    """A run over two generators together: cells, what was recorded, and a way to trace again."""
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"two_ways": TwoWays("small")})
    bench.stored_run()
    train = Subset(("even", "odd"), "train")
    cells = [Cell("two_ways", train, Subset((name,), "val")) for name in ("even", "odd", "faint")]
    planned = plan(cells, bench.recipes, bench.selections, Runtime())
    resources = Resources(Cache(tmp_path / "cache"), bench.store, Reporter(Console(file=io.StringIO())))
    engine = Engine(bench.recipes, bench.selections, resources)
    outcomes = engine.run(planned)

    def again():
        trace(planned, bench.recipes, bench.selections, engine, resources)

    again()
    bench.store.finish({}, cell_rows(planned, outcomes))
    return bench, planned, again


def test_routes_are_those_that_the_detector_takes(traced):
    bench, planned, _ = traced
    run = bench.store.read()
    detector = ByBrightness(("even", "odd"))
    for item in planned:
        images = bench.selections[item.cell.test].images
        expected = [detector.routes[place] for place in detector.route([images[row].pixels for row in range(12)])]
        found = run.routes[run.routes["key"] == item.key].set_index("name")["route"]
        assert found[images.names].tolist() == expected


def test_the_oracle_knows_the_route_and_faint_has_none(traced):
    run = traced[0].store.read()
    (table,) = routings(run)
    shown = {column.header: dict(zip(table.columns[0].texts, column.texts, strict=True)) for column in table.columns}
    assert table.title == "Routes of two_ways, trained on even+odd"
    assert shown["oracle"]["odd"] == "100.0"
    assert shown["oracle"]["even"] == "50.0"
    assert shown["oracle"]["faint"] == shown["cost"]["faint"] == "-"
    cost = float(shown["oracle"]["odd"]) - float(shown["accuracy"]["odd"])
    assert cost > 5
    assert shown["cost"]["odd"] == f"{cost:+.1f}"
    shares = float(shown["to even"]["odd"]) + float(shown["to odd"]["odd"])
    assert shares == pytest.approx(100)
    assert "### Routes of two_ways" in routes_markdown([table])


def test_every_image_is_counted_once(traced):
    bench, planned, _ = traced
    counted = confusion(bench.store.read())
    assert counted["images"].sum() == len(planned) * 12
    assert set(counted["label"]) == {0, 1}


def test_what_is_traced_is_not_traced_again(traced, monkeypatch):
    _, _, again = traced
    monkeypatch.setattr(ByBrightness, "route", None)
    again()


def test_one_route_is_no_choice(tmp_path):
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"two_ways": TwoWays("small")})
    planned = bench.plan(("none",))
    engine, _ = bench.run(planned)
    resources = Resources(Cache(tmp_path / "cache"), bench.store, Reporter(Console(file=io.StringIO())))
    trace(planned, bench.recipes, bench.selections, engine, resources)
    assert not bench.store.traced()
