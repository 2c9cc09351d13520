"""Where the interface finds its folders, and how it tells what is wrong."""

import os
from pathlib import Path

import pytest

from bench.interface.surroundings import (
    cache_folder,
    going_on_when_interrupted,
    held_cache,
    image_limit,
    local_folder,
    one_kind_of_error,
    reporter,
    result_folder,
    weights_folder,
)
from bench.platform.errors import InputError
from bench.storage.working_copy import store_of
from detectors.catalogue import UnknownName


def test_the_environment_names_the_folders(monkeypatch):
    monkeypatch.delenv("LINEUP_WEIGHTS", raising=False)
    monkeypatch.setenv("LINEUP_CACHE", "/a")
    assert (cache_folder(), weights_folder()) == (Path("/a"), Path("/a/weights"))
    monkeypatch.setenv("LINEUP_WEIGHTS", "/b")
    assert (weights_folder(), weights_folder(Path("c"))) == (Path("/b"), Path("c"))


@pytest.mark.parametrize("error", [InputError("a b"), UnknownName("a\n b"), OSError("a b")])
def test_what_a_user_can_mend_is_one_kind_of_error(error):
    with pytest.raises(InputError, match=r"^a b$"), one_kind_of_error():
        raise error


def test_a_fault_stays_what_it_is():
    with pytest.raises(KeyError), one_kind_of_error():
        raise KeyError


def test_an_interruption_says_that_nothing_is_lost():
    with pytest.raises(KeyboardInterrupt, match="what was finished is kept"), going_on_when_interrupted():
        raise KeyboardInterrupt


def test_libraries_tell_nobody_unless_the_user_has_it_so(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEUP_CACHE", str(tmp_path / "cache"))
    for before, after in ((None, "1"), ("0", "0")):
        monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
        if before is not None:
            monkeypatch.setenv("ORT_DISABLE_TELEMETRY", before)
        with held_cache(reporter(progress=False)) as cache:
            assert cache.path == tmp_path / "cache"
            assert os.environ["ORT_DISABLE_TELEMETRY"] == after
    assert not cache.path.exists()


def test_a_store_has_a_folder_of_this_machine_in_front_of_it(monkeypatch, tmp_path):
    monkeypatch.delenv("LINEUP_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LINEUP_CACHE", "s3://bucket/cache")
    assert store_of(cache_folder()) == "s3://bucket/cache"
    assert cache_folder().is_relative_to(tmp_path / "lineup")
    assert weights_folder() == local_folder() / "weights" == tmp_path / "lineup" / "weights"
    assert store_of(result_folder("s3://bucket/runs/one")) == "s3://bucket/runs/one"
    monkeypatch.setenv("LINEUP_CACHE", str(tmp_path / "own"))
    assert result_folder("s3://bucket/runs/one").is_relative_to(tmp_path / "own")
    assert result_folder("runs/one") == Path("runs/one")


@pytest.mark.parametrize(("text", "size"), [("", None), ("20GB", 20 * 10**9), ("1.5 mb", 1_500_000), ("0", 0)])
def test_the_size_for_remote_images_is_read(monkeypatch, text, size):
    monkeypatch.setenv("LINEUP_IMAGE_CACHE", text)
    assert image_limit() == size


@pytest.mark.parametrize("text", ["much", "20", "-1GB", "1e9GB", "٣GB"])
def test_what_is_no_size_is_one_line(monkeypatch, text):
    monkeypatch.setenv("LINEUP_IMAGE_CACHE", text)
    with pytest.raises(InputError, match=r"which is no size; give one such as 20GB"):
        image_limit()
