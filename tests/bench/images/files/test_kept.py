"""Images of remote data are read once for each of their states; those of this machine are not copied."""

import fsspec
import pytest

from bench.images.data_sets import open_data
from bench.images.files.kept import KeptFiles, kept
from bench.images.files.tree import Folder
from bench.storage.connection import _connected
from bench.storage.image_cache import IMAGES, ImageCache
from tests.support.image_tables import png


@pytest.fixture
def memory():
    _connected.cache_clear()
    system = fsspec.filesystem("memory")
    system.store.clear()
    for place, name in enumerate(("0_real/a", "0_real/b", "1_fake/c", "1_fake/d")):
        system.pipe_file(f"/set/{name}.png", png(place))
    yield system
    system.store.clear()


def test_a_remote_image_is_read_once_until_it_changes(memory, tmp_path, silent, monkeypatch):
    read, asked = type(memory).cat_file, []
    monkeypatch.setattr(type(memory), "cat_file", lambda system, path, **_: asked.append(path) or read(system, path))
    first = open_data("memory://set", tmp_path, 1, silent)
    contents = [first.encoded(row) for row in range(4)]
    assert len(asked) == 4
    assert [open_data("memory://set", tmp_path, 1, silent).encoded(row) for row in range(4)] == contents
    assert len(asked) == 4
    memory.pipe_file("/set/0_real/a.png", png(9))
    again = open_data("memory://set", tmp_path, 1, silent)
    assert [again.encoded(row) for row in range(4)] == [png(9), *contents[1:]]
    assert len(asked) == 5


def test_images_of_this_machine_are_read_where_they_lie(memory, tmp_path, silent):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1))
    files = Folder(folder)
    assert kept(files, ImageCache.of(tmp_path)) is files
    mixed = open_data(f"folders:{folder}", tmp_path, 1, silent, real="memory://set/0_real")
    assert isinstance(mixed.files, KeptFiles)
    assert {mixed.encoded(row) for row in range(len(mixed))} == {png(0), png(1)}
    assert len([path for path in (tmp_path / IMAGES).rglob("*") if path.is_file() and path.name[0] != "."]) == 2
