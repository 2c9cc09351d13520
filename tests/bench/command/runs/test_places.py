"""Runs named by URLs of a store: written there, read from there by another machine, changed by none that only looks."""

import json
import re
import tomllib

import pandas as pd
import pytest

from bench.engine.caching.shared_files import _names
from bench.interface.finished import open_run
from bench.storage.connection import _connected
from bench.storage.image_cache import IMAGES
from tests.support.command_line import call, one_line
from tests.support.flaky_system import FlakySystem, empty_flaky_system
from tests.support.miniature import write_folder

pytestmark = pytest.mark.slow  # a dozen seconds: whole commands
CACHE, PLACE = "flaky://bucket/cache", "flaky://bucket/runs/one"
DETECTORS = ("--detectors", "checkerboard", "--setting", "small", "--device", "cpu")


def scores(folder):
    table = pd.concat(map(pd.read_parquet, (folder / "scores").glob("*.parquet")))
    return table.sort_values(["key", "name"]).reset_index(drop=True)


def machine(folder):
    return {"LINEUP_CACHE": CACHE, "XDG_CACHE_HOME": str(folder), "COLUMNS": "200"}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The data of a run whose cache and results are on a store, its folder, and how a run without a store scores."""
    folder = tmp_path_factory.mktemp("published")
    _connected.cache_clear()
    empty_flaky_system()
    data = write_folder(folder / "data")
    run = ("run", "--data", data, *DETECTORS, "--out")
    assert call({"LINEUP_CACHE": str(folder / "cache")}, *run, folder / "local").returncode == 0
    done = call(machine(folder / "a"), *run, PLACE)
    assert done.returncode == 0, done.stderr
    assert f"Published: {PLACE}" in done.stderr
    yield folder, run
    _connected.cache_clear()


def test_a_run_on_a_store_scores_as_any_other_and_is_asked_again_by_its_settings(published):
    folder, _ = published
    own = next(folder.glob("a/lineup/stores/results-*"))
    pd.testing.assert_frame_equal(scores(own), scores(folder / "local"), check_exact=True)
    settings = tomllib.loads(FlakySystem.store["/bucket/runs/one/settings.toml"].getvalue().decode())
    assert settings["out"] == PLACE


def test_another_machine_goes_on_and_computes_nothing(published, tmp_path):
    _, run = published
    done = call(machine(tmp_path), *run, PLACE)
    assert done.returncode == 0, done.stderr
    assert f"files of {PLACE}, to go on with them" in done.stderr
    _names.cache_clear()  # as in a process of its own
    elsewhere = call(machine(tmp_path), *run, "flaky://bucket/runs/two")
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "cells reused" in done.stderr
    assert "cells reused" in elsewhere.stderr


def test_commands_and_programs_read_a_run_by_its_url(published, tmp_path, monkeypatch):
    folder, _ = published
    before = {path: file.getvalue() for path, file in FlakySystem.store.items()}
    shown = call(machine(tmp_path), "leaderboard", PLACE)
    assert shown.returncode == 0, shown.stderr
    assert "checkerboard" in shown.stdout
    checked = call(machine(tmp_path), "check", PLACE)
    assert checked.returncode == 0
    assert "have no checksum" not in checked.stdout + checked.stderr
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LINEUP_CACHE", CACHE)
    assert len(open_run(PLACE).scores()) == len(scores(folder / "local"))
    assert {path: file.getvalue() for path, file in FlakySystem.store.items()} == before


def test_a_rehearsal_knows_what_is_on_the_store_and_changes_nothing(published, tmp_path):
    _, run = published
    before = set(FlakySystem.store)
    done = call(machine(tmp_path), *run, PLACE, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"(?i)\b(nothing|0) .*|recorded|reused", done.stderr + done.stdout)
    assert set(FlakySystem.store) == before


def test_other_commands_refuse_a_store_as_a_place_to_write_to(published, tmp_path):
    for command in (("sweep", "s.toml", "--out", PLACE), ("leaderboard", "x", f"--out={PLACE}")):
        line = one_line(call(machine(tmp_path), *command))
        assert f"--out {PLACE} is on a store, where `lineup run` alone publishes; give a folder" in line


def test_what_is_not_there_and_what_would_change_a_run_is_one_line(published, tmp_path):
    nothing = one_line(call(machine(tmp_path), "leaderboard", "flaky://bucket/runs/none"))
    assert "flaky://bucket/runs/none holds no run (manifest.json is missing)" in nothing
    named = one_line(call(machine(tmp_path), "runs", "name", PLACE, "mine"))
    assert "is on a store, and this command changes what is on this machine" in named


def test_the_cache_says_what_store_is_behind_it(published):
    folder, _ = published
    shown = call(machine(folder / "a"), "cache").stdout
    assert f"It works in front of {CACHE}" in shown
    assert "Not of this version's cache" not in shown
    assert json.loads(call(machine(folder / "a"), "cache", "--json").stdout)["store"] == CACHE
    pruned = call(machine(folder / "a"), "cache", "prune", "--older-than", "1d")
    assert f"What {CACHE} has stays there" in pruned.stdout
    above = call({"LINEUP_CACHE": str(folder / "a" / "lineup")}, "cache").stdout
    assert "working copies" in above
    assert "Not of this version's cache" not in above


def test_the_limit_of_remote_images_is_read_from_the_environment(published, tmp_path):
    _, run = published
    refused = one_line(call({"LINEUP_CACHE": str(tmp_path), "LINEUP_IMAGE_CACHE": "much"}, *run, tmp_path / "x"))
    assert "LINEUP_IMAGE_CACHE is 'much', which is no size; give one such as 20GB, or 0" in refused
    done = call({"LINEUP_CACHE": str(tmp_path / "c"), "LINEUP_IMAGE_CACHE": "5 MB"}, *run, tmp_path / "x")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c" / IMAGES).is_dir()
    assert (
        "of at most 5.0 MB of remote data (LINEUP_IMAGE_CACHE)"
        in call({"LINEUP_CACHE": str(tmp_path / "c")}, "cache").stdout
    )
