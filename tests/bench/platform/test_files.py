"""Files are written whole or not at all, and as readable as the user wants his files to be."""

import errno
import os

import numpy as np
import pyarrow as pa
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from bench.platform import files
from bench.platform.errors import InputError
from bench.platform.files import TextColumn, digest, plain_name, write_atomically


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_file_is_as_readable_as_the_umask_says(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "made", lambda part: save_file({"zero": np.zeros(1)}, part))
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("text", ["g" * 1000, "\N{CJK UNIFIED IDEOGRAPH-65E5}" * 1000, "a/../b\0" * 300])
def test_any_text_makes_a_file_name(tmp_path, text):
    names = [f"{plain_name(one)}-{plain_name(one)}.csv" for one in (f"{text}1", f"{text}2")]
    for name in names:
        (tmp_path / name).touch()
    assert len(list(tmp_path.iterdir())) == 2


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path):
    write_atomically(tmp_path / "made", lambda part: part.write_text("old"))

    def fail(part):
        part.write_text("half")
        msg = "no room"
        raise OSError(msg)

    with pytest.raises(OSError, match="no room"):
        write_atomically(tmp_path / "made", fail)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("made", "old")]


@pytest.mark.parametrize(
    "texts", [[], [""], ["a", "", "b/ü", "a" * 300], [f"{number}" * (number % 5) for number in range(99)]]
)
def test_a_column_of_texts_is_as_many_parts_of_a_digest(monkeypatch, texts):
    monkeypatch.setattr(files, "TEXTS_AT_A_TIME", 7)
    whole = digest("before", *texts, b"after")
    column = pa.array(["x", *texts], pa.large_string())[1:]
    assert digest("before", TextColumn(column), b"after") == whole
    assert digest("before", TextColumn(pa.chunked_array([column[:2], column[2:]])), b"after") == whole


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_one_line_that_names_the_file_and_the_folder(tmp_path, error):
    def fail(part):
        raise error

    line = rf"^made cannot be written into {tmp_path} \((No space left on device|Disk quota exceeded)\); make room"
    with pytest.raises(InputError, match=line):
        write_atomically(tmp_path / "made", fail)
    assert not list(tmp_path.iterdir())
