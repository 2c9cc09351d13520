"""Rows of a board, and the settings that ask a question again."""

import re
from pathlib import Path

import pytest

from bench.interface.data import open_data
from bench.interface.questions import RunQuestion, row_text, settings_of
from bench.platform.errors import InputError
from bench.request.protocol_catalogue import make_protocol

USUAL = ("hog_svm", "spectrum", "residual", "cnnspot", "clip_probe", "clip_layers")


def question(protocol="cross_generator", **options):
    return RunQuestion(make_protocol(protocol, {}), protocol, open_data(), **options)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (" hog_svm ", "hog_svm"),
        (("hog_svm", {}), "hog_svm"),
        (("hog_svm", {"cells": 8, "deep": True}), "hog_svm:cells=8:deep=true"),
        (("cnnspot@a/b.pth", {"input": "crop"}), "cnnspot:input=crop@a/b.pth"),
    ],
)
def test_a_row_is_called_as_it_is_typed(row, text):
    assert row_text(row) == text


@pytest.mark.parametrize("value", ["a:b", "a@b", [1, 2], "", None])
def test_an_option_that_cannot_stand_in_a_name_is_given_apart(value):
    with pytest.raises(InputError, match=re.escape("give it as detector_options")):
        row_text(("hog_svm", {"cells": value}))


def test_baselines_join_detectors_that_are_trained():
    assert question().rows == (*USUAL, "metadata", "colour")
    assert question(baselines=False).rows == USUAL
    assert question(detectors=("colour", "npr")).rows == ("colour", "npr", "metadata")
    assert question(detectors=("all",)).rows == ("all",)
    assert question(detectors=()).rows == ()
    assert question("released").rows == ("all",)
    assert question("released", detectors=("npr@a",)).rows == ("npr@a",)


def test_settings_have_what_was_asked_and_what_baselines_are_is_asked_again():
    asked = question(detectors=("npr",), seeds=(3, 1), timeout=2.0, track="http://there:5000")
    values = settings_of(asked, Path("out"), ["none", "jpeg:65"]).values
    expected = {
        "detectors": "npr",
        "seed": "3,1",
        "timeout": 2.0,
        "baselines": True,
        "track": "mlflow:http://there:5000",
    }
    assert {name: values[name] for name in expected} == expected
    assert values["base_degradation"] == "none,jpeg:65"
    assert values["out"] == str(Path("out").absolute())
    assert values["weights_dir"] is None
