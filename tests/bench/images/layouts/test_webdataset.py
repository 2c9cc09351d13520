"""WebDataset shards and plain folders of samples, read back exactly."""

import io
import json
import tarfile

import pytest

from bench.images.data_sets import read as read_data
from bench.images.layouts.api import SHARED_POOL
from bench.images.reading import Reading
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


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        ("sd1.5_{:04d}.png sd1.5_{:04d}.cls", "keys end at the last dot of a name"),
        ("sd1.5_{:04d}.JPG sd1.5_{:04d}.txt", "keys end at the last dot of a name"),
        ("{:08d}.input.png {:08d}.target.cls", "keys end at the first dot of a name"),
        ("{:08d}.image.webp {:08d}.label.txt", "keys end at the first dot of a name"),
    ],
)
def test_keys_with_dots_and_fields_with_dots_are_read_and_the_rule_is_told(tmp_path, names, rule):
    for split in ("train", "test"):
        members = {}
        for number in range(4):
            picture, label = (name.format(number) for name in names.split())
            members |= {picture: png(number), label: WORDS[number % 2].encode()}
        shard(tmp_path / f"{split}-000000.tar", members)
    images = read(tmp_path)
    assert images.table["label"].tolist() == [0, 1, 0, 1] * 2
    assert same_pixels(images, [*range(4)] * 2)
    assert images.reading[0] == rule


def test_where_no_rule_pairs_all_the_pictures_are_named(tmp_path):
    members = {f"sd1.5_{number}.{end}": b"real" for number in range(2) for end in ("input.png", "target.cls")}
    shard(tmp_path / "train-000000.tar", members)
    with pytest.raises(InputError, match=r"2 of its images have no label, such as sd1\.5_0\.input\.png"):
        read_data(f"webdataset:{tmp_path / 'train-000000.tar'}")


@pytest.mark.parametrize("labels", [(0, 1), ("1", "0")])
def test_numbers_are_refused_with_keys_and_read_as_stated(tmp_path, labels):
    shard(tmp_path / "x.tar", samples(labels * 4))
    with pytest.raises(
        InputError, match=r"numbers without names in cls; .* 0=real,1=generated \(0: 00000., 00000., 00000.;"
    ):
        read_data(str(tmp_path / "x.tar"))
    images = read_data(str(tmp_path / "x.tar"), reading=Reading({"0": "generated", "1": "real"}))
    assert images.table["label"].tolist() == [int(str(label) == "0") for label in labels * 4]


@pytest.fixture
def photos(tmp_path):
    for index in range(6):
        unpacked(tmp_path / "photos" / str(index), {"photo.png": png(500 + index)})
    return str(tmp_path / "photos")


def test_labels_that_are_there_are_not_overridden_by_real_images_that_are_given(tmp_path, photos):
    shard(tmp_path / "set" / "shard-000000.tar", samples(WORDS * 4))
    table = read_data(str(tmp_path / "set"), photos).table
    own = table[~table["name"].str.startswith("real/")]
    assert own["label"].tolist() == [0, 1] * 4
    assert (table["label"] == 0).sum() == 4 + 6


def test_numbers_are_not_overridden_by_real_images_that_are_given(tmp_path, photos):
    shard(tmp_path / "set" / "shard-000000.tar", samples([0, 1] * 4))
    with pytest.raises(InputError, match="numbers without names in cls"):
        read_data(str(tmp_path / "set"), photos)


def test_shards_without_labels_are_one_generator_beside_real_images_and_not_one_each(tmp_path, photos):
    for number in range(3):
        shard(tmp_path / "set" / f"shard-{number:06d}.tar", {f"{number}{index}.png": png(index) for index in range(4)})
    images = read_data(str(tmp_path / "set"), photos)
    assert images.generators in {("set",), ("shard",)}
    assert images.labels.tolist().count(1) == 12


def test_folders_of_shards_are_splits_and_words_in_names_of_shards_are_none(tmp_path):
    for split in ("train", "test"):
        for generator in ("FLUX.1-dev", "SDXL"):
            facts = [{}, {"generator": generator}]
            shard(tmp_path / split / f"{generator}-000000.tar", samples(WORDS, facts=facts))
    images = read(tmp_path)
    assert images.table.groupby("split")["name"].count().to_dict() == {"test": 4, "train": 4}
    assert images.generators == ("FLUX.1-dev", "SDXL")


def test_further_fields_of_samples_are_attributes(tmp_path):
    facts = [{"steps": 30, "prompt": "a hat"}, {"steps": 50}, {"prompt": None}, {}]
    shard(tmp_path / "train-0.tar", samples(WORDS * 2, facts=facts))
    images = read_data(str(tmp_path))
    assert images.attribute("steps") == ["30", "50", "", ""]
    assert images.attribute("prompt") == ["a hat", "", "", ""]
    assert images.select([3, 2]).attribute("prompt") == ["", ""]


def test_masks_of_samples_are_left_out_and_named(tmp_path):
    members = samples(WORDS * 2) | {f"{index:06d}.seg.png": png(50 + index) for index in range(4)}
    shard(tmp_path / "train-0.tar", members)
    images = read(tmp_path)
    assert same_pixels(images, range(4))
    assert any(
        note.startswith("4 images are masks or the like of others and were left out: train-0/") for note in images.notes
    )


@pytest.mark.parametrize("field", ["class", "Category", "type"])
def test_a_field_of_contents_that_holds_words_for_classes_is_the_label(tmp_path, field):
    members = {f"{index}.json": json.dumps({field: WORDS[index % 2]}).encode() for index in range(4)}
    shard(tmp_path / "train-0.tar", members | {f"{index}.png": png(index) for index in range(4)})
    assert read(tmp_path).labels.tolist() == [0, 1] * 2


def test_a_field_of_contents_that_holds_contents_is_no_label(tmp_path):
    for kind in WORDS:
        unpacked(tmp_path / kind, {"a.png": png(0), "a.json": b'{"class": "cat"}'})
    images = read_data(str(tmp_path))
    assert images.labels.tolist() == [1, 0]
    assert "keys end at the last dot of a name" not in images.reading
