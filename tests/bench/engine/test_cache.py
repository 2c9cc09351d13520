"""The cache gives back what it was given, and knows what it lacks."""

import numpy as np
import pytest

from bench.engine.cache import Cache
from bench.engine.caching import inspections
from bench.images.data_sets import read
from bench.platform.files import digest
from detectors.api import Answer
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


def damage(path):
    """Change one bit near the end of a file."""
    content = bytearray(path.read_bytes())
    content[-9] ^= 4
    path.write_bytes(content)


def test_a_damaged_file_of_any_kind_is_none_and_told(tmp_path, caplog):
    cache = Cache(tmp_path)
    answer = Answer(np.linspace(0, 1, 40, dtype=np.float32), {"route": np.array(["fog"] * 40)}, None)
    kinds = {
        "fitted": (lambda: cache.write_fit("a", {"w": np.arange(99.0)}), lambda: cache.read_fit("a")),
        "answers": (lambda: cache.write_answer("a", answer), lambda: cache.read_answer("a")),
        "agreements": (lambda: cache.write_agreement("a", {"images": 3}), lambda: cache.read_agreement("a")),
        "rates": (lambda: cache.write_rates("a", {"values": {"b": 1.5}}), lambda: cache.read_rates("a")),
    }
    for folder, (write, found) in kinds.items():
        write()
        (path,) = (tmp_path / folder).iterdir()
        assert found()
        damage(path)
        assert not found()
        assert f"{path} is damaged" in caplog.records[-1].message
        assert not path.exists()
    assert len(caplog.records) == len(kinds)


def test_a_damaged_inspection_is_made_anew(tmp_path, caplog):
    write_folder(tmp_path / "data")
    images = read(str(tmp_path / "data"))
    first = Cache(tmp_path / "cache").inspect(images, 2, lambda _: None)
    damage(next((tmp_path / "cache" / "inspected").rglob("*.parquet")))
    inspected = []
    again = Cache(tmp_path / "cache").inspect(images, 2, inspected.append)
    assert inspected[0] == 0
    assert again.records.equals(first.records)
    assert "is damaged" in caplog.text
