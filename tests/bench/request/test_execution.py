"""A run while it is executed: what can be seen of it in its folder, and what is left when it ends early."""

from dataclasses import replace

import pytest
import torch

from bench.engine.tracking.run_tracker import JoinedTrackers, RunTracker
from bench.live.run_reader import RunReader
from bench.records.live_record import read_live_progress
from bench.records.store import Store
from bench.request.execution import execute, followed
from bench.request.planned_run import plan_run
from bench.request.run_record import manifest_of
from tests.support.protocol_runs import ProtocolRunner


class Watching(RunTracker):
    """Reads the state of a run whenever cells are answered, or left out."""

    def __init__(self, folder):
        self.reader, self.states = RunReader(folder), []

    def answered(self, cells):
        self.states.append((len(cells), self.reader.read()))

    def left_out(self, outcomes):
        self.states.append((0, self.reader.read()))


@pytest.fixture
def plan(miniature, tmp_path, quiet):
    """Plan the run of a tiny protocol, with its store."""

    def make(detectors=("checkerboard", "hog_svm"), **changes):
        request = replace(ProtocolRunner(miniature, tmp_path / "runs").request("cross_generator", detectors), **changes)
        return plan_run(request, quiet), Store.at(request.out)

    return make


def watched(run, store, quiet):
    """Execute a run; gives what was seen of it."""
    watching = Watching(store.root)
    with followed(run, store, quiet, "lineup run --detectors a") as (tracker, telling):
        execute(run, store, telling, JoinedTrackers([tracker, watching]))
    return watching


def test_a_run_is_seen_while_it_goes_on(plan, quiet):
    run, store = plan(batch_size=3)
    watching = watched(run, store, quiet)
    counts = [state.counts["scored"] for _, state in watching.states]
    assert len(counts) > 1
    assert counts == [sum(size for size, _ in watching.states[: place + 1]) for place in range(len(counts))]
    for _, state in watching.states:
        assert (state.stage, sum(state.counts.values())) == ("running", len(run.cells))
        assert state.step.name == "score"
        assert state.facts.command == "lineup run --detectors a"
        assert [one.detector for one in state.maps] == ["checkerboard", "hog_svm"]
    last = watching.reader.read()
    assert (last.stage, last.counts["scored"]) == ("finished", len(run.cells))
    assert not (store.root / "live").exists()
    assert any(line.startswith("fit or load detectors: ") for line in last.notices)


def test_curves_of_what_is_trained_are_seen(plan, quiet):
    run, store = plan(("npr",), protocol=replace(plan()[0].protocol, train_on=("even",)))
    (curve,) = watched(run, store, quiet).states[0][1].curves
    assert (curve.detector, curve.train) == ("npr", "even-0")
    (recorded,) = RunReader(store.root).read().curves
    assert curve.values == recorded.values


def test_a_detector_without_weights_is_seen_at_once(plan, quiet):
    run, store = plan(("checkerboard", "dino_probe"), setting="paper")
    states = [state for _, state in watched(run, store, quiet).states]
    if not any(state.left_out for state in states):
        pytest.skip("its weights are here")
    assert states[-1].counts["skipped"] == len(run.cells) // 2
    assert states[-1].left_out[0].detectors == ("dino_probe",)


@pytest.mark.parametrize(("error", "said"), [(KeyboardInterrupt(), "interrupted"), (OSError("disk"), "OSError: disk")])
def test_what_ends_a_run_early_stays_to_be_seen(plan, quiet, error, said):
    run, store = plan(("checkerboard",))
    with pytest.raises(type(error)), followed(run, store, quiet):
        raise error
    state = RunReader(store.root).read()
    assert (state.stage, state.error) == ("ended", said)
    watched(run, store, quiet)
    assert read_live_progress(store.root) is None
    assert RunReader(store.root).read().stage == "finished"


def test_a_run_that_nobody_follows_leaves_nothing(plan, quiet):
    run, store = plan(("checkerboard",))
    execute(run, store, quiet)
    assert not (store.root / "live").exists()


def test_a_tracking_server_that_is_not_there_costs_one_line(plan, quiet, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run, store = plan(("checkerboard",), track="http://127.0.0.1:9")  # the discard port: nobody listens
    with followed(run, store, quiet) as (tracker, telling):
        execute(run, store, telling, tracker)
    said = [line for line in quiet.console.file.getvalue().splitlines() if "MLflow" in line]
    assert len(said) == 1
    assert said[0].startswith("MLflow at http://127.0.0.1:9 does not take the run (")
    assert said[0].endswith("; the run goes on without it")
    assert RunReader(store.root).read().counts["scored"] == len(run.cells)


def test_the_threads_of_a_training_are_recorded_where_it_follows_them(plan):
    recorded = {
        (setting, name): manifest_of(plan((name,), setting=setting)[0]).runtime.training_threads
        for setting, name in (("paper", "npr"), ("small", "npr"), ("paper", "hog_svm"))
    }
    assert recorded == {("paper", "npr"): torch.get_num_threads(), ("small", "npr"): 0, ("paper", "hog_svm"): 0}
