"""Routes of a detector that has several: recorded while it is scored, counted, and priced against the right ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard

from bench.images import image_set
from bench.records import columns
from bench.report.formats import section_as_markdown
from bench.report.sections.routes import LEGEND, route_counts, route_tables
from detectors.api import Answer, Card, Detector, Recipe
from detectors.composition import Composite
from detectors.types import ROUTE, ROUTE_SCORE
from protocols.api import Cell, Subset
from tests.support.miniature import SIZES, Bench, write_folder


class Brightness(Detector):
    """1 for bright images, 0 for dark ones."""

    def prepare(self, sample):
        return sample.pixels

    def score(self, batch):
        return np.array([one.mean() > 128 for one in batch], np.float32)

    def state(self):
        return {}


class Phase(Brightness):
    """Only the route called "odd" knows anything."""

    def __init__(self, knows):
        self.knows = knows

    def score(self, batch):
        known = np.array([one[1::2, 1::2].mean() > one[::2, ::2].mean() + 5 for one in batch], dtype=bool)
        return np.where(known | (not self.knows), 0.9, 0.1).astype(np.float32)


class ByBrightness(Composite):
    """Sends dark images one way and bright ones the other."""

    def __init__(self, routes):
        self.routes = routes
        self.members: Mapping[str, Detector] = {
            "brightness": Brightness(),
            **{name: Phase(name == "odd") for name in routes},
        }

    def combine(self, answers):
        taken = (answers["brightness"].scores > 0.5).astype(int) % len(self.routes)
        along = np.stack([answers[name].scores for name in self.routes])
        scores = along[taken, np.arange(along.shape[1])]
        if len(self.routes) == 1:
            return Answer(scores)
        told = {ROUTE_SCORE + name: row for name, row in zip(self.routes, along, strict=True)}
        return Answer(scores, {ROUTE: np.asarray(self.routes, dtype=object)[taken], **told})

    def state(self):
        return {"routes": np.frombuffer("/".join(self.routes).encode(), np.uint8)}


@dataclass(frozen=True)
class TwoWays(Recipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="two_ways")
    variants = Checkerboard.variants

    def fit(self, train, seed, runtime):
        return ByBrightness(tuple(sorted({name for name in train.generators if name})))

    def restore(self, state, runtime):
        return ByBrightness(tuple(state["routes"].tobytes().decode().split("/")))


@pytest.fixture
def routed(tmp_path):
    """A run over two generators together: its bench, its cells and what was recorded."""
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"two_ways": TwoWays("small")})
    train = Subset(("even", "odd"), "train")
    planned = bench.planned(Cell("two_ways", train, Subset((name,), "val")) for name in ("even", "odd", "faint"))
    return bench, planned, bench.stored_run(planned=planned)


def test_routes_are_those_that_the_detector_takes(routed):
    bench, planned, run = routed
    detector = ByBrightness(("even", "odd"))
    for item in planned:
        images = bench.selections[item.cell.test].images
        assert len(images) == 12
        expected = detector.answer([detector.prepare(images[row]) for row in range(12)]).diagnostics[ROUTE]
        mine = run.diagnostics[run.diagnostics[columns.KEY] == item.key].set_index(columns.NAME)
        assert mine[ROUTE][images.names].tolist() == list(expected)


def test_routes_cost_no_second_decode(tmp_path, monkeypatch):
    decoded = []
    decode = image_set.decode
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"two_ways": TwoWays("small")})
    planned = bench.planned([Cell("two_ways", Subset(("even", "odd"), "train"), Subset(("odd",), "val"))])
    monkeypatch.setattr(
        image_set, "decode", lambda data, where, *more: decoded.append(where) or decode(data, where, *more)
    )
    bench.run(planned)
    assert len(decoded) == 2 * SIZES["val"]


def test_the_oracle_knows_the_route_and_faint_has_none(routed):
    run = routed[2]
    (table,) = route_tables(run)
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
    assert "### Routes of two_ways" in section_as_markdown([table], LEGEND)


def test_every_image_is_counted_once(routed):
    _, planned, run = routed
    counted = route_counts(run)
    assert counted["images"].sum() == len(planned) * 12
    assert set(counted["label"]) == {0, 1}


def test_one_route_is_no_choice(tmp_path):
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"two_ways": TwoWays("small")})
    run = bench.stored_run(degradation="jpeg:65")
    assert run.diagnostics.empty
    assert not route_tables(run)
