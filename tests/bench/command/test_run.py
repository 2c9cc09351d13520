"""Runs from settings files: the command line wins, and what is saved repeats the run."""

import pandas as pd

from tests.support.command_line import one_line


def test_a_file_gives_options_and_the_command_line_wins(lineup, data, tmp_path, settings_file):
    path = settings_file(f'detectors = ["checkerboard"]\ndata = "{data}"\nseeds = 3\ntrain-on = ["even"]\n')
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


def test_settings_that_a_run_cannot_use_are_one_clear_line(lineup, data, tmp_path, settings_file):
    assert "cannot be read (" in one_line(lineup("run", "--settings", tmp_path / "none.toml"))
    path = settings_file('protocoll = "x"')
    assert "option 'protocoll' is not known; did you mean protocol?" in one_line(lineup("run", "--settings", path))
    path = settings_file("[options.nobody]\nsize = 3")
    done = lineup("run", "--data", data, "--detectors", "hog_svm", "--settings", path)
    assert "options are given for 'nobody', which is not among the detectors of the run: hog_svm" in one_line(done)


def test_the_saved_settings_repeat_the_options_of_the_protocol(lineup, data, tmp_path):
    out = tmp_path / "out"
    options = ("--protocol", "degradation", "--degradations", "jpeg:65,blur:1", "--test-all")
    first = lineup("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", out, *options)
    assert first.returncode == 0, first.stderr
    again = lineup("run", "--settings", out / "settings.toml")
    assert "Done: 9 cells reused." in again.stderr
    assert again.stdout == first.stdout
