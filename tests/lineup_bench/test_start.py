"""The command starts, or says in one line which package of the same name stands in its way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lineup_bench
from lineup_bench.start import HOME, PACKAGES, collision

ROOT = Path(__file__).parents[2]


def start(*arguments, path=()):
    """`python -m lineup_bench`, with folders before everything else on Python's path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-P", "-m", "lineup_bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_names_are_those_of_this_checkout():
    assert collision() == ""
    assert ROOT == HOME


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("files", [("__init__.py",), ("other.py",)], ids=["package", "folder"])
def test_a_package_of_the_users_own_is_named_in_one_line(tmp_path, name, files):
    (tmp_path / name).mkdir()
    for file in files:
        (tmp_path / name / file).write_text("raise RuntimeError('never imported')\n")
    done = start("list", path=[tmp_path])
    if files == ("other.py",):  # a folder without __init__.py gives way to a package
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"lineup: Lineup's package {name!r} lies in {ROOT / name}, but the one that Python finds lies"
    )
    assert str(tmp_path / name) in line
    assert "PYTHONPATH" in line


def test_a_package_that_another_distribution_wrote_over_is_named(tmp_path, monkeypatch):
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('"""Lineup: ours."""\n')
    (tmp_path / "bench" / "__init__.py").write_text('"""Tools for benchmarks."""\n')
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        monkeypatch.delitem(sys.modules, name)
    assert "the package 'bench' in" in collision(tmp_path)
    assert "was overwritten by another distribution" in collision(tmp_path)


def test_the_version_is_the_distributions():
    done = start("--version")
    assert (done.returncode, done.stdout) == (0, f"lineup {lineup_bench.__version__}\n")
