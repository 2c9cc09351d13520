"""Runs from Python: the question, folder and scores of the command line; interrupted, they go on."""

import os
import re
import signal
import threading
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from lineup_checkerboard import Checkerboard

from bench.interface.catalogue import register_detector
from bench.interface.data import open_data
from bench.interface.finished import open_run
from bench.interface.runs import plan
from bench.platform.errors import InputError
from bench.records.settings import read_settings
from bench.records.store import Store
from detectors.api import Card


def bytes_of(folder):
    """Keys of cells, and the bytes of their scores."""
    stored = Store(folder).read()
    rows = stored.scores.astype({"key": str}).sort_values(["key", "name"])
    return stored.cells["key"].tolist(), rows["score"].to_numpy().tobytes(), rows["log_odds"].to_numpy().tobytes()


def test_cells_scores_and_settings_are_those_of_the_command_line(ask, command, tmp_path):
    asked = {
        "protocol_options": {"degradations": ["jpeg:65", "blur:1"], "test_all": True},
        "limit": 4,
        "seeds": 2,
    }
    ask("degradation", out=tmp_path / "here", **asked)
    typed = ("--protocol", "degradation", "--degradations", "jpeg:65,blur:1", "--test-all", "--limit", 4, "--seeds", 2)
    done = command(*typed, "--out", tmp_path / "there")
    assert done.returncode == 0, done.stderr
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "there")
    assert "reused" in command(*typed, "--out", tmp_path / "here").stderr
    here, there = (read_settings(tmp_path / name / "settings.toml") for name in ("here", "there"))
    assert {**here.values, "out": ""} == {**there.values, "out": ""}


def test_a_plan_says_what_is_left_to_do_and_progress_is_lines_or_nothing(ask, miniature, tmp_path, capfd):
    asked = {"data": miniature, "detectors": "checkerboard", "baselines": False, "out": tmp_path / "out"}
    planned = plan("cross_generator", **asked)
    assert planned.amounts["cells"] == 9
    assert planned.amounts["fits"] == 3
    assert planned.seconds is None
    assert "call .measure()" in repr(planned)
    assert not (tmp_path / "out").exists()
    assert "To answer" not in capfd.readouterr().err
    ask(out=tmp_path / "out")
    assert plan("cross_generator", **asked, progress=False).amounts["cells"] == 0
    assert capfd.readouterr() == ("", "")
    ask(out=tmp_path / "out", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "Done: 9 cells reused." in err


def own(name, act):
    """A detector of this module that acts before it fits."""

    @dataclass(frozen=True)
    class Own(Checkerboard):
        card: ClassVar[Card] = replace(Checkerboard.card, name=name)

        def fit(self, train, seed, runtime):
            act()
            return super().fit(train, seed, runtime)

    Own.__module__ = "__main__"  # as a class of a notebook, which stays in its process
    return register_detector(Own)


def test_a_run_is_interrupted_and_the_same_call_goes_on(ask, tmp_path):
    fits = []

    def stop_once():
        fits.append(1)
        if len(fits) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    own("stopping", stop_once)
    rows = ["checkerboard", "stopping"]
    with pytest.raises(KeyboardInterrupt, match="what was finished is kept, and the same call goes on from there"):
        ask(detectors=rows, out=tmp_path / "out")
    finished = ask(detectors=rows, out=tmp_path / "out")
    assert finished.failed.empty
    assert len(fits) == 4  # the one that was finished is not made again
    scores = finished.scores()
    mine = {name: rows["score"].tolist() for name, rows in scores.groupby("detector", observed=True)}
    assert mine["stopping"] == mine["checkerboard"]


def test_what_a_detector_raises_fails_its_own_cells(ask, tmp_path):
    def act():
        raise KeyboardInterrupt

    own("broken", act)
    finished = ask(detectors=["checkerboard", "broken"], out=tmp_path / "out")
    assert set(finished.failed["detector"]) == {"broken"}
    assert finished.failed["reason"].str.contains("it raises KeyboardInterrupt, which would end the run").all()
    assert "failed: broken: " in repr(finished)
    assert len(finished.scores()["detector"].unique()) == 1


def test_a_run_in_a_thread_is_the_same(ask, tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(ask(out=tmp_path / "out")))
    thread.start()
    thread.join()
    assert found[0].failed.empty


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"protocol": "cross_generater"}, "Did you mean cross_generator?"),
        ({"detectors": ["chekerboard"]}, "Did you mean checkerboard?"),
        ({"detectors": []}, "no detector was named"),
        ({"detectors": [3]}, "3 names no detector; give DETECTOR"),
        ({"detectors": [("checkerboard", {"sigma": 1})]}, "checkerboard: option 'sigma' is not known"),
        ({"detector_options": {"npr": {"tune": "top"}}}, "options are given for 'npr', which is not among"),
        ({"data": "/nowhere"}, "data /nowhere does not exist"),
        ({"seeds": [-1]}, "give some, as (0, 1, 2), or how many"),
        ({"seeds": []}, "seeds [] are no whole numbers"),
        ({"seeds": 0}, "give some, as (0, 1, 2), or how many"),
        ({"limit": 1}, "limit 1 is too small; give 2 or more"),
        ({"batch_size": 0}, "batch_size 0 is too small"),
        ({"validation": 0.95}, "validation 0.95 is too large"),
        ({"device": "tpu"}, "device 'tpu' is not known"),
        ({"protocol_options": {"colour": "red"}}, "option 'colour' is not known"),
        ({"base_degradation": "jpeg:500"}, "jpeg:500"),
    ],
)
def test_what_cannot_be_used_is_one_line_before_anything_is_done(ask, tmp_path, asked, message):
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        ask(**{"out": tmp_path / "out", **asked})
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_a_limit_is_that_of_the_data_or_the_same(ask, miniature, tmp_path):
    data, asked = open_data(miniature, limit=4), {"detectors": "hog_svm", "baselines": False, "out": tmp_path / "out"}
    with pytest.raises(InputError, match="limit 6 is given for data that have the limit 4"):
        ask(data=data, limit=6, out=tmp_path / "out")
    of_data, of_run = plan(data=data, **asked, progress=False), plan(data=miniature, limit=4, **asked, progress=False)
    assert of_data.amounts == of_run.amounts
    assert of_data.amounts["cells"] == 9


def test_a_folder_of_another_question_is_refused_and_is_free_again(ask, tmp_path):
    ask(out=tmp_path / "out")
    with pytest.raises(InputError, match="holds cross_generator on data"):
        ask("degradation", out=tmp_path / "out")
    assert ask("degradation", out=tmp_path / "out", replace=True).failed.empty
    assert open_run(tmp_path / "out").cells()["degradation"].nunique() > 1


def test_parameters_of_a_plan_are_those_of_a_run():
    with pytest.raises(TypeError, match="unexpected keyword argument 'detector'"):
        plan(detector="hog_svm")
