"""Facts of files are the same wherever files are inspected, and files that are told apart by nothing but state are."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.engine.cache import Cache
from bench.engine.caching import inspections
from bench.images.assembly import with_base_degradation
from bench.images.data_sets import read
from tests.support.miniature import write_folder


@pytest.fixture
def images(tmp_path):
    """A data set one of whose files is damaged, and one empty."""
    images = read(str(write_folder(tmp_path / "data")))
    damaged, empty = (tmp_path / "data" / images.names[row] for row in (5, 9))
    damaged.write_bytes(damaged.read_bytes()[:200])
    empty.write_bytes(b"")
    return images


def test_processes_find_what_threads_find(images, tmp_path, monkeypatch):
    done = []
    threads = Cache(tmp_path / "threads").inspect(images, 2, lambda _: None, appearance=True)
    monkeypatch.setattr(inspections, "MIN_FILES_FOR_PROCESSES", 1)
    monkeypatch.setattr(inspections, "BATCHES", 7)
    processes = Cache(tmp_path / "processes").inspect(images, 2, done.append, appearance=True)
    assert processes.records.equals(threads.records)
    assert processes.records["reason"].ne("").sum() == 2
    assert sum(done) == len(images)
    assert max(done) > 1  # several at a time


def test_a_file_that_goes_while_it_is_inspected_has_that_as_its_reason(images, tmp_path, monkeypatch):
    monkeypatch.setattr(inspections, "MIN_FILES_FOR_PROCESSES", 1)
    (tmp_path / "data" / images.names[0]).unlink()
    (tmp_path / "data" / images.names[1]).unlink()
    (tmp_path / "data" / images.names[1]).mkdir()
    found = Cache(tmp_path / "cache").inspect(images, 2, lambda _: None).records
    assert found["reason"].iloc[0] == "it cannot be read: No such file or directory"
    assert found["reason"].iloc[1] == "it cannot be read: not a regular file"


def test_facts_are_kept_by_degradation_and_by_state(images, tmp_path):
    cache, done = Cache(tmp_path / "cache"), []
    plain = cache.inspect(images, 1, lambda _: None)
    small = cache.inspect(with_base_degradation(images, "lr:32"), 1, done.append)
    assert done[0] == 0
    assert small.records["width"].max() == 32 < plain.records["width"].max()
    for expected, asked in ((plain, images), (small, with_base_degradation(images, "lr:32"))):
        assert cache.recall(asked, 1)[0].records.equals(expected.records)
    path = tmp_path / "data" / images.names[2]
    path.write_bytes(path.read_bytes())  # the same size and content, another time
    _, unknown = cache.recall(images, 1)
    assert unknown == 1


def test_what_an_audit_alone_reads_is_kept_and_handed_out_where_it_is_asked_for(images, tmp_path):
    cache = Cache(tmp_path / "cache")
    plain, whole = (cache.inspect(images, 1, lambda _: None, appearance=asked) for asked in (False, True))
    assert whole.records.columns.difference(plain.records.columns).tolist() == ["colour", "luma_grid"]
    assert plain.records.equals(whole.records[plain.records.columns])
    assert len(whole.records["luma_grid"].iloc[0]) == 256


def test_a_damaged_file_of_the_cache_costs_its_facts_alone(images, tmp_path, monkeypatch):
    monkeypatch.setattr(inspections, "INSPECTIONS_PER_FILE", 20)
    cache, done = Cache(tmp_path / "cache"), []
    whole = cache.inspect(images, 1, lambda _: None)
    first = sorted((tmp_path / "cache").rglob("*.parquet"))[0]
    lost = pq.read_metadata(first).num_rows  # the last of the files holds fewer
    first.write_bytes(first.read_bytes()[:100])
    again = cache.inspect(images, 1, done.append)
    assert again.records.equals(whole.records)
    assert done[0] == len(images) - lost
    assert (again.hashes == whole.hashes).all()


def test_the_facts_of_no_file_are_a_table_of_the_same_columns(images, tmp_path):
    cache = Cache(tmp_path / "cache")
    whole, none = (cache.inspect(one, 1, lambda _: None) for one in (images, images.select(np.zeros(0, int))))
    assert none.records.columns.tolist() == whole.records.columns.tolist()
    assert none.hashes.shape == (0, 32)
