"""Versions of libraries are part of every key; the commit is that of the code's own checkout."""

import re
import subprocess
from pathlib import Path

import pytest
from PIL import features

from bench.engine import versions
from bench.platform.installed import ABSENT
from tests.support.miniature import NearestMeanRecipe


@pytest.mark.parametrize("changed", ["numpy", "torch", "pillow"])
def test_another_version_of_a_library_is_another_fit_and_other_embeddings(make_bench, monkeypatch, changed):
    bench = make_bench(recipes=[NearestMeanRecipe("small")])
    bench.run(bench.plan(("none",)))
    known = dict(versions.versions())
    monkeypatch.setattr(versions, "versions", lambda: known | {changed: "99"})
    engine, _ = bench.run(bench.plan(("none",)))
    assert not engine.counts["cells reused"]
    assert engine.counts["fits made"] == 2
    assert engine.counts["embeddings made"] > 0


def test_another_version_of_an_encoder_is_another_test_and_no_other_fit(make_bench, monkeypatch):
    bench = make_bench(recipes=[NearestMeanRecipe("small")])
    before = bench.plan(("none", "webp:50"))
    bench.run(before)
    version = features.version
    monkeypatch.setattr(features, "version", lambda name: "99" if name == "webp" else version(name))
    after = bench.plan(("none", "webp:50"))
    changed = {new.cell.test.degradation for old, new in zip(before, after, strict=True) if old.key != new.key}
    assert changed == {"webp:50"}
    engine, _ = bench.run(after)
    assert not engine.counts["fits made"]
    assert engine.counts["cells reused"] == engine.counts["cells answered"] == len(after) / 2
    assert engine.counts["embeddings made"] > 0


def git(folder, *arguments):
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)  # noqa: S607 - whichever git there is


def test_the_commit_is_that_of_the_checkout_that_the_code_is_in(tmp_path, monkeypatch):
    package = tmp_path / "bench" / "engine"
    package.mkdir(parents=True)
    monkeypatch.setattr(versions, "__file__", str(package / "versions.py"))
    assert versions.commit() == "unknown"
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    versions._commit_of.cache_clear()
    committed = versions.commit()
    assert re.fullmatch(r"[0-9a-f]{40}", committed)
    git(tmp_path, "commit", "--allow-empty", "-m", "two")
    assert versions.commit() == committed  # of what was imported


def test_a_checkout_that_the_code_is_only_installed_in_is_not_its_own(tmp_path, monkeypatch):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    site = tmp_path / ".venv" / "site-packages" / "bench" / "engine"
    site.mkdir(parents=True)
    monkeypatch.setattr(versions, "__file__", str(site / "versions.py"))
    assert versions.commit() == "unknown"


def test_every_library_has_a_version():
    assert Path(versions.__file__).is_file()
    assert set(versions.versions()) == set(versions.LIBRARIES)
    assert ABSENT not in versions.versions().values()
