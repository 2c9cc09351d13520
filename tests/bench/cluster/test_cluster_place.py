import io
import re
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from rich.console import Console

from bench.cluster.cluster_place import cluster_place
from bench.cluster.units import ScoringUnit, _kept
from bench.engine.cache import Cache
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records.outcomes import Failed, Scored
from detectors.api import Card, Runtime
from tests.support.fake_cluster import FakeCluster, place_on
from tests.support.miniature import Bench, NearestMeanRecipe, write_folder

ROOT = Path(__file__).parents[3]


class BrokenOnSome(CheckerboardDetector):
    """Raises on a batch whose scores have some property."""

    def score(self, batch):
        scores = super().score(batch)
        if scores.max() > 0.992:
            raise ValueError("it dislikes this batch")
        return scores


@dataclass(frozen=True)
class Broken(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="broken")

    def fit(self, train, seed, runtime):
        fitted = super().fit(train, seed, runtime)
        return BrokenOnSome(fitted._cut, fitted._slope)

    def restore(self, state, runtime):
        fitted = super().restore(state, runtime)
        return BrokenOnSome(fitted._cut, fitted._slope)


RECIPES = {"checkerboard": Checkerboard(), "nearest_mean": NearestMeanRecipe(), "broken": Broken()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("images"), 4, 4)


@pytest.fixture(autouse=True)
def fresh_process():
    _kept().clear()


def run(folder, root, cluster=None, reporter=None, recipes=RECIPES):
    """The recorded scores, the outcomes and the counts of a run of all recipes, here or on a cluster."""
    bench = Bench(folder, root, recipes)
    planned = bench.plan()
    if cluster is None:
        engine, outcomes = bench.run(planned)
    else:
        with place_on(cluster, reporter) as bench.place:
            engine, outcomes = bench.run(planned)
    return bench.scores(planned), outcomes, engine.counts


@pytest.fixture(scope="module")
def here(folder, tmp_path_factory):
    return run(folder, tmp_path_factory.mktemp("here"))


def test_scores_outcomes_and_counts_are_those_of_one_machine(here, folder, tmp_path):
    cluster = FakeCluster()
    scores, outcomes, counts = run(folder, tmp_path, cluster)
    assert scores == here[0]
    assert outcomes == here[1]
    assert {type(one) for one in outcomes.values()} == {Scored, Failed}
    decoded = counts.pop("images decoded"), here[2]["images decoded"]  # conditions of few chunks are units of their own
    assert decoded[0] >= decoded[1]
    assert +counts == Counter({name: count for name, count in here[2].items() if count and "decoded" not in name})
    assert int(cluster.variables["OMP_NUM_THREADS"]) >= 1
    assert cluster.variables["CUDA_VISIBLE_DEVICES"] == ""
    assert cluster.probed == ["a"]


def test_every_unit_is_lost_once_after_it_has_written_and_each_score_is_there_once(here, folder, tmp_path):
    cluster = FakeCluster(lambda unit, attempt: "its node died" if attempt == 1 else "", late=True)
    scores, outcomes, _ = run(folder, tmp_path, cluster)
    assert scores == here[0]
    assert outcomes == here[1]


def test_who_brings_its_process_down_fails_alone(here, folder, tmp_path):
    def dies(unit, attempt):
        scores = isinstance(unit, ScoringUnit)
        return "its process died" if scores and any("checkerboard" in key for key in unit.detectors) else ""

    output = io.StringIO()
    scores, outcomes, _ = run(folder, tmp_path, FakeCluster(dies), Reporter(Console(file=output, width=400)))
    expected = {cell: found for cell, found in here[0].items() if cell.detector != "checkerboard"}
    assert scores == expected
    reasons = {one.reason for one in outcomes.values() if isinstance(one, Failed)}
    assert any(reason.startswith("ProcessDied: its process died, 4 times") for reason in reasons)
    assert "given up" in output.getvalue()


def test_a_repeated_run_computes_nothing_that_a_killed_one_had(here, folder, tmp_path):
    class Killed(Exception):
        pass

    def stop(unit, attempt):
        if isinstance(unit, ScoringUnit) and len([one for one in first.seen if isinstance(one, ScoringUnit)]) > 4:
            raise Killed
        return ""

    recipes = {name: RECIPES[name] for name in ("checkerboard", "nearest_mean")}
    first, second = FakeCluster(stop), FakeCluster()
    with pytest.raises(Killed):
        run(folder, tmp_path, first, recipes=recipes)
    done = Counter(unit.shard for unit in first.seen[:-1] if isinstance(unit, ScoringUnit))
    scores, _, _ = run(folder, tmp_path, second, recipes=recipes)
    assert done
    assert not done.keys() & {unit.shard for unit in second.seen if isinstance(unit, ScoringUnit)}
    assert scores == {cell: found for cell, found in here[0].items() if cell.detector in recipes}


def test_a_node_that_lost_a_fit_is_told_in_one_line(folder, tmp_path):
    cluster = FakeCluster()

    def lose(unit, attempt):
        if isinstance(unit, ScoringUnit):
            for file in (tmp_path / "cache" / "fitted").iterdir():
                file.unlink()
        return ""

    cluster.lost = lose
    with pytest.raises(InputError, match="let all nodes share it"):
        run(folder, tmp_path, cluster, recipes={"checkerboard": Checkerboard()})


def test_what_another_cache_answers_is_seen_before_any_work(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(Cache, "read_shard", lambda cache, key: None)
    cluster = FakeCluster()
    with pytest.raises(InputError, match="the node host cannot be used: it has another cache folder") as refused:
        run(folder, tmp_path, cluster)
    assert "\n" not in str(refused.value)
    assert cluster.seen == []


def test_images_that_a_node_cannot_read_are_seen_before_any_work(folder, tmp_path, monkeypatch):
    from bench.engine.selections import DistinctImages

    bench = Bench(folder, tmp_path, {"checkerboard": Checkerboard()})
    planned = bench.plan()

    def gone(images, position):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(DistinctImages, "__getitem__", gone)
    with place_on(FakeCluster()) as bench.place, pytest.raises(InputError, match="let all nodes find the images there"):
        bench.run(planned)


def test_a_detector_of_the_program_that_was_started_is_refused_by_its_name(monkeypatch, silent):
    mine = type("Mine", (Checkerboard,), {"__module__": "__main__"})
    monkeypatch.setattr("detectors.catalogue._REGISTERED", {"mine": mine})
    with pytest.raises(InputError, match="and mine is of this program: move it into a module"):
        cluster_place("local:1", Runtime(), silent, None, {})


def test_units_hold_their_own_images_alone(folder, tmp_path):
    cluster = FakeCluster()
    run(folder, tmp_path, cluster, recipes={"checkerboard": Checkerboard()})
    units = [unit for unit in cluster.seen if isinstance(unit, ScoringUnit)]
    assert len({unit.shard for unit in units}) == len(units) > 4
    for images in (unit.images for unit in units):
        assert sorted(np.concatenate(images.chunks).tolist()) == list(range(len(images.pool)))
        assert sum(len(one.table) for one in images.pool.sets) == len(images.pool)


def test_one_module_alone_imports_ray_and_one_process_that_module():
    importers = {
        path.relative_to(ROOT).as_posix()
        for package in ("bench", "detectors", "protocols", "lineup_bench")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(import ray\b|from ray\b|from bench\.cluster\.ray_)", path.read_text(), re.MULTILINE)
    }
    assert importers == {"bench/cluster/ray_calls.py", "bench/cluster/ray_process.py"}
    assert "ray" not in sys.modules
