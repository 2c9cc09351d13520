"""WebDataset shards and plain folders of samples, read back exactly."""

import io
import json
import tarfile

import pytest

from bench.images.data_sets import read as read_data
from bench.images.layouts.api import SHARED_POOL
from bench.platform.errors import InputError
from tests.support.image_tables import png, same_pixels

WORDS = ["real", "fake"]


def samples(labels, first=0, facts=None):
    """Members of a shard by name; labels in `.cls`, or in `.json` beside more facts."""
    members = {}
    for index, label in enumerate(labels):
        members[f"{first + index:06d}.png"] = png(first + index)
        if facts is None:
            members[f"{first + index:06d}.cls"] = str(label).encode()
        else:
            members[f"{first + index:06d}.json"] = json.dumps({"label": label} | facts[index]).encode()
    return members


def shard(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def unpacked(root, members):
    root.mkdir(parents=True)
    for name, data in members.items():
        (root / name).write_bytes(data)


def read(place):
    """Found out, and forced: the same."""
    found, forced = read_data(str(place)), read_data(f"webdataset:{place}")
    assert found.table.equals(forced.table)
    return found


@pytest.mark.parametrize("label", [("0_real", "1_fake"), ("real\n", "fake\n"), ("nature", "AI")])
def test_shards_of_labels_alone_have_one_generator(tmp_path, label):
    shard(tmp_path / "train-0000.tar", samples(label * 2))
    shard(tmp_path / "train-0001.tar", samples(label * 2, 10))
    shard(tmp_path / "test-0000.tar", samples(label * 2, 20))
    images = read(tmp_path)
    assert images.names[0] == "test-0000/000020.png"
    assert images.table["split"].tolist() == ["test"] * 4 + ["train"] * 8
    assert images.table["label"].tolist() == [0, 1] * 6
    assert images.table["generator"].tolist() == [SHARED_POOL, "generated"] * 6
    assert images.table["source"].is_unique
    assert same_pixels(images, [*range(20, 24), *range(4), *range(10, 14)])


def test_shards_in_folders_of_splits_are_read(tmp_path):
    for split in ("train", "val"):
        shard(tmp_path / split / "0000.tar", samples(WORDS))
    assert read(tmp_path).table["split"].tolist() == ["train"] * 2 + ["val"] * 2


def test_json_says_all_there_is_to_say(tmp_path):
    said = [
        {"split": "train", "content": "cat", "video": "a"},
        {"split": "train", "generator": "sd_v1.4", "content": "cat", "video": "a"},
        {"split": "validation", "content": 7},
        {"split": "validation", "generator": "glide"},
    ]
    shard(tmp_path / "all.tar", samples(WORDS * 2, facts=said))
    table = read(tmp_path / "all.tar").table
    assert table["generator"].tolist() == [SHARED_POOL, "SDv1.4", SHARED_POOL, "GLIDE"]
    assert table["split"].tolist() == ["train", "train", "val", "val"]
    assert table["content"].tolist() == ["cat", "cat", "7", ""]
    assert table["source"].tolist() == ["a", "a", "000002", "000003"]


def test_plain_folders_of_samples_are_read(tmp_path):
    unpacked(tmp_path / "train", samples(WORDS))
    unpacked(tmp_path / "test", samples(WORDS[::-1], 10))
    images = read(tmp_path)
    assert images.table["split"].tolist() == ["test"] * 2 + ["train"] * 2
    assert images.table["label"].tolist() == [1, 0, 0, 1]
    assert same_pixels(images, [10, 11, 0, 1])


def test_names_with_two_dots_keep_their_whole_key(tmp_path):
    for split in ("train", "test"):
        unpacked(tmp_path / split, {"a.b.PNG": png(0), "a.b.cls": b"real", "a.c.png": png(1), "a.c.cls": b"fake"})
    assert read(tmp_path).table["label"].tolist() == [0, 1] * 2


def test_one_shard_alone_has_its_splits_assigned(tmp_path):
    shard(tmp_path / "train-0000.tar", samples(WORDS * 10))
    assert set(read(tmp_path / "train-0000.tar").table["split"]) == {"train", "val", "test"}


def test_images_without_a_label_are_counted_and_one_is_named(tmp_path):
    members = samples(["real", "fake", "fake"])
    del members["000001.cls"]
    shard(tmp_path / "train.tar", members)
    with pytest.raises(
        InputError,
        match=r"1 of its images have no label, such as 000001\.png \(keys end at the last dot of a name\); give each",
    ):
        read_data(f"webdataset:{tmp_path / 'train.tar'}")
    with pytest.raises(InputError, match="only in part laid out as webdataset"):
        read_data(str(tmp_path / "train.tar"))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (
            {"a.png": b"", "a.cls": b"417"},
            r"numbers without names in cls; .* --classes 417=real\|generated\|skip \(417: a\)",
        ),
        (
            {"a.png": b"", "a.cls": b"real", "a.json": b'{"label": "fake"}'},
            "has the columns label and cls, which differ",
        ),
        ({"a.png": b"", "a.json": b"{"}, r"a\.json is not JSON"),
        ({"a.png": b"", "a.json": b'{"caption": "x"}'}, "1 of its images have no label"),
        ({"a.png": b"", "a.json": b"[1]"}, "1 of its images have no label"),
        (
            {"a.png": b"", "a.json": b'{"label": "ai", "split": "later"}'},
            "splits that are not known, later; wanted are train",
        ),
        ({"a.png": b"", "a.cls": b"\xff"}, r"a\.cls cannot be read as UTF-8"),
    ],
)
def test_what_is_not_understood_is_one_line(tmp_path, members, reason):
    shard(tmp_path / "x.tar", members)
    with pytest.raises(InputError, match=reason):
        read_data(f"webdataset:{tmp_path / 'x.tar'}")
