"""A state is JSON that every reader takes."""

import json

from bench.live.state import AccuracyMap, RunState


def test_what_is_not_known_is_null():
    one = AccuracyMap("alpha", (("a",),), (("b",),), (), ((None,),), 0, 1)
    found = json.loads(RunState("running", "a\udcff", step_left=float("nan"), maps=(one,)).to_json())
    assert found["step_left"] is None
    assert found["maps"][0]["accuracies"] == [[None]]
    assert found["facts"] is None
