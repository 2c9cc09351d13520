"""Runs from settings files: the command line wins, and what is saved repeats the run."""

import json

import pandas as pd
import pytest

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


def test_saved_settings_hold_in_any_folder_and_paths_of_a_file_begin_in_its_own(
    lineup, data, tmp_path, monkeypatch, settings_file
):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(data.parent)
    first = lineup("run", "--data", data.name, "--detectors", "checkerboard", "--limit", "3", "--out", tmp_path / "out")
    assert first.returncode == 0, first.stderr
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = lineup("run", "--settings", tmp_path / "out" / "settings.toml")
    assert "Done: 9 cells reused." in again.stderr
    path = settings_file('detectors = "checkerboard"\nlimit = 3\ndata = "images"\nout = "out"\n')
    (path.parent / "images").symlink_to(data, target_is_directory=True)
    moved = lineup("run", "--settings", path)
    assert moved.returncode == 0, moved.stderr
    assert (path.parent / "out" / "leaderboard.md").is_file()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_run_without_a_folder_goes_into_one_of_its_question(lineup, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for limit in ((), ("--limit", "3")):
        done = lineup("run", "--data", data, "--detectors", "checkerboard", *limit)
        assert done.returncode == 0, done.stderr
    runs = sorted((tmp_path / "results" / "runs").iterdir())
    assert [run.name for run in runs] == ["cross_generator-data", "cross_generator-data-limit=3"]
    joined = lineup("leaderboard", *runs)
    assert joined.stdout.count("Ranked by off-diagonal.") == 2


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


PROFILE = 'version = 1\nabout = "a"\nsource = "b"\ndegradations = ["jpeg:050"]\n[score]\nmean = 1\n'


def test_a_profile_of_ones_own_is_a_part_of_the_question_from_any_folder(lineup, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.toml"
    own.write_text(PROFILE)
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", "out")
    asked = (*usual, "--protocol", "degradation", "--degradations", "own.toml")
    first = lineup(*asked)
    assert first.returncode == 0, first.stderr
    assert "own (1 mean)" in first.stdout
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    again = lineup("run", "--settings", "../out/settings.toml")
    assert "Done: 2 cells reused." in again.stderr
    monkeypatch.chdir(tmp_path)
    own.write_text(PROFILE.replace("50", "40"))
    assert "this run has other degradations of the profile own; give another --out" in one_line(lineup(*asked))
    own.write_text(PROFILE.replace("mean", "clean_auc"))
    assert "this run has other score of the profile own" in one_line(lineup(*asked))


def test_a_protocol_of_ones_own_that_was_edited_is_another_question(lineup, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'title = "t: one"\n[test]\ndegradations = ["jpeg:50"]\n'
    for name in ("mine", "mixed"):
        (tmp_path / f"{name}.toml").write_text(text)
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", "out", "--protocol")
    assert lineup(*usual, "mine.toml").returncode == 0
    (tmp_path / "mine.toml").write_text("# the same\n" + text)
    assert "cells reused." in lineup(*usual, "mine.toml").stderr
    (tmp_path / "mine.toml").write_text(text.replace("50", "40"))
    assert "this run has a protocol file of other content; give another --out" in one_line(lineup(*usual, "mine.toml"))
    assert "give the file another name" in one_line(lineup(*usual, "mixed.toml"))
    (tmp_path / "mine.toml").write_text(f'{text}[[groups]]\nname = "g"\n[[groups]]\nname = "g"\n')
    assert "several averages of one name (g): that is to be mended in mine.toml" in one_line(
        lineup(*usual, "mine.toml")
    )


@pytest.mark.slow
def test_a_profile_of_base_degradations_is_repeated_as_it_was(lineup, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(PROFILE)
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", "out")
    asked = (*usual, "--base-degradation", "none,own.toml")
    assert lineup(*asked).returncode == 0
    assert lineup(*asked).returncode == 0
    (tmp_path / "own.toml").write_text(PROFILE.replace("50", "40"))
    assert "holds the leaderboard of several runs (jpeg:50)" in one_line(lineup(*asked))


def test_a_board_is_printed_as_json(lineup, data, tmp_path):
    usual = ("run", "--data", data, "--detectors", "checkerboard", "--limit", "3", "--out", tmp_path / "out", "--json")
    done = lineup(*usual)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    assert "leave one of the two out" in one_line(lineup(*usual, "--dry-run"))
