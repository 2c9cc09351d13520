"""What limits a detector and the scoring of a run, against what is computed by hand."""

import math
from dataclasses import replace

import pytest

from bench.analyses.time.stage_limits import CEILING, LIMIT, REACHED, STAGE_LIMITS, TOTAL, scoring_limit, stage_table
from bench.records.timings import RunTimings, StageTiming
from tests.support.synthetic_runs import GENERATORS, make_run, with_manifest

NOTHING = dict.fromkeys(("read_ms", "decode_ms", "degrade_ms", "prepare_ms", "copy_ms", "device_ms", "head_ms"), 0.0)


def timed(workers=2, **times):
    """A run of two detectors, both with these milliseconds an image."""
    run = make_run(n=5)
    run = with_manifest(run, runtime=replace(run.manifest.runtime, workers=workers))
    return replace(run, throughput=run.throughput.assign(**(NOTHING | times)))


@pytest.mark.parametrize(
    ("workers", "limit", "ceiling"), [(1, "decode", 250.0), (2, "device", 1000 / 3), (4, "device", 1000 / 3)]
)
def test_the_slowest_stage_is_that_after_workers_have_shared_theirs(workers, limit, ceiling):
    table = stage_table(timed(workers, decode_ms=4.0, device_ms=3.0, head_ms=1.0))
    assert tuple(table) == STAGE_LIMITS
    assert set(table[LIMIT]) == {limit}
    assert table[CEILING].tolist() == pytest.approx([ceiling] * 2)
    assert table[REACHED].tolist() == pytest.approx([125 / ceiling] * 2)  # one thread lets 1000 / 8 pass
    assert table[TOTAL].tolist() == [8.0] * 2


def test_the_slowest_detector_comes_first_and_what_was_not_timed_apart_is_missing():
    run = timed(device_ms=3.0)
    table = run.throughput.assign(read_ms=math.nan, copy_ms=math.nan)
    table.loc[table["detector"].eq("beta"), "device_ms"] = 5.0
    found = stage_table(replace(run, throughput=table))
    assert found["detector"].tolist() == ["beta", "alpha"]
    assert found[TOTAL].tolist() == [5.0, 3.0]
    assert found["read_ms"].isna().all()


def timings(run, seconds=1.0, answered=0):
    return RunTimings(9.0, 2, len(run.cells) + answered, (StageTiming("score", 1, seconds),))


IMAGES, TESTS, FITS = 10, len(GENERATORS), len(GENERATORS)


def test_images_are_read_once_for_all_and_networks_compute_for_every_fit():
    run = timed(decode_ms=3.0, prepare_ms=1.0, device_ms=2.0)
    found = scoring_limit(run, timings(run))
    device = 2 * FITS * TESTS * IMAGES * 0.002  # of two detectors
    workers = TESTS * IMAGES * (0.003 + 2 * FITS * 0.001) / 2
    assert workers < device
    assert (found.limit, found.busy) == ("device", pytest.approx(device))
    assert found.reached == pytest.approx(device)


def test_features_are_computed_once_for_all_heads_and_workers_may_be_the_limit():
    run = timed(decode_ms=3.0, prepare_ms=1.0, device_ms=0.5, head_ms=0.01)
    found = scoring_limit(run, timings(run, seconds=0.5))
    workers = TESTS * IMAGES * (0.003 + 2 * 0.001) / 2
    assert (found.limit, found.busy) == ("workers", pytest.approx(workers))
    assert found.reached == pytest.approx(workers / 0.5)


def test_what_torch_degrades_on_a_card_is_work_of_the_card():
    run = timed(workers=4, degrade_ms=4.0, device_ms=1.0)
    runtime = replace(run.manifest.runtime, device="cuda:0", degrade_on="device")
    on_card = replace(run, throughput=run.throughput.assign(device="cuda:0"))
    by_torch = with_manifest(on_card, runtime=runtime)
    on_processor = with_manifest(run, runtime=replace(runtime, device="cpu"))
    assert [stage_table(one)[CEILING].iloc[0] for one in (run, by_torch, on_processor)] == [1000, 250, 1000]
    network = 2 * FITS * TESTS * IMAGES * 0.001
    assert scoring_limit(run, timings(run)).busy == pytest.approx(network)
    found = scoring_limit(by_torch, timings(by_torch))
    assert (found.limit, found.busy) == ("device", pytest.approx(network + TESTS * IMAGES * 0.004))


def test_writing_may_be_the_limit():
    run = timed(device_ms=1.0)
    found = scoring_limit(run, replace(timings(run), writing=0.9))
    assert (found.limit, found.reached) == ("writing", 0.9)


def test_nothing_is_said_of_scoring_where_other_commands_had_a_part_or_a_detector_was_not_timed():
    run = timed(device_ms=1.0)
    assert scoring_limit(run, timings(run, answered=-1)) is None
    assert scoring_limit(run, timings(run, seconds=0.0)) is None
    assert scoring_limit(replace(run, throughput=run.throughput.iloc[:1]), timings(run)) is None
