"""Where the time of a run went, in words, tables and one document."""

import json
from dataclasses import replace

import pytest

from bench.records.timings import FitTiming, RunTimings, StageTiming
from bench.report.time_tables import (
    NO_TIMINGS,
    profile_json,
    profile_legends,
    profile_lines,
    profile_run,
    profile_tables,
)
from tests.support.synthetic_runs import make_run

STAGES = (StageTiming("fit or load detectors", 16, 4.0), StageTiming("score", 40, 5.0))


@pytest.fixture(scope="module")
def run():
    return make_run(n=5)


@pytest.fixture(scope="module")
def timings(run):
    return RunTimings(10.0, 2, len(run.cells), STAGES, (FitTiming("alpha", "fog", 0, 4.0),), 0.1)


def shown(profile):
    return {table.title: {column.header: column.texts for column in table.columns} for table in profile_tables(profile)}


def test_stages_and_what_lies_between_them_make_the_whole(run, timings):
    stages, detectors, machines = shown(profile_run(run, timings, [1, 2])).values()
    assert stages["stage"] == ("fit or load detectors", "score", "all else", "(writing scores)", "total")
    assert stages["seconds"] == ("4.0", "5.0", "1.0", "0.1", "10.0")
    assert stages["share"] == ("40.0", "50.0", "10.0", "1.0", "100.0")
    assert detectors["detector"] == ("alpha", "beta")
    assert machines["machines"] == ("1", "2")
    assert machines["seconds"][0] == "10.0"


def test_what_limited_scoring_is_said(run, timings):
    (line,) = profile_lines(profile_run(run, timings, [1]))
    assert line.startswith("Scoring took 5.0 s. Its limit was the device")
    (line,) = profile_lines(profile_run(run, replace(timings, writing=4.5), [1]))
    assert line.endswith(
        "Its limit was writing, one file of scores after the other: 4.5 s of work, so 90.0 % of the limit was reached."
    )
    partly = replace(timings, cells=1)
    assert profile_lines(profile_run(run, partly, [1])) == []


def test_what_is_not_known_is_said_and_left_out(run):
    untimed = replace(run, throughput=run.throughput.iloc[:0])
    profile = profile_run(untimed, None, [1, 2])
    assert profile_tables(profile) == profile_legends(profile) == []
    assert profile_lines(profile)[0] == NO_TIMINGS
    whole = json.loads(profile_json(profile))
    assert (whole["timings"], whole["scoring"], whole["detectors"], whole["machines"]) == (None, None, [], [])


def test_the_document_has_the_numbers_of_the_tables(run, timings):
    whole = json.loads(profile_json(profile_run(run, timings, [1, 4])))
    assert whole["timings"]["fits"] == [{"detector": "alpha", "train": "fog", "seed": 0, "seconds": 4.0}]
    assert [row["detector"] for row in whole["detectors"]] == ["alpha", "beta"]
    assert [row["machines"] for row in whole["machines"]] == [1, 4]
    assert whole["scoring"]["limit"] == "device"


def test_a_mark_is_explained_where_there_is_one(run, timings):
    assert not any(line.startswith("~") for line in profile_legends(profile_run(run, timings, [1])))
    busy = replace(run, throughput=run.throughput.assign(disturbed=True))
    assert any(line.startswith("~") for line in profile_legends(profile_run(busy, timings, [1])))
