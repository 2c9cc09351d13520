"""The cache gives back what it was given, and knows what it lacks."""

import numpy as np
import pytest

from bench.engine.cache import Cache
from bench.engine.caching import inspections
from bench.images.data_sets import read
from bench.platform.files import digest
from detectors.checks import same_state
from tests.support.miniature import write_folder


def test_what_fitting_learned_comes_back_to_the_last_bit_and_shape(tmp_path):
    state = {
        "cut": np.array(0.1),
        "row": np.arange(3.0),
        "transposed": np.arange(6).reshape(2, 3).T,
        "n": np.int64([5]),
    }
    cache = Cache(tmp_path)
    assert cache.read_fit("fit") is None
    cache.write_fit("fit", state)
    kept = cache.read_fit("fit")
    assert same_state(state, kept)
    assert {name: array.shape for name, array in kept.items()} == {
        "cut": (),
        "row": (3,),
        "transposed": (3, 2),
        "n": (1,),
    }
    assert cache.read_fit("another fit") is None


def test_only_changed_files_are_inspected_again(tmp_path):
    write_folder(tmp_path / "data")
    images = read(str(tmp_path / "data"))
    inspected = []
    first = Cache(tmp_path / "cache").inspect(images, 2, lambda _: None)
    victim, other = (tmp_path / "data" / images.names[row] for row in (3, 4))
    victim.write_bytes(other.read_bytes())
    second = Cache(tmp_path / "cache").inspect(images, 2, inspected.append)
    assert (second.hashes[3] == first.hashes[4]).all()
    assert second.records.drop(index=3).equals(first.records.drop(index=3))
    assert inspected == [len(images) - 1, 1]


def test_a_killed_inspection_is_resumed_where_it_stopped(tmp_path, monkeypatch):
    write_folder(tmp_path / "data")
    images = read(str(tmp_path / "data"))
    whole = Cache(tmp_path / "one").inspect(images, 2, lambda _: None)
    monkeypatch.setattr(inspections, "INSPECTIONS_PER_FILE", 20)
    done = []

    def kill(more):
        done.append(more)
        if len(done) > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path / "two").inspect(images, 1, kill)
    left = []
    assert Cache(tmp_path / "two").inspect(images, 1, left.append).records.equals(whole.records)
    assert left[0] == 20


def test_digests_do_not_run_into_each_other():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a") == digest(b"a")
