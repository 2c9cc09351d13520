"""What a process of a node keeps from one unit to the next."""

from dataclasses import replace

import pytest

from bench.cluster import units
from bench.cluster.units import AskedDetector, AskedEmbeddings, ScoringUnit, UnitImages, _kept
from bench.cluster.values import Needs
from bench.engine.cache import Cache
from detectors.api import Runtime
from protocols.api import Cell, Subset


@pytest.fixture(autouse=True)
def fresh_process():
    _kept().clear()
    yield
    _kept().clear()


def test_a_unit_degrades_where_the_run_does(make_bench):
    blurred = Subset(("even",), "train", degradation="blur:1")
    cells = [Cell("nearest_mean", blurred, replace(blurred, split="val"))]
    benches = [make_bench(degrading_device=device) for device in ("", "cuda")]
    items = [bench.planned(cells)[0] for bench in benches]
    pool = benches[0].selections.pool
    keys = [AskedEmbeddings(item, "any", "blur:1", pool.rows).chain.key for item in items]
    assert keys == [item.degradation(blurred).key for item in items] == ["blur:1@1", "blur:1@1[torch on cuda]"]
    images = UnitImages(pool, (), Cache(benches[0].root), Runtime(), 5, 1, 0)
    same_fit = [replace(item, fit_key="any") for item in items]
    assert len({AskedDetector(item, pool.rows).identity(images) for item in same_fit}) == 2


def test_a_detector_that_was_loaded_to_be_attacked_is_not_scored_by_the_backend_that_it_left(
    make_bench, tmp_path, monkeypatch
):
    bench = make_bench()
    cells = [Cell(name, Subset(("even",), "train"), Subset(("odd",), "val")) for name in bench.recipes]
    other, target = bench.planned(cells)
    bench.run([other, target])
    pool = bench.selections.pool
    images = UnitImages(pool, (), Cache(tmp_path / "a" / "cache"), Runtime(), 5, 1, 0)
    asked = [AskedDetector(other, pool.rows[:0]), AskedDetector(target, pool.rows[:0], by_torch=True)]
    unit, left = ScoringUnit(images, tuple(asked), None, Needs()), []
    monkeypatch.setattr(units, "compute_by_torch", lambda detector, path, samples: left.append(detector))
    attacked = unit._detector(target, by_torch=False)
    scored = unit._detector(target, by_torch=True)
    assert left == [scored]
    assert scored is not attacked
    assert unit._detector(target, by_torch=True) is scored
    assert unit._detector(target, by_torch=False) is attacked
    replace(unit, asked=(asked[1],)).compute()
    assert list(_kept().values()) == [scored]
