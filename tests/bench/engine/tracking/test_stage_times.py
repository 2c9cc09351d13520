"""How long stages and fits took: what is kept of a run, and when it is left alone."""

import pytest

from bench.engine.tracking import stage_times
from bench.engine.tracking.stage_times import StageTimes
from bench.records.store import Store
from bench.records.timings import TIMINGS, StageTiming, read_timings
from bench.request.execution import execute, followed
from bench.request.planned_run import plan_run
from tests.support.protocol_runs import ProtocolRunner


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(stage_times.time, "monotonic", lambda: now[0])
    return now


def test_a_stage_takes_from_its_begin_to_its_last_step(tmp_path, clock):
    times = StageTimes(Store.at(tmp_path), 2)
    steps = [("fit", 0, 101), ("fit", 1, 105), ("fit", 2, 107), ("score", 0, 110), ("score", 8, 111), ("score", 0, 120)]
    for name, done, now in [*steps, ("score", 3, 124)]:
        clock[0] = now
        times.stage_at(name, done, 9)
    times.answered([None] * 4)
    times.wrote(0.5)
    times.wrote(0.25)
    clock[0] = 130.0
    times.ended(None)
    found = read_timings(tmp_path)
    assert found.stages == (StageTiming("fit", 2, 6.0), StageTiming("score", 8, 1.0), StageTiming("score", 3, 4.0))
    assert (found.seconds, found.workers, found.cells, found.writing) == (30.0, 2, 4, 0.75)


def test_a_command_that_ends_early_or_answers_nothing_leaves_what_is_there(tmp_path, clock):
    store = Store.at(tmp_path)
    store.write(TIMINGS, b"known")
    StageTimes(store, 2).ended(None)
    ended_early = StageTimes(store, 2)
    ended_early.answered([None])
    ended_early.ended(KeyboardInterrupt())
    assert (tmp_path / TIMINGS).read_bytes() == b"known"


def test_a_run_leaves_its_times_and_a_repeated_one_leaves_them_alone(miniature, tmp_path, quiet):
    request = ProtocolRunner(miniature, tmp_path / "runs").request("cross_generator", ("checkerboard", "hog_svm"))

    def run():
        planned, store = plan_run(request, quiet), Store.at(request.out)
        with followed(planned, store, quiet) as (tracker, telling):
            execute(planned, store, telling, tracker)
        return planned, store.root

    planned, folder = run()
    found = read_timings(folder)
    assert found.cells == len(planned.planned)
    assert len(found.fits) == len({item.training_key for item in planned.planned})
    assert {one.detector for one in found.fits} == {"checkerboard", "hog_svm"}
    assert {"fit or load detectors", "score"} <= {one.name for one in found.stages}
    assert all(one.seconds > 0 for one in found.fits)
    assert 0 < found.writing < sum(one.seconds for one in found.stages) <= found.seconds
    before = (folder / TIMINGS).read_bytes()
    run()
    assert (folder / TIMINGS).read_bytes() == before
