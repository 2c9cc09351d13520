"""A checksum in a file: any bit that changes is noticed, and other tools read the file as before."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from bench.platform.seals import EMPTY_SEAL, SEAL, WHOLE, content_fault, fault_of, read_cached, sealed, write_sealed


def as_parquet(path):
    table = pa.table({"score": [0.25, 0.5]}).replace_schema_metadata({SEAL: EMPTY_SEAL})
    write_sealed(path, lambda temporary: pq.write_table(table, temporary))


def as_safetensors(path):
    write_sealed(path, lambda temporary: save_file({"a": np.arange(9.0)}, temporary, {SEAL: EMPTY_SEAL}))


def as_json(path):
    path.write_bytes(sealed(json.dumps({SEAL: EMPTY_SEAL, "a": 1}).encode()))


@pytest.mark.parametrize("write", [as_parquet, as_safetensors, as_json])
def test_a_changed_bit_is_noticed(tmp_path, write):
    path = tmp_path / "file"
    write(path)
    whole = path.read_bytes()
    mark = whole.index(b"lineup-crc32:")
    assert fault_of(path) == ""
    for bit in range(0, 8 * len(whole), 41):
        if mark <= bit // 8 < mark + 13:
            continue  # a file without the mark is one without a checksum: the rest of it is as it was
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert fault_of(path) == "its checksum is another"


def test_other_tools_read_it(tmp_path):
    as_parquet(tmp_path / "a.parquet")
    as_safetensors(tmp_path / "a.safetensors")
    assert pd.read_parquet(tmp_path / "a.parquet")["score"].tolist() == [0.25, 0.5]
    assert load_file(tmp_path / "a.safetensors")["a"].tolist() == list(range(9))


def test_a_file_without_room_for_a_checksum_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="no room"):
        write_sealed(tmp_path / "file", lambda temporary: temporary.write_text("text"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"[1]", b"\xff"])
def test_a_damaged_file_of_the_cache_is_told_once_and_gone(tmp_path, content, caplog):
    path = tmp_path / "a\nb.json"
    path.write_bytes(content)
    for _ in range(2):
        assert read_cached(path, lambda one: dict(json.loads(one.read_text()))) is None
    (record,) = caplog.records
    assert "b.json is damaged (" in record.message
    assert record.message.endswith("it is made anew")
    assert "\n" not in record.message


def test_a_file_of_before_checksums_is_read(tmp_path, caplog):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_cached(path, lambda one: json.loads(one.read_text())) == {"a": 1}
    assert not caplog.records


def test_a_content_that_was_never_a_file_is_checked_too():
    whole = sealed(json.dumps({SEAL: EMPTY_SEAL, "a": 1}).encode())
    assert content_fault(whole) == WHOLE
    assert content_fault(whole[:-1] + b" ") == content_fault(whole[:-2]) == "its checksum is another"
    assert content_fault(b"") == "it is empty"
