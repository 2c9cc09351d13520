"""A folder holds one question: the content of the files and profiles that ask it is a part of it."""

import json
from dataclasses import asdict, replace

import pytest

from bench.platform.errors import InputError
from bench.records.manifest import Manifest, ProfileRecord, read_manifest
from bench.records.store import MANIFEST
from bench.request.result_folder import require_extension
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


def test_a_manifest_without_these_records_is_read_and_gone_on_with(known, folder):
    whole = json.loads(known.to_json())
    for name in ("files", "profiles"):
        del whole["protocol"][name]
    (folder / MANIFEST).write_text(json.dumps(whole))
    older, _ = read_manifest((folder / MANIFEST).read_bytes(), "it")
    assert asdict(older.protocol) == asdict(known.protocol) | {"files": {}, "profiles": ()}
    require_extension(folder, known)
