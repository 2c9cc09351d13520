"""Hub repositories whose card names files: shards, folders, archives and tables beside images are used as it says."""

import io
import json
import tarfile
import zipfile

import pytest

from bench.images.data_sets import read
from bench.platform.errors import InputError
from tests.support.image_tables import png, structs, table, write_parquet
from tests.support.small_data_sets import table_columns, write_images

KINDS = ("real", "fake")


def card(folder, files, more=""):
    """A card that names these patterns by split."""
    entries = "".join(f"  - {{split: {split}, path: {path}}}\n" for split, path in files.items())
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files:\n{entries}{more}---\n")


def shard(path, labels, *, first=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for index, label in enumerate(labels):
            for name, data in ((f"{first + index}.png", png(first + index)), (f"{first + index}.cls", label.encode())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("place", ["", "data/"])
@pytest.mark.parametrize("layout", ["", "webdataset:"])
def test_shards_are_of_the_split_that_the_card_names_and_others_are_stale(tmp_path, place, layout):
    for number, name in enumerate(("a-000", "a-001", "b-000", "old-000")):
        shard(tmp_path / f"{place}{name}.tar", KINDS * 2, first=10 * number)
    card(tmp_path, {"train": f"{place}a-*.tar", "test": f"{place}b-*.tar"})
    images = read(f"{layout}{tmp_path}")
    assert images.table.groupby("split")["name"].count().to_dict() == {"test": 4, "train": 8}
    assert not images.drawn_splits
    assert not any("old-000" in name for name in images.names)
    assert f"4 images that README.md does not name were not read, in {place}old-000" in images.notes
    assert "README.md names the files of test, train" in images.reading


def test_stale_shards_need_no_labels(tmp_path):
    shard(tmp_path / "a.tar", KINDS)
    shard(tmp_path / "b.tar", KINDS, first=5)
    shard(tmp_path / "old.tar", ["no class"], first=9)
    card(tmp_path, {"train": "a.tar", "test": "b.tar"})
    assert len(read(str(tmp_path))) == 4


@pytest.mark.parametrize("pattern", ["{}/**", "{}/*/*.png", "{}", "./{}/**/*"])
def test_folders_are_of_the_split_that_the_card_names_and_are_no_generators(tmp_path, pattern):
    write_images(tmp_path, *(f"{part}/{kind}/{part}.png" for part in ("a", "b", "old") for kind in KINDS))
    card(tmp_path, {"train": pattern.format("a"), "validation": pattern.format("b")})
    images = read(str(tmp_path))
    assert table_columns(images, "label", "split") == {
        "a/fake/a.png": (1, "train"),
        "a/real/a.png": (0, "train"),
        "b/fake/b.png": (1, "val"),
        "b/real/b.png": (0, "val"),
    }
    assert images.generators == (tmp_path.name,)


@pytest.mark.parametrize("suffix", ["zip", "ZIP"])
def test_archives_of_images_are_of_the_split_that_the_card_names(tmp_path, suffix):
    for part in ("a", "b", "old"):
        with zipfile.ZipFile(tmp_path / f"{part}.{suffix}", "w") as archive:
            for index, kind in enumerate(KINDS):
                archive.writestr(f"{kind}/{part}{index}.png", png(index))
    card(tmp_path, {"train": f"a.{suffix}", "test": f"b.{suffix}"})
    assert table_columns(read(str(tmp_path)), "split") == {
        "a/fake/a1.png": "train",
        "a/real/a0.png": "train",
        "b/fake/b1.png": "test",
        "b/real/b0.png": "test",
    }


def test_the_card_is_heeded_in_layouts_of_folders_and_real_images_that_are_added_stay(tmp_path):
    data = tmp_path / "set"
    for part, split in (("adm", "train"), ("adm", "val"), ("old", "train")):
        write_images(data, *(f"{part}/{split}/{kind}/{part}{split}.png" for kind in ("ai", "nature")))
    card(data, {"train": "adm/train/**", "test": "adm/val/**"})
    with pytest.raises(
        InputError,
        match=r"adm/val/ai/admval\.png has the split val by its folder or a table and test by the split test of",
    ):
        read(str(data))
    card(data, {"train": "adm/train/**", "validation": "adm/val/**"})
    assert set(table_columns(read(str(data)), "generator", "split").values()) == {("ADM", "train"), ("ADM", "val")}
    write_images(tmp_path / "photos", "x.png", "y.png")
    shard(data.parent / "shards" / "a.tar", KINDS)
    shard(data.parent / "shards" / "old.tar", KINDS, first=8)
    card(data.parent / "shards", {"train": "a.tar"})
    images = read(str(data.parent / "shards"), str(tmp_path / "photos"))
    assert images.names == ["a/0.png", "a/1.png", "real/x.png", "real/y.png"]
    assert any(note.startswith("2 images that README.md does not name were not read, in old") for note in images.notes)


def test_a_split_of_a_card_may_be_a_generator_or_a_class(tmp_path):
    for number, part in enumerate(("flux", "sdxl")):
        shard(tmp_path / f"{part[0]}-0.tar", KINDS, first=10 * number)
    card(tmp_path, {"flux": "f-*.tar", "sdxl": "s-*.tar"})
    assert set(read(str(tmp_path)).generators) == {"flux", "sdxl"}
    card(tmp_path, {"real": "f-*.tar", "fake": "s-*.tar"})
    with pytest.raises(
        InputError,
        match=r"f-0/1\.png has the class generated by .* table and real by the split real of README\.md; mend",
    ):
        read(str(tmp_path))


def test_a_manifest_decides_alone(tmp_path):
    write_images(tmp_path, "flux/a.png", "real/b.png")
    card(tmp_path, {"train": "flux/*", "test": "elsewhere/*"})
    (tmp_path / "manifest.csv").write_text("path,label\nflux/a.png,1\nreal/b.png,0\n")
    assert len(read(str(tmp_path))) == 2


@pytest.mark.parametrize("missing", ["elsewhere/*", "flux/*.jpg", "flux/b.png", "data/deep/*.parquet", "train.zip"])
@pytest.mark.parametrize("others", [{}, {"train": "'**/*.png'"}])
def test_files_that_the_card_names_and_that_are_not_there_are_told(tmp_path, missing, others):
    write_images(tmp_path, "flux/a.png", "real/b.png")
    card(tmp_path, others | {"test": missing})
    with pytest.raises(InputError, match=r"for the split test of the configuration default, and no file is") as error:
        read(str(tmp_path))
    assert f"README.md names {missing} for" in str(error.value)
    there = "its folder flux holds a.png" if missing.startswith("flux") else "the top holds flux, real"
    assert f"it fits: {there}; fetch what is missing, or take its lines out of README.md" in str(error.value)
    assert "\n" not in str(error.value)
    card(tmp_path, {"train": "'**/*.png'"})
    assert len(read(str(tmp_path))) == 2


def test_a_split_of_tables_or_shards_of_which_nothing_was_fetched_is_told(tmp_path):
    shard(tmp_path / "shards" / "train-0.tar", KINDS)
    (tmp_path / "tables").mkdir()
    made = table({"image": structs([png(0), png(1)]), "label": ["real", "fake"]})
    write_parquet(tmp_path / "tables" / "train-0.parquet", made)
    for root in (tmp_path / "tables", tmp_path / "shards"):
        card(root, {"train": "train-*", "validation": "validation-*", "test": "test-*"})
        with pytest.raises(InputError, match=r"validation-\* for the split validation .* \(and 1 more such patterns\)"):
            read(str(root))


def test_files_of_other_kinds_and_archives_that_stay_packed_are_there(tmp_path):
    write_images(tmp_path, "flux/a.png", "real/b.png")
    for name in ("more.tar.gz", "words.pkl"):
        (tmp_path / name).write_bytes(b"x")
    card(tmp_path, {"train": "'*/*.png'", "test": "'*.tar.gz'", "validation": "words.pkl"})
    assert len(read(str(tmp_path))) == 2


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "tgz", "7z", "ZIP", "Tar.GZ"])
def test_what_was_unpacked_into_a_folder_of_the_name_of_an_archive_is_what_the_card_names(tmp_path, suffix):
    write_images(tmp_path, *(f"data/{part}/{kind}/{part}.png" for part in ("a", "b", "old") for kind in KINDS))
    card(tmp_path, {"train": f"data/a.{suffix}", "test": f"data/b.{suffix}"})
    images = read(str(tmp_path))
    assert images.table.groupby("split")["name"].count().to_dict() == {"test": 2, "train": 2}
    assert any("4" not in note and "old/fake" in note for note in images.notes)


def test_a_configuration_of_which_nothing_is_there_is_said_unless_it_has_a_split_of_its_own(tmp_path):
    write_images(tmp_path, *(f"a/{part}/{kind}/{part}.png" for part in ("train", "test") for kind in KINDS))
    head = "---\nconfigs:\n- config_name: a\n  data_files: {{train: a/train/**, test: a/test/**}}\n{}---\n"
    more = "- config_name: b\n  data_files: {{train: b/train/**{}}}\n"
    (tmp_path / "README.md").write_text(head.format(more.format("")))
    images = read(str(tmp_path))
    assert "README.md names configurations of which nothing is there: b" in images.notes
    assert images.table.groupby("split")["name"].count().to_dict() == {"test": 2, "train": 2}
    (tmp_path / "README.md").write_text(head.format(more.format(", validation: b/val/**")))
    with pytest.raises(InputError, match=r"b/val/\*\* for the split validation of the configuration b, and no file"):
        read(str(tmp_path))


def test_real_images_that_are_added_are_not_of_the_split_that_a_card_names_for_all(tmp_path):
    data = tmp_path / "set"
    write_images(data, *(f"{split}/flux/{split}{index}.png" for split in ("a", "b") for index in range(2)))
    write_images(tmp_path / "photos", *(f"{index}.png" for index in range(8)))
    card(data, {"train": "'**/a?.png'", "test": "'**/b?.png'"})
    images = read(str(data), str(tmp_path / "photos"))
    assert images.table.groupby(["label", "split"])["name"].count().to_dict() == {
        (0, "test"): 4,
        (0, "train"): 4,
        (1, "test"): 2,
        (1, "train"): 2,
    }


def test_a_table_of_a_stale_folder_is_not_read(tmp_path):
    write_images(tmp_path, *(f"{part}/{index}.png" for part in ("a", "old") for index in range(4)))
    for part in ("a", "old"):
        lines = [f"{index}.png,{KINDS[index % 2]},{('train', 'test')[index // 2]}" for index in range(4)]
        (tmp_path / part / "metadata.csv").write_text("\n".join(["file_name,label,split", *lines]))
    card(tmp_path, {"train": "a/**"})
    with pytest.raises(InputError, match=r"a/2\.png has the split train by its folder and test by a table"):
        read(str(tmp_path))
    card(tmp_path, {"all": "a/**"})
    images = read(str(tmp_path))
    assert list(table_columns(images, "label", "split").values()) == [
        (0, "train"),
        (1, "train"),
        (0, "test"),
        (1, "test"),
    ]
    assert not any("old/metadata.csv" in line for line in images.reading)


NAMES = """\
dataset_info:
  features:
  - name: {}
    dtype:
      class_label:
        names: {{'0': fake, '1': real}}
"""


def test_a_card_names_the_classes_of_a_column_of_tables(tmp_path):
    write_parquet(tmp_path / "train.parquet", table({"image": structs([png(0), png(1)]), "label": [0, 1]}))
    card(tmp_path, {"train": "train.parquet"}, NAMES.format("label"))
    assert read(str(tmp_path)).labels.tolist() == [1, 0]
    card(tmp_path, {"train": "train.parquet"}, NAMES.format("other"))
    with pytest.raises(InputError, match="numbers without names in label"):
        read(str(tmp_path))


def test_a_table_of_masks_that_a_card_names_is_left_out_and_told(tmp_path):
    for name in ("train", "masks"):
        write_parquet(tmp_path / f"{name}.parquet", table({"image": structs([png(0), png(1)]), "label": list(KINDS)}))
    card(tmp_path, {"train": "'*.parquet'"})
    assert "1 tables were left out by their names: masks.parquet" in read(str(tmp_path)).notes


def test_names_in_the_schema_stand_before_those_of_the_card(tmp_path):
    made = table({"image": structs([png(0), png(1)]), "label": [0, 1]}, label=["real", "fake"])
    write_parquet(tmp_path / "train.parquet", made)
    card(tmp_path, {"train": "train.parquet"}, NAMES.format("label"))
    assert read(str(tmp_path)).labels.tolist() == [0, 1]


def test_a_column_of_a_card_that_holds_names_already_keeps_them(tmp_path):
    write_parquet(tmp_path / "train.parquet", table({"image": structs([png(0), png(1)]), "label": ["real", "fake"]}))
    card(tmp_path, {"train": "train.parquet"}, NAMES.format("label"))
    assert read(str(tmp_path)).labels.tolist() == [0, 1]


@pytest.mark.parametrize("values", [("0", "1"), (0, 1), ("fake", "real")])
@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_a_card_names_the_classes_of_a_table_beside_images(tmp_path, name, values):
    write_images(tmp_path, "x/0.png", "x/1.png")
    rows = [{"file_name": f"x/{index}.png", "label": value} for index, value in enumerate(values)]
    csv = "\n".join(["file_name,label", *(f"{row['file_name']},{row['label']}" for row in rows)])
    (tmp_path / name).write_text(csv if name.endswith("csv") else "\n".join(map(json.dumps, rows)))
    card(tmp_path, {"train": "x/**"}, NAMES.format("label"))
    assert table_columns(read(str(tmp_path)), "label") == {"x/0.png": 1, "x/1.png": 0}


@pytest.mark.parametrize("column", ["cls", "label"])
def test_a_card_names_the_classes_of_samples(tmp_path, column):
    if column == "cls":
        shard(tmp_path / "a.tar", "01")
    else:
        write_images(tmp_path / "a", "0.png", "1.png")
        for label in (0, 1):
            (tmp_path / "a" / f"{label}.json").write_text(json.dumps({"label": label}))
    card(tmp_path, {"train": "a*"}, NAMES.format(column))
    assert read(str(tmp_path)).labels.tolist() == [1, 0]


def test_folders_are_of_the_class_or_generator_that_the_card_names(tmp_path):
    write_images(tmp_path, *(f"{part}/{index}.png" for part in "abc" for index in range(2)))
    card(tmp_path, {"real": "a/**", "fake": "b/**", "sdxl": "c/**"})
    assert set(table_columns(read(str(tmp_path)), "label", "generator").values()) == {
        (0, "real"),
        (1, tmp_path.name),
        (1, "sdxl"),
    }
