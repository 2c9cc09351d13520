"""Settings files: validated, overridden by the command line, and saved so that a run can be repeated."""

import tomllib

import pandas as pd
import pytest

from bench.platform.errors import InputError
from bench.platform.option_values import parse_options as checked
from bench.request.settings_file import read_settings as read
from bench.request.settings_file import to_toml as written
from detectors.handcrafted.hog_svm import HogSvm
from detectors.networks.cnnspot import CnnSpot
from tests.bench.command.test_command import one_line


@pytest.fixture
def write(tmp_path):
    def make(text):
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return make


def test_a_file_gives_options_and_the_command_line_wins(lineup, data, tmp_path, write):
    path = write(f'detectors = ["checkerboard"]\ndata = "{data}"\nseeds = 3\ntrain-on = ["even"]\n')
    done = lineup("run", "--settings", path, "--seeds", "2", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet")
    assert set(cells["detector"]) == {"checkerboard"}
    assert set(cells["seed"]) == {0, 1}
    assert set(cells["train"]) == {"even"}


def test_the_saved_settings_repeat_the_run(lineup, data, tmp_path):
    out = tmp_path / "out"
    first = lineup("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", out)
    assert first.returncode == 0, first.stderr
    again = lineup("run", "--settings", out / "settings.toml")
    assert "Done: 9 cells reused." in again.stderr
    assert again.stdout == first.stdout


def test_the_saved_settings_repeat_the_options_of_the_protocol(lineup, data, tmp_path):
    out = tmp_path / "out"
    options = ("--protocol", "degradation", "--degradations", "jpeg:65,blur:1", "--test-all")
    first = lineup("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", out, *options)
    assert first.returncode == 0, first.stderr
    again = lineup("run", "--settings", out / "settings.toml")
    assert "Done: 9 cells reused." in again.stderr
    assert again.stdout == first.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limit = [", "cannot be read ("),
        ("[limit]\na = 3", "limit is a table or a date"),
        ("options = 3", "holds one table per detector"),
    ],
)
def test_what_a_file_cannot_say_is_one_clear_line(write, text, words):
    with pytest.raises(InputError) as raised:
        read(write(text))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("recipe", "options", "words"),
    [
        (HogSvm, {"size": 3}, "d: it takes no options"),
        (CnnSpot, {"tun": "top"}, "d: option 'tun' is not known; did you mean tune?"),
        (CnnSpot, {"tune": 3}, "d: option tune cannot be 3 ("),
        (CnnSpot, {"setting": "paper"}, "d: option 'setting' is not known"),
    ],
)
def test_what_a_detector_does_not_take_is_one_clear_line(recipe, options, words):
    with pytest.raises(InputError) as raised:
        checked(recipe, options, "d")
    assert words in str(raised.value)


def test_settings_that_a_run_cannot_use_are_one_clear_line(lineup, data, tmp_path, write):
    assert "cannot be read (" in one_line(lineup("run", "--settings", tmp_path / "none.toml"))
    path = write('protocoll = "x"')
    assert "option 'protocoll' is not known; did you mean protocol?" in one_line(lineup("run", "--settings", path))
    path = write("[options.nobody]\nsize = 3")
    done = lineup("run", "--data", data, "--detectors", "hog_svm", "--settings", path)
    assert "options are given for 'nobody', which is not among the detectors of the run: hog_svm" in one_line(done)


def test_options_of_a_detector_are_of_its_types_and_change_its_key():
    options = checked(CnnSpot, {"tune": "staged", "curriculum": ["a", "b"]}, "cnnspot")
    assert options == {"tune": "staged", "curriculum": ("a", "b")}
    assert CnnSpot("small", **options).key != CnnSpot("small").key


def test_what_is_written_reads_the_same():
    values = {"data": 'a "quoted"\npath', "limit": None, "test_all": True, "max_unreadable": 0.25}
    values |= {"sizes": [1, 2], "share": float("inf"), "tiny": 1e-300, "named": "😀\x7f", "flags": [True]}
    options = {"cnnspot": {"curriculum": ["a", "b"]}}
    again = tomllib.loads(written(values, options))
    assert again.pop("options") == options
    assert again == {name: value for name, value in values.items() if value is not None}
