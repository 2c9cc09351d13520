"""What is read of a folder: before, while and after a run, and when it was killed."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest

from bench.live.run_reader import MOST_CURVES, RunReader, require_run
from bench.platform.errors import InputError
from bench.platform.processes.endings import this_process
from bench.records.live_record import PROGRESS, LeftOutKeys, LiveProgress, LiveTraining, StageRecord
from bench.records.store import Store
from tests.support.live_runs import begun_run, record_cells, start_run
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, without


@pytest.fixture
def run():
    return make_run(detectors=("alpha", "beta"))


def test_an_empty_folder_waits(tmp_path):
    assert RunReader(tmp_path).read().stage == "waiting"
    require_run(tmp_path)


def test_a_run_is_seen_from_its_plan_to_its_end(run, tmp_path):
    reader = RunReader(tmp_path)
    store, live = start_run(run, tmp_path)
    state = reader.read()
    assert (state.stage, state.counts["missing"], state.counts["scored"]) == ("running", len(run.cells), 0)
    assert state.facts.command == "lineup run"
    assert all(value is None for one in state.maps for row in one.accuracies for value in row)
    live.said("Warning: a shortcut")
    live.stage_at("score", 0, 400)
    record_cells(run, store, list(run.cells["key"][:3]))
    state = reader.read()
    assert (state.counts["scored"], state.counts["missing"]) == (3, len(run.cells) - 3)
    assert [value is not None for value in state.maps[0].accuracies[0]] == [True, True, True, False]
    assert (state.maps[0].scored, state.maps[0].planned, state.maps[1].scored) == (3, 16, 0)
    assert state.notices == ("Warning: a shortcut",)
    record_cells(run, store, list(run.cells["key"][3:]))
    store.finish(run.manifest, run.cells)
    live.ended(None)
    state = reader.read()
    assert (state.stage, state.counts["scored"], state.counts["missing"]) == ("finished", len(run.cells), 0)
    assert state.started is not None  # it was seen going on
    assert state.notices == ("Warning: a shortcut",)


def test_a_run_says_that_torch_degraded(run, tmp_path):
    runtime = replace(run.manifest.runtime, degrade_on="device")
    start_run(replace(run, manifest=replace(run.manifest, runtime=runtime)), tmp_path)
    assert RunReader(tmp_path).read().facts.device == f"cpu, float32, degraded by torch, {runtime.processor}"


def test_a_finished_run_that_was_never_seen_has_no_start(run, tmp_path):
    state = RunReader(store_run(run, tmp_path)).read()
    assert (state.stage, state.counts["scored"], state.started) == ("finished", len(run.cells), None)
    diagonal = run.cells[
        (run.cells["detector"] == "alpha") & (run.cells["train"] == "fog") & (run.cells["test"] == "fog")
    ]
    scores = run.scores[run.scores["key"] == diagonal["key"].iloc[0]]
    accuracy = ((scores["score"] > 0.5) == (scores["label"] == 1)).mean()
    assert state.maps[0].accuracies[0][0] == pytest.approx(accuracy, abs=1e-4)


def test_reasons_stand_beside_counts(run, tmp_path):
    keys = tuple(run.cells["key"])
    failed = LeftOutKeys("failed", "ValueError: bad", keys[:2])
    skipped = LeftOutKeys("skipped", "no weights of beta", keys[-4:])
    begun_run(run, tmp_path, left_out=(failed, skipped))
    state = RunReader(tmp_path).read()
    assert (state.counts["failed"], state.counts["skipped"], state.counts["missing"]) == (2, 4, len(keys) - 6)
    assert [(one.reason, one.count, one.detectors) for one in state.left_out] == [
        ("ValueError: bad", 2, ("alpha",)),
        ("no weights of beta", 4, ("beta",)),
    ]


def test_reasons_of_a_finished_run_are_those_of_its_manifest(run, tmp_path):
    gone = without(run, run.cells["detector"] == "beta", "failed", "RuntimeError: out of memory")
    state = RunReader(store_run(gone, tmp_path)).read()
    assert (state.counts["failed"], state.counts["missing"]) == (16, 0)
    assert state.left_out[0].reason == "RuntimeError: out of memory"


def test_what_the_data_cannot_answer_is_not_missing(run, tmp_path):
    cells = run.cells.copy()
    cells.loc[0, ["status", "reason", "key"]] = ["unasked", "fog has no val images", ""]
    begun_run(replace(run, cells=cells), tmp_path)
    state = RunReader(tmp_path).read()
    assert (state.counts["unasked"], state.counts["missing"]) == (1, len(cells) - 1)


def test_a_cell_of_several_seeds_is_grey_until_all_are_scored(tmp_path):
    run = make_run(detectors=("alpha",), seeds=(0, 1))
    store = begun_run(run, tmp_path)
    cell = run.cells[(run.cells["train"] == "fog") & (run.cells["test"] == "haze")]
    reader = RunReader(tmp_path)
    record_cells(run, store, [cell["key"].iloc[0]])
    assert reader.read().maps[0].accuracies[0][1] is None
    record_cells(run, store, [cell["key"].iloc[1]])
    assert reader.read().maps[0].accuracies[0][1] is not None


def test_the_time_that_a_step_takes_is_that_of_its_rate(run, tmp_path):
    now = time.time()
    begun_run(run, tmp_path, stage=StageRecord("score", 25, 100, now - 10))
    state = RunReader(tmp_path).read()
    assert state.step_left == pytest.approx(30, abs=2)
    begun_run(run, tmp_path, stage=StageRecord("score", 0, 100, now - 10))
    assert RunReader(tmp_path).read().step_left is None


@pytest.mark.parametrize("error", ["interrupted", "OSError: disk full"])
def test_a_run_that_was_ended_says_by_what(run, tmp_path, error):
    begun_run(run, tmp_path, state="ended", error=error)
    state = RunReader(tmp_path).read()
    assert (state.stage, state.error) == ("ended", error)


def test_a_killed_run_has_ended(run, tmp_path):
    store = begun_run(run, tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark, reader = replace(this_process(), number=child.pid, started=""), RunReader(tmp_path)
    store.write(PROGRESS, LiveProgress(mark, 1.0, 2.0).to_json())
    assert reader.read().stage == "running"
    child.send_signal(signal.SIGKILL)
    child.stdin.close()
    child.wait()
    state = reader.read()
    assert (state.stage, state.step_left) == ("ended", None)
    assert "killed" in state.error


def test_a_run_that_starts_again_takes_the_place_of_the_finished_one(run, tmp_path):
    store = Store.at(store_run(run, tmp_path))
    reader = RunReader(tmp_path)
    assert reader.read().stage == "finished"
    more = make_run(detectors=("alpha", "beta", "gamma"))
    begun_run(more, tmp_path)
    state = reader.read()
    assert (state.stage, state.counts["scored"], state.counts["missing"]) == ("running", 32, 16)
    store.clear_live()
    assert reader.read().counts["scored"] == 32


def test_half_written_progress_is_not_the_end(run, tmp_path):
    store = begun_run(run, tmp_path)
    (tmp_path / PROGRESS).write_bytes((tmp_path / PROGRESS).read_bytes()[:30])
    assert RunReader(tmp_path).read().stage == "waiting"
    store.finish(run.manifest, run.cells)
    assert RunReader(tmp_path).read().stage == "finished"


def test_the_latest_trainings_are_read(run, tmp_path):
    store = begun_run(run, tmp_path)
    for number in range(MOST_CURVES + 2):
        training = LiveTraining("npr", f"even-{number}", ({"train_loss": 0.5}, {"train_loss": float("nan")}))
        store.write(f"live/trainings/{number}.json", training.to_json())
    state = RunReader(tmp_path).read()
    assert (len(state.curves), state.more_curves) == (MOST_CURVES, 2)
    assert state.curves[-1].train == f"even-{MOST_CURVES + 1}"
    assert state.curves[-1].values == {"train_loss": (0.5, None)}
    assert json.loads(state.to_json())["curves"][-1]["values"] == {"train_loss": [0.5, None]}


def test_trainings_of_a_finished_run_are_those_of_its_table(run, tmp_path):
    store = Store.at(store_run(run, tmp_path))
    rows = {"fit": "a1", "detector": "npr", "train": "even", "seed": 0, "epoch": [0, 1], "train_loss": [0.5, 0.25]}
    store.write("training.csv", pd.DataFrame(rows).to_csv(index=False).encode())
    (curve,) = RunReader(tmp_path).read().curves
    assert (curve.detector, curve.train, curve.values) == ("npr", "even-0", {"train_loss": (0.5, 0.25)})


def test_a_folder_that_holds_something_else_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="is no folder; give the result folder"):
        require_run(tmp_path / "nowhere")
    store_run(run, tmp_path / "all" / "none")
    begun_run(run, tmp_path / "all" / "jpeg")
    with pytest.raises(InputError, match="holds several runs; give one of them: jpeg, none"):
        require_run(tmp_path / "all")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="holds no run"):
        require_run(tmp_path / "photos")
    (tmp_path / "photos" / "manifest.json").write_bytes(b"{")
    with pytest.raises(InputError, match="is damaged"):
        require_run(tmp_path / "photos")
