"""What a process of a node cannot read, or would compute otherwise, is one line and no fault of a detector."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.cluster import worker
from bench.cluster.worker import NodeProbe, UnitSurroundings, answer, libraries_here, sent, token_table
from bench.engine.cache import Cache
from bench.engine.selections import DistinctImages
from detectors.api import Runtime

NOBODY = DistinctImages((), np.zeros((0, 32), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))


class Elsewhere:
    """A value that another process reads by a call that raises there."""

    def __init__(self, call, *given):
        self.call, self.given = call, given

    def __reduce__(self):
        return self.call, self.given


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Elsewhere(__import__, "no_such_plug_in"), r"ModuleNotFoundError: .*: install the same Lineup and plug-ins on"),
        (Elsewhere(open, "/no/such/archive.zip"), r"FileNotFoundError: .*archive.zip.*: let all nodes find the images"),
    ],
)
def test_what_cannot_be_read_ends_the_run_with_a_line(value, reason):
    error = pickle.loads(answer(pickle.dumps(value))).error.error()  # noqa: S301 - its own
    with pytest.raises(Exception, match=rf"a process of a node cannot read what it is sent \({reason}") as refused:
        raise error
    assert type(refused.value).__name__ == "InputError"
    assert "\n" not in str(error)


def test_other_libraries_than_those_in_the_keys_of_a_run_are_refused(tmp_path, monkeypatch):
    cache, here = Cache(tmp_path), libraries_here(Runtime())
    assert here["torch"]
    assert here["backend"] == "absent"
    probe = NodeProbe(cache, "token", "a", NOBODY, Runtime(), here)
    cache.write_shard(probe.question, token_table("token"))
    surroundings = UnitSurroundings(str(Path.cwd()))
    assert pickle.loads(answer(sent(probe, surroundings))).error is None  # noqa: S301 - its own
    assert cache.read_shard(probe.echo) == pa.table({"token": ["token"]})
    monkeypatch.setattr(worker, "versions", lambda: {"torch": "1.0"})
    told = pickle.loads(answer(sent(probe, surroundings))).error  # noqa: S301 - its own
    assert told.kind == "InputError"
    assert f"torch 1.0 in place of {here['torch']}" in told.text
    assert told.text.endswith("install the same on all nodes")
