"""`lineup new`: what it writes runs, and nothing is written over."""

import importlib
import os
import subprocess
import sys
import tomllib

import pytest

from detectors import checks
from tests.support.command_line import one_line
from tests.support.entry_points import install


def test_the_protocol_that_is_written_is_a_protocol_and_is_run_from_anywhere(lineup, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = lineup("new", "protocol", "mine.toml")
    assert done.stdout == "Written: mine.toml. Run it with: lineup run --protocol mine.toml\n"
    asked = ("run", "--protocol", "mine.toml", "--detectors", "hog_svm", "--out", "out", "--dry-run")
    dry = lineup(*asked)
    assert dry.returncode == 0, dry.stderr
    assert "Compression: train on images as they are or compressed" in dry.stderr
    (tmp_path / "settings.toml").write_text('protocol = "mine.toml"\ndetectors = ["hog_svm"]\n')
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    from_away = lineup("run", "--settings", "../settings.toml", "--out", "out", "--dry-run")
    assert from_away.returncode == 0, from_away.stderr


def test_nothing_is_written_over_and_the_suffix_is_asked_for(lineup, tmp_path):
    (tmp_path / "mine.toml").write_text("kept")
    assert "is there already; choose another name" in one_line(lineup("new", "protocol", tmp_path / "mine.toml"))
    assert (tmp_path / "mine.toml").read_text() == "kept"
    said = one_line(lineup("new", "protocol", tmp_path / "mine.txt"))
    assert "'mine.txt' is no name for a protocol" in said
    assert "a protocol in TOML is a file such as mine.toml" in said


def test_a_file_that_is_no_protocol_is_one_line(lineup, tmp_path):
    (tmp_path / "mine.toml").write_text("title = 1")
    said = one_line(lineup("run", "--protocol", tmp_path / "mine.toml", "--dry-run"))
    assert "title: input should be a valid string, found 1" in said


def written_package(lineup, kind, path, monkeypatch):
    """Write a package and install its entry point in this process, without pip."""
    done = lineup("new", kind, path)
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", str(path))  # of processes that a check starts
    points = tomllib.loads((path / "pyproject.toml").read_text())["project"]["entry-points"][f"lineup.{kind}s"]
    assert list(points) == [path.name]
    install(monkeypatch, f"lineup.{kind}s", **points)
    return points[path.name].partition(":")


def test_the_detector_that_is_written_keeps_the_contract(lineup, tmp_path, monkeypatch):
    module, _, kind = written_package(lineup, "detector", tmp_path / "grain_one", monkeypatch)
    checks.check(getattr(importlib.import_module(module), kind)())
    assert "grain_one" in lineup("list").stdout


def test_the_protocol_that_is_written_is_planned_with_its_options(lineup, tmp_path, monkeypatch):
    written_package(lineup, "protocol", tmp_path / "grain_two", monkeypatch)
    asked = ("run", "--protocol", "grain_two", "--data", "counts:genimage", "--detectors", "hog_svm", "--dry-run")
    assert lineup(*asked, "--degradations", "none,blur:1", "--out", tmp_path / "out").returncode == 0
    said = one_line(lineup(*asked, "--degradations", "none,bluer:1", "--out", tmp_path / "out"))
    assert "bluer" in said


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("detector", "hog_svm", "a detector named 'hog_svm' is installed already; choose another name"),
        ("protocol", "mixed", "a protocol named 'mixed' is installed already; choose another name"),
        ("detector", "My-Own", "'My-Own' is no name for a detector: small letters, digits and _ alone"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(lineup, tmp_path, kind, name, said):
    assert said in one_line(lineup("new", kind, tmp_path / name))
    assert not (tmp_path / name).exists()


def test_a_folder_that_is_there_is_left_alone(lineup, tmp_path):
    (tmp_path / "mine").mkdir()
    assert "is there already" in one_line(lineup("new", "detector", tmp_path / "mine"))
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.slow
def test_it_is_built_for_editing_with_hatchling_alone(lineup, tmp_path):
    assert lineup("new", "detector", tmp_path / "edited").returncode == 0
    code = "from hatchling.build import build_editable; build_editable('dist')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path / "edited")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["detector", "protocol"])
def test_its_own_test_passes_once_it_is_installed(lineup, tmp_path, kind):
    name = f"installed_{kind}"
    assert lineup("new", kind, tmp_path / name).returncode == 0
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", tmp_path / "site", tmp_path / name], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path / name],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
