"""Accuracies while files of scores come: each is read once, and what is half written is read later."""

import pytest

import bench.live.cell_accuracies as module
from bench.evaluation.cells import evaluate
from bench.live.cell_accuracies import CellAccuracies
from bench.records.store import Store
from tests.support.live_runs import record_cells
from tests.support.synthetic_runs import make_run, with_scores


@pytest.fixture
def run():
    """A run whose cells have more generated images than real ones."""
    run = make_run(detectors=("alpha",), n=30)
    scores = run.scores
    return with_scores(run, scores[(scores["label"] == 1) | (scores["name"] < "val/nature/0007")])


@pytest.fixture
def read_paths(monkeypatch):
    """The files that are read."""
    paths, read = [], module._accuracies
    monkeypatch.setattr(module, "_accuracies", lambda path: paths.append(path) or read(path))
    return paths


def test_accuracies_are_those_of_the_board(run, tmp_path):
    record_cells(run, Store.at(tmp_path), list(run.cells["key"]))
    expected = evaluate(run).table.set_index("key")["ranked_accuracy"]
    assert CellAccuracies(tmp_path).read() == pytest.approx(expected.to_dict())


def test_every_file_is_read_once(run, tmp_path, read_paths):
    store, accuracies, keys = Store.at(tmp_path), CellAccuracies(tmp_path), list(run.cells["key"])
    assert accuracies.read() == {}
    record_cells(run, store, keys[:2])
    assert accuracies.read().keys() == set(keys[:2])
    record_cells(run, store, keys[2:5])
    for _ in range(3):
        assert accuracies.read().keys() == set(keys[:5])
    assert len(read_paths) == len(set(read_paths)) == 2
    for path in (tmp_path / "scores").iterdir():
        path.unlink()
    assert accuracies.read() == {}


def test_a_damaged_file_is_read_once_it_is_whole(run, tmp_path):
    store, keys = Store.at(tmp_path), list(run.cells["key"])
    record_cells(run, store, keys[:2])
    (path,) = (tmp_path / "scores").iterdir()
    whole = path.read_bytes()
    accuracies = CellAccuracies(tmp_path)
    for part in (whole[:50], b"", whole[:-4]):
        path.write_bytes(part)
        assert accuracies.read() == {}
    path.write_bytes(whole)
    assert accuracies.read().keys() == set(keys[:2])


def test_of_a_cell_without_diagnostics_nothing_is_known(tmp_path):
    found = CellAccuracies(tmp_path).of_named_generators("a")
    assert found != found  # noqa: PLR0124 - NaN
