"""Remote stores read the same as folders; what cannot be reached is one line."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from bench.images.data_sets import read as read_data
from bench.images.files.remote import open_remote
from bench.images.files.tree import Folder
from bench.platform.errors import InputError
from bench.storage.connection import _connected
from bench.storage.object_store import ATTEMPTS, StoreFault
from tests.support.image_tables import png, same_pixels, structs, table, write_arrow, write_parquet
from tests.support.object_store import PAGE, s3_store


def genimage(root):
    for place, top in enumerate(("ADM", "glide")):
        for index in range(8):
            folder = root / top / ("train", "val")[index % 2] / ("ai", "nature")[index // 2 % 2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"n{index}.PNG").write_bytes(png(10 * place + index))
    return root


def tables(root):
    for split in ("train", "test"):
        made = table({"image": structs([png(index) for index in range(6)]), "is_fake": [0, 1] * 3})
        write_parquet(root / f"{split}.parquet", made)
        write_arrow(root / split / "data-0.arrow", made)
    return root


def objects(root, prefix):
    return {
        f"{prefix}/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.fixture
def s3(monkeypatch):
    """Ask this port for `s3://`, in the way that every tool of AWS understands."""
    s3fs = pytest.importorskip("s3fs")

    def at(port):
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }.items():
            monkeypatch.setenv(name, value)

    s3fs.S3FileSystem.clear_instance_cache()
    _connected.cache_clear()
    yield at
    _connected.cache_clear()
    for system in s3fs.S3FileSystem._cache.values():
        if system._s3 is not None:
            system.close_session(system.loop, system._s3)
    s3fs.S3FileSystem.clear_instance_cache()


def test_genimage_on_a_store_reads_as_its_folder_does(tmp_path, s3):
    whole = read_data(str(genimage(tmp_path / "set")))
    beside = {"some/set2/train/ai/x.png": b"", "some/set.png": b""}
    with s3_store({"bucket": objects(tmp_path / "set", "some/set") | beside}) as store:
        s3(store.server_port)
        images = read_data("s3://bucket/some/set")
        assert images.table.equals(whole.table)
        assert images.title == "set"
        assert len(images) == 16 > PAGE
        store.requests.clear()
        for index in range(len(images)):
            assert (images[index].pixels == whole[index].pixels).all()
        assert [command for command, _, _ in store.requests] == ["GET"] * 16
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(images.files.read, images.names)) == [whole.files.read(name) for name in whole.names]


def test_tables_on_a_store_read_as_their_folder_does(tmp_path, s3):
    whole = read_data(str(tables(tmp_path / "set")))
    with s3_store({"bucket": objects(tmp_path / "set", "set")}) as store:
        s3(store.server_port)
        images = read_data("s3://bucket/set/")
        assert images.table.equals(whole.table)
        assert same_pixels(images, [*range(6)] * 4)
        assert images.files.stamp(images.names[0])[0] == len(store.buckets["bucket"]["set/test.parquet"])


def test_a_bucket_or_a_folder_that_is_not_there_is_one_line(s3):
    with s3_store({"bucket": {"a/b.png": b""}}) as store:
        s3(store.server_port)
        for address in ("s3://nowhere/x", "s3://bucket/x", "s3://bucket/a/b.png"):
            with pytest.raises(InputError, match=f"{address} (cannot be read|is no folder of files)") as error:
                read_data(address)
            assert "\n" not in str(error.value)


def test_a_store_that_cannot_be_reached_is_one_line(s3, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with s3_store({}) as store:
        port = store.server_port
    s3(port)
    with pytest.raises(
        InputError, match=r"s3://bucket/x cannot be read \(.*; check the address and your cred"
    ) as error:
        read_data("s3://bucket/x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("gs://bucket/x", "install gcsfs beside Lineup"),
        ("nonsense://x/y", "use one of s3, gs, gcs, hf, or a local path"),
    ],
)
def test_a_scheme_that_cannot_be_opened_says_what_to_do(address, advice, monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(InputError, match=advice) as error:
        read_data(address)
    assert "\n" not in str(error.value)


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_marks_change_with_the_file_and_missing_files_are_missing(memory):
    memory.pipe("/set/a/1.png", b"one")
    tree = open_remote("memory://set")
    assert tree.listing.images == {"a": ["1.png"]}
    assert tree.stamp("a/1.png")[0] == 3
    assert tree.read("a/1.png") == b"one"
    with pytest.raises(FileNotFoundError, match="no such file on the store"):
        tree.read("a/2.png")
    assert open_remote("memory://set").stamp("a/1.png") == tree.stamp("a/1.png")
    memory.pipe("/set/a/1.png", b"two")
    assert open_remote("memory://set").stamp("a/1.png") != tree.stamp("a/1.png")


@pytest.mark.parametrize(
    ("fact", "matters"),
    [("blob_id", True), ("updated", True), ("ETag", True), ("Last-Modified", True), ("atime", False), ("url", False)],
)
def test_whatever_a_store_says_of_a_file_marks_it_but_for_what_changes_by_itself(memory, monkeypatch, fact, matters):
    memory.pipe("/set/1.png", b"one")
    stamps = []
    for said in ("a", "b"):
        found = {"/set/1.png": {"name": "/set/1.png", "size": 3, "type": "file", fact: said}}
        monkeypatch.setattr(memory, "find", lambda *_, found=found, **__: found)
        stamps.append(open_remote("memory://set").stamp("1.png"))
    assert (stamps[0] != stamps[1]) == matters


def sizeless(memory, monkeypatch, **info):
    """A store that lists no sizes, and says this of one file."""
    asked = []
    monkeypatch.setattr(memory, "find", lambda *_, **__: {"/set/1.png": {"name": "/set/1.png", "size": None}})
    monkeypatch.setattr(memory, "info", lambda path, **_: asked.append(path) or {"name": path, **info})
    return asked


def test_a_store_that_lists_no_sizes_is_asked_once_for_each_file(memory, monkeypatch):
    asked = sizeless(memory, monkeypatch, size=3, ETag="a")
    tree = open_remote("memory://set")
    assert tree.stamp("1.png") == tree.stamp("1.png")
    assert (tree.stamp("1.png")[0], len(asked)) == (3, 1)


def test_a_file_of_unknown_size_is_read_up_to_the_largest_that_an_image_has(memory, monkeypatch):
    memory.pipe("/set/1.png", b"0123456789")
    asked = sizeless(memory, monkeypatch, size=None)
    monkeypatch.setattr(memory, "open", lambda *_, **__: io.BytesIO(b"0123456789"))
    tree = open_remote("memory://set")
    assert tree.read("1.png") == b"0123456789"
    monkeypatch.setattr("bench.images.files.remote.MAX_FILE_BYTES", 9)
    with pytest.raises(OSError, match="10 bytes are more than an image file has"):
        tree.read("1.png")
    assert len(asked) == 1


def test_a_url_of_the_local_disk_is_read_as_its_path_is(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "in").mkdir()
    assert isinstance(open_remote(f"file://{tmp_path}/in"), Folder)
    (tmp_path / "in" / "link").symlink_to(tmp_path / "in")
    with pytest.raises(InputError, match="link is a link to a folder that holds it"):
        read_data(f"file://{tmp_path}/in")


def test_a_store_that_fails_while_it_is_read_is_one_line(memory, monkeypatch):
    memory.pipe("/set/1.png", b"one")
    tree = open_remote("memory://set")
    _ = tree.listing

    def fail(*_, **__):
        raise ValueError("the store is on fire")

    monkeypatch.setattr(tree._system, "cat_file", fail)
    monkeypatch.setattr(tree._system, "open", fail)
    monkeypatch.setattr("bench.storage.object_store.time.sleep", lambda _: None)
    for read, kind, times in ((tree.read, StoreFault, f"failed {ATTEMPTS} times"), (tree.open, OSError, "")):
        with pytest.raises(kind, match=f"{times}.*on fire"):
            read("1.png")
