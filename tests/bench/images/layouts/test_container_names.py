"""Names of tables and shards: what they say where nothing is stated of an image, and what contradicts it."""

import io
import tarfile

import pytest

from bench.images.data_sets import read
from bench.images.layouts.api import SHARED_POOL
from bench.images.reading import Reading
from bench.platform.errors import InputError
from tests.support.image_tables import png, structs, table, write_parquet

KINDS = ("real", "fake")


def parquet(root, name, labels, **columns):
    images = structs([png(hash_of(name) + index) for index in range(len(labels))])
    write_parquet(root / f"{name}.parquet", table({"image": images, "label": labels} | columns))


def webdataset(root, name, labels, **columns):
    path = root / f"{name}.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for index, label in enumerate(labels):
            members = {"png": png(hash_of(name) + index), "cls": label.encode()}
            if columns:
                values = ",".join(f'"{column}": "{rows[index]}"' for column, rows in columns.items())
                members["json"] = f"{{{values}}}".encode()
            for field, data in members.items():
                member = tarfile.TarInfo(f"{index}.{field}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def hash_of(name):
    return sum(map(ord, name)) * 100


WRITERS = pytest.mark.parametrize("write", [parquet, webdataset])


def generators(root, **stated):
    found = read(str(root), reading=Reading(**stated)).table
    generated = found[found["label"] == 1]
    return dict(
        zip(generated["name"].str.partition("0.")[0].str.partition(".")[0], generated["generator"], strict=True)
    )


@WRITERS
@pytest.mark.parametrize(
    "names", [("data/flux-00000-of-00001", "data/sdxl-00000-of-00001"), ("flux/0000", "sdxl/0000")]
)
def test_known_generators_in_names_are_those_of_generated_images(tmp_path, write, names):
    for name in names:
        write(tmp_path, name, KINDS * 2)
    images = read(str(tmp_path))
    assert images.generators == ("flux", "sdxl")
    for name, label, generator in zip(images.names, images.labels, images.table["generator"], strict=True):
        assert generator == (("flux" if "flux" in name else "sdxl") if label else SHARED_POOL)
    assert any("folders taken as generator: flux, sdxl" in line for line in images.reading)


@WRITERS
@pytest.mark.parametrize("beside", ["real/0", "flux/0"])
def test_unknown_names_beside_real_images_or_a_known_generator_are_generators(tmp_path, write, beside):
    write(tmp_path, beside, ["real", "real"] if beside == "real/0" else KINDS)
    write(tmp_path, "mygan/0", ["fake", "fake"])
    assert "mygan" in read(str(tmp_path)).generators


@WRITERS
@pytest.mark.parametrize("names", [("all",), ("part_a", "part_b"), ("data/images-0", "data/images-1"), ("mine",)])
def test_names_that_say_none_leave_generated_images_unnamed_and_it_is_told(tmp_path, write, names):
    for name in names:
        write(tmp_path, name, KINDS)
    images = read(str(tmp_path))
    assert images.generators == ("generated",)
    assert not any("as generator" in line and "not taken" not in line for line in images.reading)


@WRITERS
def test_a_user_may_say_that_names_are_generators(tmp_path, write):
    for name in ("mine", "yours"):
        write(tmp_path, name, KINDS)
    assert read(str(tmp_path), reading=Reading(levels=("generator",))).generators == ("mine", "yours")


@WRITERS
def test_what_is_stated_of_images_decides_over_names(tmp_path, write):
    write(tmp_path, "flux/0", KINDS, generator=["none", "sdxl"])
    write(tmp_path, "sdxl/0", KINDS, generator=["none", "flux"])
    images = read(str(tmp_path))
    assert images.table["generator"].tolist() == [SHARED_POOL, "sdxl", SHARED_POOL, "flux"]
    assert any("names not taken as generators: flux, sdxl" in line for line in images.reading)


@WRITERS
def test_generators_that_differ_for_certain_are_refused(tmp_path, write):
    write(tmp_path, "ADM/0", KINDS, generator=["none", "GLIDE"])
    with pytest.raises(
        InputError, match="has the generator ADM by the name of what it is in and GLIDE by what is stated"
    ):
        read(str(tmp_path))


@WRITERS
@pytest.mark.parametrize("names", [("fake/0", "real/0"), ("fake-0", "real-0"), ("train/fake/0", "train/0_real/0")])
def test_classes_in_names_and_labels_that_differ_are_refused_and_read_as_told(tmp_path, write, names):
    for name, labels in zip(names, (["real"] * 2, ["fake"] * 2), strict=True):
        write(tmp_path, name, labels)
    levels = "split,skip" if names[0].startswith("train") else "skip"
    with pytest.raises(
        InputError, match=rf"has the class \w+ by the name .* and \w+ by .*; mend .* --levels {levels}$"
    ):
        read(str(tmp_path))
    stated = Reading(levels=tuple(levels.split(",")))
    assert sorted(read(str(tmp_path), reading=stated).labels) == [0, 0, 1, 1]


@WRITERS
def test_classes_in_names_that_agree_are_read(tmp_path, write):
    write(tmp_path, "fake/0", ["fake"] * 2)
    write(tmp_path, "real/0", ["real"] * 2)
    images = read(str(tmp_path))
    assert images.labels.tolist() == [1, 1, 0, 0]


@WRITERS
def test_groups_may_be_stated_by_level(tmp_path, write):
    for name in ("v1/a-0", "v1/b-0", "v2/a-0"):
        write(tmp_path, name, KINDS)
    images = read(str(tmp_path), reading=Reading(levels=("group", "skip")))
    assert sorted(images.table["source"]) == ["v1"] * 4 + ["v2"] * 2


@WRITERS
def test_contents_in_names_are_those_of_images(tmp_path, write):
    write(tmp_path, "flux/cats/0", KINDS)
    write(tmp_path, "flux/dogs/0", KINDS)
    assert set(read(str(tmp_path)).table["content"]) == {"cats", "dogs"}


@WRITERS
def test_names_that_a_user_leaves_out_are_left_out(tmp_path, write):
    write(tmp_path, "train-0", KINDS)
    write(tmp_path, "old-0", KINDS)
    images = read(str(tmp_path), reading=Reading({"old": "skip"}))
    assert len(images) == 2
    assert any("left out" in note and "old-0" in note for note in images.notes)


@pytest.mark.parametrize("name", ["masks", "old"])
def test_tables_that_are_left_out_by_their_names_are_told(tmp_path, name):
    parquet(tmp_path, "train", KINDS)
    parquet(tmp_path, name, KINDS)
    images = read(str(tmp_path), reading=Reading({"old": "skip"}))
    assert len(images) == 2
    assert f"1 tables were left out by their names: {name}.parquet" in images.notes


@WRITERS
def test_split_words_with_fillers_in_names_are_refused_unless_a_split_is_stated(tmp_path, write):
    for name in ("train_images-0", "test_images-0"):
        write(tmp_path, name, KINDS)
    with pytest.raises(InputError, match=r"may be the split .* such as --levels split$"):
        read(str(tmp_path))
    images = read(str(tmp_path), reading=Reading(levels=("split",)))
    assert images.table["split"].tolist() == ["test"] * 2 + ["train"] * 2
    for name in ("train_images-0", "test_images-0"):
        write(tmp_path / "told", name, KINDS, generator=["none", "flux"], split=["val", "val"])
    assert set(read(str(tmp_path / "told")).generators) == {"flux"}
