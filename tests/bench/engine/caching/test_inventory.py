"""What the cache writes is known as its own, with whom it is for; anything else is not."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.engine.cache import Cache
from bench.engine.caching.inventory import UNFINISHED, take_inventory
from bench.engine.caching.use_records import RunUse, recorded_use
from bench.images.data_sets import read
from bench.platform.files import digest
from detectors.api import Answer
from tests.support.miniature import write_folder

HASHES = np.arange(32, dtype=np.uint8).reshape(1, 32)
KEY = digest("cell")[:32]


def fill(root):
    """One entry of each kind that `Cache` writes, and a folder of images that were looked at."""
    cache = Cache(root)
    cache.write_fit("fit", {"cut": np.array(0.5)})
    cache.write_answer(KEY, Answer(np.ones(3, np.float32)))
    cache.write_agreement(digest("agreement"), {"far": 0})
    cache.write_rates("AMD EPYC, 2 cores", {"decode": 1})
    cache.embeddings("clip.1", "jpeg:65").add(HASHES, np.ones((1, 3), np.float32))
    for path in (cache.fit_folder("long"), cache.fit_folder("nested") / "member"):
        path.mkdir(parents=True)
        (path / "checkpoint.pt").write_bytes(b"state")
    (root / "graphs").mkdir()
    (root / "graphs" / f"{digest('graph')}.onnx").write_bytes(b"graph")
    images = read(str(write_folder(root.parent / "cats", 2, 2)))
    cache.inspect(images, 1, lambda _: None)
    return cache


def kinds(root):
    return {one.path: one.kind for one in take_inventory(root).entries}


def test_everything_that_the_cache_writes_is_its_own(tmp_path):
    fill(tmp_path / "cache")
    found = take_inventory(tmp_path / "cache")
    assert dict(found.foreign) == {}
    assert sorted(one.kind for one in found.entries) == sorted(
        ["fits", "answers", "agreements", "rates", "embeddings", "graphs", "inspections", *["resumable fits"] * 2]
    )
    (embeddings,) = (one for one in found.entries if one.kind == "embeddings")
    assert (embeddings.title, len(embeddings.files), embeddings.bytes > 32) == ("clip.1", 1, True)
    assert sum(one.bytes for one in found.entries) == sum(
        path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()
    )


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert not take_inventory(tmp_path / "none").entries
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fitted/.abc-0123456789ab.safetensors.01234567.partial", UNFINISHED),
        ("fitting/key-0123456789ab/.01234567.partial", UNFINISHED),
        ("corpus/.making-x1/.2-191ad38b2152.77/vq/train/ai/leaves_1.jpg", UNFINISHED),
        ("corpus/.2-191ad38b2152.77/vq/train/ai/leaves_1.jpg", UNFINISHED),
        ("corpus/2-191ad38b2152/vq/train/ai/leaves_1.jpg", "corpus"),
        ("weights/some/network.pth", "weights"),
        ("notes.txt", ""),
        ("fitted/notes.txt", ""),
        ("fitted/mine.safetensors", ""),
        ("corpus/mine/cat.jpg", ""),
        ("corpus/2-191ad38b2152/notes.txt", ""),
        ("thumbnails/0123456789ab.parquet", ""),
        ("mine/.01234567.partial", ""),
    ],
)
def test_what_is_not_the_caches_own_is_foreign(tmp_path, name, kind):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    found = take_inventory(tmp_path)
    assert [one.kind for one in found.entries] == [kind] * bool(kind)
    assert dict(found.foreign) == ({} if kind else {name: 1})


def test_entries_say_for_whom_they_are_and_whether_they_are_in_use(tmp_path):
    root = tmp_path / "cache"
    cache = fill(root)
    fit, resumed, answer = cache.places("fit", KEY)
    (inspected,) = (path for path, kind in kinds(root).items() if kind == "inspections")
    use = RunUse("/runs/one", "any", "cats", {"hog_svm": [fit, resumed, answer]}, {"/cats": [inspected]}, ["graphs"])
    for path in root.rglob("*"):  # written long before the run
        os.utime(path, (1e9, 1e9))
    with recorded_use(root, use):
        during = {one.path: one for one in take_inventory(root).entries}
        cache.embeddings("clip.1", "jpeg:65")
        later = {one.path: one for one in take_inventory(root).entries}
    after = {one.path: one for one in take_inventory(root).entries}
    graph, embeddings = (
        next(path for path, kind in kinds(root).items() if kind == one) for one in ("graphs", "embeddings")
    )
    assert {path for path, one in during.items() if one.in_use and one.kind != "records of use"} == {
        *(fit, answer, inspected, graph)
    }
    assert later[embeddings].in_use
    assert not any(one.in_use for one in after.values())
    assert (after[fit].title, after[inspected].title, after[graph].title) == ("hog_svm", "/cats", "")
    assert after[fit].outs == {"/runs/one"}
    assert after[fit].used >= use.started
    assert after[cache.places("nested", KEY)[1]].title == "not recorded"


def test_of_a_run_whose_record_is_damaged_anything_may_be_in_use(tmp_path):
    root = tmp_path / "cache"
    fill(root)
    with recorded_use(root, RunUse("/runs/one", "any", "cats", {}, {}, [])):
        (record,) = (root / "uses").iterdir()
        record.write_text("{")
        assert all(one.in_use for one in take_inventory(root).entries)


def test_places_are_where_the_cache_writes(tmp_path):
    cache = fill(tmp_path / "cache")
    assert [(cache.root / path).exists() for path in cache.places("fit", KEY)] == [True, False, True]
    assert (cache.root / cache.places("long", KEY)[1]).is_dir()
    assert all(not Path(one).is_absolute() for one in cache.places("fit", KEY))
