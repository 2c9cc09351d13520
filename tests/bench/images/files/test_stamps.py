"""The stamps of many files are those of each, and a file that is not there has one too."""

from functools import partial

from bench.images.files.stamps import stamps_of
from bench.images.files.tree import Folder, stamp_local


def test_stamps_are_those_of_each_file_by_name_and_by_path(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode() * 3)
    folder, names = Folder(tmp_path), ["b.png", "gone.png", "a.png"]
    found = stamps_of(folder.stamp, names)
    assert found[[0, 2]].tolist() == [list(folder.stamp(name)) for name in ("b.png", "a.png")]
    assert found[1].tolist() == [-1, 0]
    by_path = partial(stamps_of, stamp_local)([str(folder.local_path(name)) for name in names])
    assert (by_path == found).all()
