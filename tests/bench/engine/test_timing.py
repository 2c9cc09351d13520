"""How fast detectors are: what is timed, and what must not stop it."""

import io

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.engine import timing
from bench.engine.timing import REPEATS, TimingConditions, time_detectors
from bench.platform.machine_load import MachineLoad
from bench.platform.progress import Reporter
from bench.records import columns
from detectors.api import Runtime
from protocols.degradations.kind import TensorStep
from tests.support.miniature import Bench, write_folder


class StoodLoad:
    """A watch that has seen what it is given."""

    def __init__(self, load):
        self._load = load

    def load(self):
        return self._load


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """What timing a detector under some conditions gives, and what is said."""
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, {"checkerboard": Checkerboard("small")})

    def time(degradations=("none",), least=0.0, degrading_device=""):
        monkeypatch.setattr(timing, "LEAST_SECONDS", least)
        bench.degrading_device = degrading_device
        planned = bench.plan(degradations)
        engine, outcomes = bench.run(planned)
        said = io.StringIO()
        conditions = TimingConditions("digest", "processor", Runtime(), 5)
        table = time_detectors(planned[:1], planned, engine, conditions, bench.selections, Reporter(Console(file=said)))
        assert "could not be timed" not in said.getvalue()
        (row,) = table.to_dict("records")
        return row, {item.cell.test.degradation: outcomes[item.key].reason for item in planned}

    return time


def test_a_degradation_that_refuses_images_costs_no_detector_its_speed(timed):
    row, reasons = timed(("none", "jp2:20", "blur:1"))
    assert "jp2:20 misses its rate on an image of" in reasons["jp2:20"]
    assert row[columns.DETECTOR] == "checkerboard"
    assert row[columns.REPEATS] == REPEATS
    assert row["degrade_ms"] > 0
    assert row["read_ms"] > 0
    assert row["copy_ms"] == 0  # to a GPU alone
    assert row[columns.IMAGES_PER_S_LOW] <= row[columns.IMAGES_PER_S] <= row[columns.IMAGES_PER_S_HIGH]


def test_the_degradations_that_are_timed_are_those_of_the_device(timed, monkeypatch):
    steps, degrade = [], timing._degrade
    monkeypatch.setattr(
        timing, "_degrade", lambda samples, given: steps.append([one.steps for one in given]) or degrade(samples, given)
    )
    timed(("blur:1",), degrading_device="cpu")
    kinds = [kind for degradations in steps for of_one in degradations for kind, _ in of_one]
    assert kinds
    assert all(isinstance(kind.apply, TensorStep) and kind.apply.device == "cpu" for kind in kinds)


def test_short_work_is_repeated_for_a_while(timed):
    row, _ = timed(least=0.3)
    assert row[columns.REPEATS] > REPEATS
    per_repeat = sum(row[f"{stage}_ms"] for stage in columns.STAGES) * row[columns.IMAGES] / 1e3
    assert row[columns.REPEATS] * per_repeat > 0.05  # most of the time is in stages, whatever the medians leave out


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_timing_beside_other_work_is_marked(timed, monkeypatch, share):
    monkeypatch.setattr(timing, "LoadWatch", lambda: StoodLoad(MachineLoad(3.0, share, 0.1, 2)))
    row, _ = timed()
    assert [row[name] for name in (columns.LOAD_BEFORE, columns.CPU_SHARE, columns.OTHER_CORES)] == [3.0, share, 0.1]
    assert row[columns.DISTURBED] is (share < 0.8)


def test_copies_to_a_gpu_are_of_whole_batches_and_on_a_cpu_of_none(monkeypatch):
    import torch

    moved = []
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: moved.append((tuple(tensor.shape), device)))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    alike, mixed = [np.zeros((3, 4), np.float32)] * 3, [np.zeros(size, np.float32) for size in (2, 3, 3)]
    prepared, batches = {"alike": alike, "mixed": mixed}, [range(2), range(2, 3)]
    clock = timing.DeviceClock(Runtime("cuda:0"))
    assert timing._copy_seconds(prepared, batches, clock) > 0
    assert [shape for shape, _ in moved] == [(2, 3, 4), (1, 3, 4), (2,), (3,), (1, 3)]
    assert {device for _, device in moved} == {"cuda:0"}
    assert timing._copy_seconds(prepared, batches, timing.DeviceClock(Runtime())) == 0
