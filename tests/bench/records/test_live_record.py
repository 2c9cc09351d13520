"""What a run leaves while it goes on reads back as it was; anything else is no fault and no record."""

import json
from dataclasses import replace

import pytest

from bench.platform.processes.endings import ProcessMark
from bench.records.live_record import (
    PLAN,
    PROGRESS,
    LeftOutKeys,
    LivePlan,
    LiveProgress,
    LiveTraining,
    StageRecord,
    read_live_plan,
    read_live_progress,
    read_live_training,
)
from bench.records.store import Store
from tests.support.synthetic_runs import make_run

PROGRESS_RECORD = LiveProgress(
    ProcessMark("host", 7, "99"),
    started=1.5,
    updated=2.5,
    stage=StageRecord("score", 1, 3, 2.0),
    left_out=(LeftOutKeys("failed", "ValueError: a <b>", ("k1", "k2")),),
    notices=("a line", "Warning: \udcff"),
)


@pytest.fixture
def store(tmp_path):
    return Store.at(tmp_path)


def live_plan():
    run = make_run(detectors=("alpha",))
    cells = run.cells.drop(columns="groups")
    return LivePlan(run.manifest, list(cells.columns), cells.astype("object").to_numpy().tolist(), "lineup run")


def test_a_plan_reads_back(store):
    plan = live_plan()
    store.write(PLAN, plan.to_json())
    assert read_live_plan(store.root) == plan


def test_progress_and_trainings_read_back(store):
    store.write(PROGRESS, PROGRESS_RECORD.to_json())
    found = read_live_progress(store.root)
    assert replace(found, notices=()) == replace(PROGRESS_RECORD, notices=())
    assert found.notices == ("a line", r"Warning: \udcff")  # a name that is no UTF-8 is escaped
    training = LiveTraining("npr", "even-0", ({"train_loss": 0.5}, {"train_loss": 0.25}), first=3)
    store.write("live/trainings/a.json", training.to_json())
    assert read_live_training(store.root / "live" / "trainings" / "a.json") == training


@pytest.mark.parametrize("keep", [0, 1, 40, -3])
def test_what_is_half_written_is_no_record(store, keep):
    store.write(PROGRESS, PROGRESS_RECORD.to_json()[:keep])
    store.write(PLAN, live_plan().to_json()[:keep])
    assert read_live_progress(store.root) is None
    assert read_live_plan(store.root) is None


def test_another_version_is_no_record(store):
    for name, data in ((PROGRESS, PROGRESS_RECORD.to_json()), (PLAN, live_plan().to_json())):
        store.write(name, json.dumps(json.loads(data) | {"live_schema": 99}).encode())
    assert read_live_progress(store.root) is None
    assert read_live_plan(store.root) is None


def test_a_plan_with_a_row_of_another_length_is_no_record(store):
    plan = live_plan()
    store.write(PLAN, replace(plan, cells=[*plan.cells, plan.cells[0][1:]]).to_json())
    assert read_live_plan(store.root) is None


def test_everything_is_cleared(store):
    store.write(PLAN, live_plan().to_json())
    store.clear_live()
    store.clear_live()
    assert not (store.root / "live").exists()
