import io
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from bench.golden.speeds import (
    FASTER,
    OTHER_MACHINE,
    OTHER_WORK,
    SLOWER,
    UNCHANGED,
    compare_speeds,
    read_speeds,
    write_speeds,
)
from bench.platform.errors import InputError
from bench.records import columns
from bench.report.gate_report import speed_report
from tests.support.synthetic_runs import make_run


def timed(speed, *, fastest=None, disturbed=False, processor="p", detectors=("alpha",)):
    """A run whose detectors were timed at so many images per second."""
    run = make_run(detectors=list(detectors), n=2)
    row = dict.fromkeys(columns.THROUGHPUT, 1.0)
    conditions = {
        columns.DATA: run.manifest.data.digest,
        columns.PROCESSOR: processor,
        columns.DEVICE: "cpu",
        columns.PRECISION: "float32",
        columns.LIBRARY: "",
        columns.DISTURBED: disturbed,
        columns.IMAGES_PER_S: speed,
        columns.IMAGES_PER_S_LOW: speed / 2,
        columns.IMAGES_PER_S_HIGH: fastest or speed,
    }
    rows = [row | conditions | {columns.DETECTOR: name, columns.RECIPE: f"{name}.1.small"} for name in detectors]
    runtime = replace(run.manifest.runtime, processor=processor)
    return replace(run, manifest=replace(run.manifest, runtime=runtime), throughput=pd.DataFrame(rows))


@pytest.fixture
def record(tmp_path):
    write_speeds(timed(100.0), tmp_path)
    return read_speeds(tmp_path)


@pytest.mark.parametrize(
    ("now", "verdict", "code"),
    [
        (timed(100.0), UNCHANGED, 0),
        (timed(81.0), UNCHANGED, 0),
        (timed(79.0), SLOWER, 1),
        (timed(70.0, fastest=85.0), UNCHANGED, 0),
        (timed(130.0), FASTER, 0),
        (timed(20.0, disturbed=True), OTHER_WORK, 0),
        (timed(20.0, processor="another"), OTHER_MACHINE, 0),
    ],
)
def test_a_detector_is_slower_beyond_its_repeats_on_the_same_idle_machine_alone(record, now, verdict, code):
    found = compare_speeds(record, now)
    assert (found.table["verdict"].tolist(), found.exit_code) == ([verdict], code)


def test_a_detector_without_a_speed_is_told(record):
    found = compare_speeds(record, timed(100.0, detectors=("alpha", "beta")))
    assert (found.missing, found.exit_code) == (("beta",), 2)


def test_a_record_without_or_with_damaged_speeds_is_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no speeds \(speeds.csv is missing\); make them with --update --speed"):
        read_speeds(tmp_path)
    (tmp_path / "speeds.csv").write_text("detector,now\nalpha,3\n")
    with pytest.raises(InputError, match="are damaged"):
        read_speeds(tmp_path)


def test_speeds_are_shown_beside_the_record_with_its_processor(record):
    console = Console(width=100, file=io.StringIO())
    console.print(speed_report(compare_speeds(record, timed(50.0))))
    text = console.file.getvalue()
    assert "0.50" in text
    assert "Record of p; 1 slower." in text
