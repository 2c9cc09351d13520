"""A folder holds one question: the content of the files and profiles that ask it is a part of it."""

import json
import os
from dataclasses import asdict, replace

import pytest

from bench.platform.errors import InputError
from bench.records.manifest import Manifest, ProfileRecord, read_manifest
from bench.records.store import LOCK, MANIFEST
from bench.request.result_folder import held_for_one_run, require_extension
from tests.support.synthetic_runs import make_run

OWN = ProfileRecord("own", 1, ("jpeg:50", "blur:1"), {"clean_auc": 0.5})


@pytest.fixture
def known():
    manifest = make_run().manifest
    return replace(manifest, protocol=replace(manifest.protocol, files={"protocol": "1"}, profiles=(OWN,)))


@pytest.fixture
def folder(known, tmp_path):
    (tmp_path / MANIFEST).write_bytes(known.to_json())
    return tmp_path


def asked(known: Manifest, **changes) -> Manifest:
    return replace(known, protocol=replace(known.protocol, **changes))


def test_the_same_files_and_profiles_are_the_same_question(known, folder):
    require_extension(folder, known)
    require_extension(folder, asked(known, title="Another title"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": {"protocol": "2"}}, "a protocol file of other content"),
        ({"files": {}}, "a protocol file of other content"),
        ({"profiles": (replace(OWN, degradations=("jpeg:40",)),)}, "other degradations of the profile own"),
        ({"profiles": (replace(OWN, score={"mean": 1.0}),)}, "other score of the profile own"),
    ],
)
def test_another_content_under_the_same_name_is_another_question(known, folder, changes, said):
    with pytest.raises(InputError, match=said):
        require_extension(folder, asked(known, **changes))


def test_scores_of_images_that_something_else_degraded_are_another_question(known, folder):
    with pytest.raises(InputError, match="this run has images degraded on device, not cpu; give another --out"):
        require_extension(folder, replace(known, runtime=replace(known.runtime, degrade_on="device")))


def test_a_manifest_without_these_records_is_read_and_gone_on_with(known, folder):
    whole = json.loads(known.to_json())
    for name in ("files", "profiles"):
        del whole["protocol"][name]
    (folder / MANIFEST).write_text(json.dumps(whole))
    older, _ = read_manifest((folder / MANIFEST).read_bytes(), "it")
    assert asdict(older.protocol) == asdict(known.protocol) | {"files": {}, "profiles": ()}
    require_extension(folder, known)


def test_a_folder_is_written_by_one_run_at_a_time(tmp_path):
    out = tmp_path / "runs" / "one"
    with held_for_one_run(out):
        with pytest.raises(InputError, match=rf"OUT {out} is being written by another run \(process \d+ on"):
            held_for_one_run(out).__enter__()
        (out / MANIFEST).write_text("{}")
    with held_for_one_run(out):
        assert (out / LOCK).is_file()
    assert [path.name for path in out.iterdir()] == [MANIFEST]


def test_a_folder_in_which_nothing_was_written_is_gone(tmp_path):
    with pytest.raises(KeyboardInterrupt), held_for_one_run(tmp_path / "one"):
        raise KeyboardInterrupt
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("closed", ["", "scores"])
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_done(tmp_path, monkeypatch, closed):
    out = tmp_path / "one"
    (out / "scores").mkdir(parents=True)
    if closed:
        monkeypatch.setattr(os, "access", lambda path, mode: path.name != closed)
    else:
        out = out / "file" / "below"
        out.parent.write_text("")
    with pytest.raises(InputError, match=rf"OUT {out} cannot be written \(.*\); choose another folder"):
        held_for_one_run(out).__enter__()
