"""Local folders in front of stores know their URLs, also from inside."""

import pytest

from bench.platform.errors import InputError
from bench.storage.working_copy import COPIES, mark_as_copy, place_of, store_of, working_copy


def test_each_url_and_purpose_has_a_folder_of_its_own_that_knows_the_url(tmp_path):
    one = working_copy(tmp_path, "s3://bucket/runs/one/", "results")
    assert one == working_copy(tmp_path, "s3://bucket/runs/one", "results")
    others = [
        working_copy(tmp_path, "s3://other/runs/one", "results"),
        working_copy(tmp_path, "s3://bucket/runs/one", "read"),
    ]
    assert len({one, *others}) == 3
    assert one.parent == tmp_path / COPIES
    assert store_of(one) == "s3://bucket/runs/one"
    assert store_of(one / "blur-3" / "deeper") == "s3://bucket/runs/one/blur-3/deeper"
    assert store_of(tmp_path) == ""


def test_a_path_is_itself_and_no_copy(tmp_path):
    assert place_of(tmp_path, str(tmp_path / "runs"), "results") == tmp_path / "runs"
    assert place_of(tmp_path, f"file://{tmp_path}/runs", "results") == tmp_path / "runs"
    assert not (tmp_path / COPIES).exists()
    mark_as_copy(tmp_path, "")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / COPIES).write_bytes(b"")
    with pytest.raises(InputError, match=r"the working copy of s3://bucket/x, cannot be written .*; set LINEUP_CACHE"):
        working_copy(tmp_path, "s3://bucket/x", "results")
    with pytest.raises(InputError, match="password"):
        working_copy(tmp_path, "s3://a:b@bucket/x", "results")
