"""Embeddings come back by the content of images, whichever files they are in."""

from functools import partial

import numpy as np
import pytest

from bench.engine.cache import Cache


def hashes(*values):
    return np.array([[value] * 32 for value in values], dtype=np.uint8)


def rows(*values):
    return np.array([[value, -value] for value in values], dtype=np.float32)


def test_embeddings_come_back_in_the_order_asked_for(tmp_path):
    files = Cache(tmp_path).embeddings("means.1", "jpeg:65@1")
    assert files.add(hashes(1, 2, 3), rows(1, 2, 3)).tolist() == [0, 1, 2]
    assert files.add(hashes(7, 8), rows(7, 8)).tolist() == [3, 4]
    for same in (files, Cache(tmp_path).embeddings("means.1", "jpeg:65@1")):
        asked = hashes(8, 1, 3, 8)
        assert (same.read(same.rows_of(asked)) == rows(8, 1, 3, 8)).all()
        assert (same.rows_of(hashes(2, 9, 7)) < 0).tolist() == [False, True, False]
        with pytest.raises(KeyError, match="1 images are not embedded"):
            same.read(same.rows_of(hashes(2, 9)))


def test_no_embeddings_are_an_empty_array(tmp_path):
    files = Cache(tmp_path).embeddings("means.1", "none")
    assert files.rows_of(hashes(1, 2)).tolist() == [-1, -1]
    assert len(files.read(np.zeros(0, np.int64))) == 0


def test_embedders_and_degradations_do_not_mix(tmp_path):
    kept = Cache(tmp_path)
    kept.embeddings("means.1", "none").add(hashes(1), rows(1))
    assert kept.embeddings("means.1", "none").rows_of(hashes(1)).tolist() == [0]
    for others in (
        ("means.2", "none"),
        ("means.1", "jpeg:65@1"),
        ("means/1", "none"),
    ):  # alike as files
        assert kept.embeddings(*others).rows_of(hashes(1)).tolist() == [-1]


def flip(path, place):
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 16
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:20])


@pytest.mark.parametrize("damage", [partial(flip, place=-1), cut], ids=["flipped", "cut"])
def test_what_was_in_a_damaged_file_is_embedded_again(tmp_path, damage, caplog):
    kept = Cache(tmp_path).embeddings("means.1", "none")
    kept.add(hashes(1, 2), rows(1, 2))
    (damaged,) = tmp_path.rglob("*.safetensors")
    kept.add(hashes(3), rows(3))
    damage(damaged)
    again = Cache(tmp_path).embeddings("means.1", "none")
    found = again.rows_of(hashes(1, 2, 3))
    assert (found < 0).tolist() == [True, True, False]
    assert f"{damaged} is damaged" in caplog.text
    assert len(caplog.records) == 1
    assert (again.read(found[2:]) == rows(3)).all()
    again.add(hashes(1, 2), rows(1, 2))
    whole = Cache(tmp_path).embeddings("means.1", "none")
    assert (whole.read(whole.rows_of(hashes(3, 2, 1))) == rows(3, 2, 1)).all()


def test_files_that_hold_nothing_of_what_is_asked_for_are_not_read_whole(tmp_path, caplog):
    kept = Cache(tmp_path).embeddings("means.1", "none")
    kept.add(hashes(1, 2), rows(1, 2))
    (damaged,) = tmp_path.rglob("*.safetensors")
    kept.add(hashes(3), rows(3))
    flip(damaged, -1)
    assert (Cache(tmp_path).embeddings("means.1", "none").rows_of(hashes(3)) >= 0).all()
    assert not caplog.records
