"""Fits side by side in processes of their own are those of this process, and their trouble is told alike."""

import pytest

from detectors.networks.npr import Npr
from detectors.zero_shot.coding_cost import CodingCost
from tests.support.miniature import Bench, write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


def answered(folder, root, recipes, workers):
    bench = Bench(folder, root, recipes, workers=workers)
    planned = bench.plan(("none",))
    engine, outcomes = bench.run(planned)
    return bench.scores(planned), {one.status: one.reason for one in outcomes.values()}, engine.counts


def test_processes_change_no_score(folder, tmp_path):
    recipes = {"npr": Npr("small")}
    here, status, counted = answered(folder, tmp_path / "here", recipes, workers=1)
    there, same_status, same_counted = answered(folder, tmp_path / "there", recipes, workers=2)
    assert here == there
    assert status == same_status == {"scored": ""}
    assert counted["fits made"] == same_counted["fits made"] == 2
    assert not same_counted["fits reused"]


def test_trouble_in_a_process_is_the_reason_of_the_hole(folder, tmp_path):
    recipes = {"npr": Npr("small", start=str(tmp_path / "absent.pth")), "coding_cost": CodingCost("small")}
    scores, status, _ = answered(folder, tmp_path, recipes, workers=2)
    assert not scores
    assert status["skipped"].startswith("no weights at ")
    assert (
        status["failed"] == "ValueError: coding_cost learns from real images and needs at least 20, found 8: give more"
    )
