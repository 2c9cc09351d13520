from functools import partial

import pandas as pd
import pytest

from bench.interface.runs import run
from detectors import catalogue
from tests.support.command_line import call

QUESTION = {"detectors": ["checkerboard"], "baselines": False, "device": "cpu", "progress": False}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Pictures and speeds are most of the work of so small a run, and other tests look at them."""
    monkeypatch.setattr("bench.report.run_report._write_pictures", lambda *_, **__: None)
    monkeypatch.setattr("bench.request.execution.time_detectors", lambda *_: pd.DataFrame())
    monkeypatch.setattr(catalogue, "_REGISTERED", {})


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("LINEUP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def ask(own_cache, miniature):
    """Run one cheap detector over the miniature; further words are `run`'s."""
    return partial(run, data=miniature, **QUESTION)


@pytest.fixture
def command(tmp_path, miniature):
    """Ask the same on the command line, with another cache."""
    usual = ("--data", miniature, "--detectors", "checkerboard", "--device", "cpu")
    return lambda *further: call({"LINEUP_CACHE": str(tmp_path / "other"), "COLUMNS": "120"}, "run", *usual, *further)
