"""How fast detectors are: what is timed, and what must not stop it."""

import io

from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.engine.timing import REPEATS, TimingConditions, time_detectors
from bench.platform.progress import Reporter
from bench.records import columns
from detectors.api import Runtime
from tests.support.miniature import Bench, write_folder


def test_a_degradation_that_refuses_images_costs_no_detector_its_speed(tmp_path):
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"checkerboard": Checkerboard("small")})
    planned = bench.plan(("none", "jp2:20", "blur:1"))
    engine, outcomes = bench.run(planned)
    refused = {outcomes[item.key].reason for item in planned if item.cell.test.degradation == "jp2:20"}
    assert len(refused) == 1
    assert "jp2:20 misses its rate on an image of" in refused.pop()
    said = io.StringIO()
    conditions = TimingConditions("digest", "processor", Runtime(), 5)
    table = time_detectors(planned[:1], planned, engine, conditions, bench.selections, Reporter(Console(file=said)))
    assert "could not be timed" not in said.getvalue()
    (row,) = table.to_dict("records")
    assert row[columns.DETECTOR] == "checkerboard"
    assert row[columns.REPEATS] == REPEATS
    assert row["degrade_ms"] > 0
