"""Fits side by side in processes of their own are those of this process, and their trouble is told alike."""

import pytest

from detectors.networks.npr import Npr
from detectors.zero_shot.coding_cost import CodingCost
from tests.support.miniature import Bench, write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


def answered(folder, root, recipes, workers):
    """Scores by cell, outcomes by detector, and what was counted."""
    bench = Bench(folder, root, recipes, workers=workers)
    planned = bench.plan(("none",))
    engine, outcomes = bench.run(planned)
    told = {name: set() for name in recipes}
    for item in planned:
        told[item.cell.detector].add((outcomes[item.key].status, outcomes[item.key].reason))
    return bench.scores(planned), told, engine.counts


@pytest.fixture(scope="module")
def there(folder, tmp_path_factory):
    """A network that learns, one whose start is absent and a detector that wants more images, in two processes."""
    root = tmp_path_factory.mktemp("there")
    absent = Npr("small", start=str(root / "absent.pth"))
    return answered(folder, root, {"npr": Npr("small"), "absent": absent, "coding_cost": CodingCost("small")}, 2)


def test_processes_change_no_score(folder, there, tmp_path):
    here, told, counted = answered(folder, tmp_path, {"npr": Npr("small")}, 1)
    same, same_told, same_counted = there
    assert here == same
    assert told["npr"] == same_told["npr"] == {("scored", "")}
    assert counted["fits made"] == same_counted["fits made"] == 2
    assert not same_counted["fits reused"]


def test_trouble_in_a_process_is_the_reason_of_the_hole(there):
    scores, told, _ = there
    assert {cell.detector for cell in scores} == {"npr"}
    ((status, reason),) = told["absent"]
    assert status == "skipped"
    assert reason.startswith("no weights at ")
    assert told["coding_cost"] == {
        ("failed", "ValueError: coding_cost learns from real images and needs at least 20, found 8: give more")
    }
