"""What is installed, as frames; and detectors of a program, in its own process and in those that it starts."""

import re
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from lineup_checkerboard import Checkerboard

from bench.interface.catalogue import degradations, detectors, profiles, protocols, register_detector
from bench.platform.errors import InputError
from bench.platform.processes.executors import in_processes
from detectors import catalogue
from detectors.api import Card


@dataclass(frozen=True)
class Own(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="own")


def test_frames_have_a_row_for_each_name():
    found = detectors().set_index("detector")
    assert found.loc["cnnspot", "family"] == "network"
    assert "tune" in found.loc["cnnspot", "options"]
    assert bool(protocols().set_index("protocol").loc["released", "trains"]) is False
    assert degradations().set_index("degradation").loc["jpeg", "written"] == "jpeg:N"
    assert "jpeg:50" in profiles().set_index("profile").loc["genimage", "degradations"] or len(profiles())


def test_a_registered_detector_is_as_an_installed_one():
    with pytest.raises(catalogue.UnknownName):
        catalogue.recipe("own")
    assert register_detector(Own) is Own
    assert isinstance(catalogue.recipe("own", "small"), Own)
    assert "own" in set(detectors()["detector"])
    with pytest.raises(catalogue.UnknownName, match=r"Did you mean own\?"):
        catalogue.recipe("owm")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "3 is no detector: give a class below detectors.api.Recipe that has a card"),
        (Own("small"), "is no detector"),
        (type("Named", (Own,), {"card": replace(Own.card, name="a:b")}), "'a:b' on the card of Named cannot name"),
        (Checkerboard, "a detector named 'checkerboard' is installed; give Checkerboard another name"),
    ],
)
def test_what_cannot_be_registered_is_one_line(given, message):
    with pytest.raises(InputError, match=re.escape(message)):
        register_detector(given)


def test_processes_know_what_they_can_import_and_get_nothing_else():
    register_detector(Own)
    ofprogram = type("OfProgram", (Own,), {"card": replace(Own.card, name="of_program"), "__module__": "__main__"})
    register_detector(ofprogram)
    tasks = {"0": "own", "1": "checkerboard", "2": "of_program", "3": ofprogram("small")}
    with in_processes(catalogue.recipe, tasks, 2) as futures:
        assert sorted(futures) == ["0", "1"]
        assert [type(futures[key].result()).__name__ for key in "01"] == ["Own", "Checkerboard"]
