"""Timings of a command in its folder: what is written is read, and what cannot be read is not there."""

import json

import pytest

from bench.platform.errors import InputError
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


def test_what_another_version_wrote_is_not_read(tmp_path):
    (tmp_path / TIMINGS).write_text(json.dumps(json.loads(TIMED.to_json()) | {"timings_schema": 2}))
    assert read_timings(tmp_path) is None


CHANGES = [{"seconds": "long"}, {"stages": [{"name": "score"}]}]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", *(json.dumps(json.loads(TIMED.to_json()) | change) for change in CHANGES)]
)
def test_a_damaged_file_is_told(tmp_path, text):
    assert read_timings(tmp_path) is None
    (tmp_path / TIMINGS).write_text(text)
    with pytest.raises(InputError, match=r"timings.json is damaged \(.+\); run the same command again"):
        read_timings(tmp_path)
