"""Timings of a command in its folder: what is written is read, and what cannot be read is not there."""

import json

import pytest

from bench.records.timings import TIMINGS, FitTiming, RunTimings, StageTiming, read_timings

TIMED = RunTimings(
    9.5,
    2,
    12,
    (StageTiming("score", 40, 3.25),),
    (FitTiming("alpha", "fog", 0, 1.5), FitTiming("é", "kiln", 1, 2.0)),
    0.5,
)


def test_what_is_written_is_read(tmp_path):
    (tmp_path / TIMINGS).write_bytes(TIMED.to_json())
    assert read_timings(tmp_path) == TIMED


@pytest.mark.parametrize("change", [{"timings_schema": 2}, {"seconds": "long"}, {"stages": [{"name": "score"}]}])
def test_what_another_version_wrote_is_not_read(tmp_path, change):
    whole = json.loads(TIMED.to_json()) | change
    (tmp_path / TIMINGS).write_text(json.dumps(whole))
    assert read_timings(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_damaged_file_is_none(tmp_path, text):
    assert read_timings(tmp_path) is None
    (tmp_path / TIMINGS).write_text(text)
    assert read_timings(tmp_path) is None
