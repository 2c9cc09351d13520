"""Folders as trees: what is listed, what is refused, what is ignored."""

import os

import pytest

from bench.images.files.local import open_local
from bench.images.files.mounting import MountedTree
from bench.images.files.tree import Folder
from bench.platform.errors import InputError
from bench.platform.printable import printable
from tests.support.image_tables import png


def put(root, *names, data=b"x"):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def test_files_are_sorted_by_what_they_are(tmp_path):
    put(
        tmp_path,
        "b/2.PNG",
        "b/1.jpeg",
        "a.webp",
        "b/x.csv",
        "t.parquet",
        "notes.md",
        "b/none",
        "b/.x.png",
        ".git/y.png",
    )
    put(tmp_path, "__MACOSX/z.png", "@eaDir/z.png", "b/Thumbs.db")
    listing = Folder(tmp_path).listing
    assert listing.images == {"": ["a.webp"], "b": ["1.jpeg", "2.PNG"]}
    assert listing.data == ["b/x.csv", "t.parquet"]
    assert listing.ignored == {".md": 1, "no suffix": 1, "hidden": 2}
    assert listing.size == 3
    assert listing.refused == []


def test_links_inside_the_folder_are_followed(tmp_path):
    put(tmp_path, "a/1.png")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "2.png").symlink_to("a/1.png")
    assert Folder(tmp_path).listing.images == {"": ["2.png"], "a": ["1.png"], "b": ["1.png"]}


def test_the_data_folder_itself_may_be_a_link(tmp_path):
    put(tmp_path, "a/1.png")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert Folder(tmp_path / "b").listing.images == {"": ["1.png"]}


def test_links_out_of_the_folder_are_followed(tmp_path):
    put(tmp_path, "blobs/1", data=png(1))
    put(tmp_path, "other/2.png")
    root = put(tmp_path / "in", "x.png")
    (root / "train.parquet").symlink_to("../blobs/1")
    (root / "1.png").symlink_to(tmp_path / "blobs" / "1")
    (root / "more").symlink_to("../other")
    listing = Folder(root).listing
    assert listing.images == {"": ["1.png", "x.png"], "more": ["2.png"]}
    assert listing.data == ["train.parquet"]
    assert Folder(root).read("1.png") == png(1)


def test_links_are_left_where_a_user_says_so(tmp_path):
    root = put(tmp_path / "in", "a/1.png")
    (root / "2.png").symlink_to("a/1.png")
    (root / "b").symlink_to("a")
    (root / "notes").symlink_to("a")
    listing = Folder(root, follow=False).listing
    assert listing.images == {"a": ["1.png"]}
    assert listing.refused == [("2.png", "a link, and links are not followed")]
    assert listing.ignored == {"links": 2}


def test_links_that_lead_nowhere_are_refused_with_the_reason(tmp_path):
    root = put(tmp_path / "in", "x.png")
    (root / "gone.png").symlink_to("nowhere.png")
    (root / "self.png").symlink_to("self.png")
    (root / "gone").symlink_to("nowhere")
    (root / ".gone.png").symlink_to("nowhere.png")
    listing = Folder(root).listing
    assert listing.refused == [("gone.png", "a broken link"), ("self.png", "a broken link")]
    assert listing.ignored == {"links": 1, "hidden": 1}
    assert listing.images == {"": ["x.png"]}


def test_a_table_behind_a_broken_link_is_an_error_and_not_left_out(tmp_path):
    root = put(tmp_path / "in", "x.png")
    (root / "train.parquet").symlink_to("../blobs/1")
    with pytest.raises(InputError, match=r"train\.parquet is a broken link; put the file itself there"):
        _ = Folder(root).listing


@pytest.mark.parametrize("target", [".", "..", "../../in/a"])
def test_links_to_folders_above_are_errors(tmp_path, target):
    put(tmp_path, "in/a/1.png")
    (tmp_path / "in" / "a" / "link").symlink_to(target)
    with pytest.raises(InputError, match="link is a link to a folder that holds it"):
        _ = Folder(tmp_path / "in").listing


def test_links_in_a_ring_are_an_error_and_not_endless(tmp_path):
    put(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a" / "l").symlink_to("../b")
    (tmp_path / "b" / "m").symlink_to("../a")
    (tmp_path / "c").symlink_to("b")
    with pytest.raises(InputError, match=r"is a link to a folder that holds it|Too many levels"):
        _ = Folder(tmp_path).listing


@pytest.mark.parametrize(
    ("name", "stored", "shown"),
    [
        (b"a\x1b[2Jb.png", "a\x1b[2Jb.png", "a\\x1b[2Jb.png"),
        (b"a\nb.png", "a\nb.png", "a\\nb.png"),
        (b"a\xff.png", "a\\xff.png", "a\\xff.png"),
        (b"a\\b.png", "a\\b.png", "a\\b.png"),
        ("Screenshot 9.41\u202fAM.png".encode(), "Screenshot 9.41\u202fAM.png", "Screenshot 9.41\\u202fAM.png"),
    ],
)
def test_names_of_any_bytes_are_read_and_shown_escaped(tmp_path, name, stored, shown):
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123 - a name of bytes
        file.write(png(3))
    tree = Folder(tmp_path)
    assert tree.listing.images == {"": [stored]}
    assert tree.read(stored) == png(3)
    assert printable(stored) == shown
    stored.encode()


def test_images_in_a_folder_of_any_bytes_are_read(tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"a\xff\tb")  # noqa: PTH118 - a name of bytes
    os.mkdir(folder)  # noqa: PTH102
    with open(os.path.join(folder, b"1.png"), "wb") as file:  # noqa: PTH118, PTH123
        file.write(png(3))
    tree = Folder(tmp_path)
    assert tree.listing.images == {"a\\xff\tb": ["1.png"]}
    assert tree.read("a\\xff\tb/1.png") == png(3)


def test_files_without_a_known_suffix_are_known_by_their_content(tmp_path):
    put(tmp_path, "a.jpg_large", "b.jpg.1", "none", data=png(1))
    put(tmp_path, "c.jpg_large", "readme")
    listing = Folder(tmp_path).listing
    assert listing.images == {"": ["a.jpg_large", "b.jpg.1", "none"]}
    assert listing.ignored == {".jpg_large": 1, "no suffix": 1}


def test_names_in_any_script_are_read(tmp_path):
    put(tmp_path, "фото/图 1.png", data=png(1))
    assert Folder(tmp_path).read("фото/图 1.png") == png(1)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(OSError, match="not a regular file") as error:
        Folder(tmp_path).read("a.png")
    assert error.value.strerror


def test_a_file_larger_than_any_image_is_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**29 + 1)
    with pytest.raises(OSError, match="536,870,913 bytes are more than an image file has") as error:
        Folder(tmp_path).read("a.png")
    assert error.value.strerror


def test_a_stamp_changes_with_the_file(tmp_path):
    tree = Folder(put(tmp_path, "a.png"))
    before = tree.stamp("a.png")
    os.utime(tmp_path / "a.png", (1, 1))
    assert tree.stamp("a.png") != before


def test_a_stamp_changes_where_a_file_is_replaced_by_one_of_the_same_size_and_time(tmp_path):
    tree = Folder(put(tmp_path, "a.png", data=b"one"))
    os.utime(tmp_path / "a.png", (1, 1))
    before = tree.stamp("a.png")
    put(tmp_path, "b.png", data=b"two")
    os.utime(tmp_path / "b.png", (1, 1))
    (tmp_path / "b.png").replace(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_mtime == 1
    assert tree.stamp("a.png") != before


def test_a_tree_mounted_in_another_is_read_by_its_name(tmp_path):
    base, real = Folder(put(tmp_path / "a", "g/1.png")), Folder(put(tmp_path / "b", "x/1.png", data=b"real"))
    tree = MountedTree(base, {"real": real, "deep/er": real})
    assert tree.listing.images == {"deep/er/x": ["1.png"], "g": ["1.png"], "real/x": ["1.png"]}
    assert tree.read("real/x/1.png") == tree.read("deep/er/x/1.png") == b"real"
    assert tree.read("g/1.png") == b"x"
    assert tree.local_path("real/x/1.png") == str(tmp_path / "b" / "x" / "1.png")
    assert tree.identity != base.identity
    with pytest.raises(InputError, match="has a folder g already"):
        _ = MountedTree(base, {"g": real}).listing


@pytest.mark.parametrize("name", ["x.rar", "x.tar.gz", "x.parquet"])
def test_a_file_of_another_kind_is_one_clear_line(tmp_path, name):
    put(tmp_path, name)
    with pytest.raises(InputError, match="is no data set: give a folder"):
        open_local(tmp_path / name)


def test_what_is_no_image_and_no_data_is_counted_by_suffix_and_nothing_else_is(tmp_path):
    put(tmp_path, *(f"gan/{index}.MOV" for index in range(3)), "gan/1.png", "gan/movie.mp4")
    put(tmp_path, "a.txt", "b.json", "c.csv", "d.cls", "e.jsonl", "f.parquet", "g.arrow")
    real = Folder(put(tmp_path / "more", "x.mov", "y.png"))
    listing = Folder(tmp_path).listing
    assert listing.ignored == {".mov": 4, ".mp4": 1}
    assert MountedTree(Folder(tmp_path / "gan"), {"real": real}).listing.ignored == {".mov": 4, ".mp4": 1}


def test_data_of_any_name_are_listed(tmp_path):
    put(tmp_path, "a\tb.csv")
    assert Folder(tmp_path).listing.data == ["a\tb.csv"]
