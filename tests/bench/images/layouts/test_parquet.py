"""Parquet and Arrow tables of images, read back exactly."""

import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from bench.images.data_sets import read as read_data
from bench.images.files import tables
from bench.images.layouts.api import SHARED_POOL
from bench.images.reading import Reading
from bench.platform.errors import InputError
from tests.support.image_tables import png, same_pixels, structs, table, write_arrow, write_parquet


def read(folder):
    """Found out, and forced: the same."""
    found, forced = read_data(str(folder)), read_data(f"parquet:{folder}")
    assert found.table.equals(forced.table)
    return found


def eight(seed=0, **more):
    """Eight rows, real and generated in turn, by two generators."""
    images = structs([png(seed + index) for index in range(8)])
    makers = ["real", "Midjourney", "real", "sd_v1.4"] * 2
    return table({"image": images, "label": ["real", "fake"] * 4, "generator": makers} | more)


def both_splits(root, write=write_parquet, first="data/train-00000-of-00001.parquet", second="data/test-0.parquet"):
    write(root / first, eight())
    write(root / second, eight(100))
    return root


def labels_of(folder, column, name="label", **classes):
    """Labels and generators as read from a data set that has these columns."""
    count = len(column)
    images = structs([png(index) for index in range(count)])
    write_parquet(folder / "all.parquet", table({"image": images, name: column}, **classes))
    found = read(folder).table
    return found["label"].tolist(), found["generator"].tolist()


def test_parquet_files_are_read_back_exactly(tmp_path):
    images = read(both_splits(tmp_path))
    assert len(images) == 16
    assert images.names[0] == "data/test-0.parquet/000000.png"
    assert images.names[-1] == "data/train-00000-of-00001.parquet/000007.png"
    assert images.table["split"].tolist() == ["test"] * 8 + ["train"] * 8
    assert images.table["label"].tolist() == [0, 1] * 8
    assert images.table["generator"].tolist() == [SHARED_POOL, "Midjourney", SHARED_POOL, "SDv1.4"] * 4
    assert images.generators == ("Midjourney", "SDv1.4")
    assert images.table["source"].is_unique
    assert images.missing == {}
    assert same_pixels(images, [*range(100, 108), *range(8)])


def test_tables_saved_to_disk_are_read_back_exactly_and_caches_beside_them_are_not(tmp_path):
    both_splits(tmp_path, write_arrow, "train/data-00000-of-00001.arrow", "validation/data-00000-of-00001.arrow")
    write_arrow(tmp_path / "train" / "cache-0f.arrow", eight(50), state=False)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    images = read(tmp_path)
    assert images.table["split"].tolist() == ["train"] * 8 + ["val"] * 8
    assert same_pixels(images, [*range(8), *range(100, 108)])


def test_a_saved_table_that_is_not_there_is_named(tmp_path):
    both_splits(tmp_path, write_arrow, "train/data-0.arrow", "test/data-0.arrow")
    (tmp_path / "test" / "data-0.arrow").unlink()
    with pytest.raises(InputError, match=r"test lists test/data-0\.arrow, which is not there"):
        read_data(str(tmp_path))


def test_plain_bytes_in_the_only_such_column_are_images(tmp_path):
    for split in ("train", "test"):
        data = pa.array([png(0), png(1)], pa.large_binary())
        write_parquet(tmp_path / f"{split}.parquet", table({"picture": data, "is_fake": [False, True]}))
    images = read(tmp_path)
    assert images.names[:2] == ["test.parquet/000000.img", "test.parquet/000001.img"]
    assert images.table["generator"].tolist() == [SHARED_POOL, "generated"] * 2
    assert same_pixels(images, [0, 1, 0, 1])


@pytest.mark.parametrize(
    "column",
    [["real", "fake"] * 3, ["Nature", "AI"] * 3, ["human", "AI-generated"] * 3, ["0_real", "1_fake"] * 3],
)
def test_labels_in_all_their_spellings(tmp_path, column):
    assert labels_of(tmp_path, column) == ([0, 1] * 3, [SHARED_POOL, "generated"] * 3)


@pytest.mark.parametrize(("names", "first"), [(["0_real", "1_fake"], 0), (["fake", "natural"], 1)])
def test_class_names_decide_and_not_the_order_of_the_numbers(tmp_path, names, first):
    labels, _ = labels_of(tmp_path, [0, 1] * 3, label=names)
    assert labels == [first, 1 - first] * 3


def test_more_than_two_classes_are_the_generators(tmp_path):
    found = labels_of(tmp_path, [0, 1, 2] * 3, label=["glide", "real", "flux"])
    assert found == ([1, 0, 1] * 3, ["GLIDE", SHARED_POOL, "flux"] * 3)


def test_without_a_label_column_a_generator_called_real_marks_real_images(tmp_path):
    found = labels_of(tmp_path, ["nature", "ADM"] * 3, name="model")
    assert found == ([0, 1] * 3, [SHARED_POOL, "ADM"] * 3)


def test_a_generator_column_may_be_a_class_label_and_content_is_read(tmp_path):
    images = structs([png(index) for index in range(6)])
    columns = {"image": images, "is_fake": [0, 1] * 3, "generator": [0, 1] * 3, "class": [0, 1] * 3}
    write_parquet(tmp_path / "a.parquet", table(columns, generator=["none", "glide"], **{"class": ["cat", "dog"]}))
    found = read(tmp_path).table
    assert found["generator"].tolist() == [SHARED_POOL, "GLIDE"] * 3
    assert found["content"].tolist() == ["cat", "dog"] * 3


@pytest.mark.parametrize("write", [write_parquet, write_arrow])
def test_rows_without_bytes_are_counted_and_keep_the_numbers_of_the_others(tmp_path, write):
    for split in ("train", "test"):
        data = structs([png(0), None, png(2), png(3), png(4), png(5), None, None, None])
        name = "a.parquet" if write is write_parquet else "a.arrow"
        write(tmp_path / split / name, table({"image": data, "is_fake": [0, 1, 1, 0, 1, 1, 0, 1, 0]}))
    images = read(tmp_path)
    assert images.missing == {"images without bytes": 8}
    assert [name.rpartition("/")[2][:6] for name in images.names[:5]] == [
        "000000",
        "000002",
        "000003",
        "000004",
        "000005",
    ]
    assert same_pixels(images, [0, 2, 3, 4, 5] * 2)


def test_structs_that_are_null_are_images_without_bytes(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    data = pa.array([{"bytes": png(0), "path": "a.png"}, None, {"bytes": png(2), "path": None}], kind)
    for split in ("train", "test"):
        write_parquet(tmp_path / f"{split}.parquet", table({"image": data, "is_fake": [0, 1, 1]}))
        write_arrow(tmp_path / split / "a.arrow", table({"image": data, "is_fake": [0, 1, 1]}))
    images = read(tmp_path)
    assert images.missing == {"images without bytes": 4}
    assert {name.rpartition(".")[2] for name in images.names} == {"png", "img"}
    assert same_pixels(images, [0, 2] * 4)


def test_one_split_only_is_divided(tmp_path):
    images = [png(index) for index in range(40)]
    write_parquet(tmp_path / "train.parquet", table({"image": structs(images), "is_fake": [0, 1] * 20}))
    found = read(tmp_path)
    assert set(found.table["split"]) == {"train", "val", "test"}
    assert "splits" in found.notes[0] or "split" in found.notes[0]


def test_real_images_may_be_mounted_beside_generated_tables(tmp_path):
    write_parquet(tmp_path / "set" / "train.parquet", table({"image": structs([png(1)] * 3), "model": ["glide"] * 3}))
    write_parquet(tmp_path / "set" / "test.parquet", table({"image": structs([png(2)] * 3), "model": ["glide"] * 3}))
    (tmp_path / "photos").mkdir()
    for index in range(4):
        (tmp_path / "photos" / f"{index}.png").write_bytes(png(index))
    images = read_data(str(tmp_path / "set"), str(tmp_path / "photos"))
    real = images.table[images.table["label"] == 0]
    assert sorted(real["split"]) == ["test", "test", "train", "train"]
    assert same_pixels(images.select(images.table["label"] == 0), range(4))


def refused(folder, columns, **classes):
    write_parquet(folder / "a.parquet", table(columns, **classes))
    with pytest.raises(InputError) as error:
        read_data(f"parquet:{folder}")
    message = str(error.value)
    assert "\n" not in message
    assert "a.parquet" in message
    return message


DATA = structs([b"x", b"y"])


@pytest.mark.parametrize(
    ("columns", "classes", "reason"),
    [
        ({"text": ["a", "b"]}, {}, "has no images; its columns are text"),
        ({"a": DATA, "b": DATA, "label": ["real", "fake"]}, {}, "several columns of bytes, a, b"),
        ({"image": DATA}, {}, "says of no image whether it is real"),
        (
            {"image": DATA, "label": ["real", "fake"], "is_fake": [1, 0]},
            {},
            "label and is_fake, which differ; name one",
        ),
        (
            {"image": DATA, "label": [0, 2]},
            {},
            "numbers without names in label; say what each means, such as --classes 0",
        ),
        ({"image": DATA, "label": ["real", None]}, {}, "none=real|generated|skip (none: 1.png)"),
        ({"image": DATA, "label": [0.0, 1.0]}, {}, "--classes 0.0=real,1.0=generated (0.0: 0.png; 1.0: 1.png)"),
        ({"image": DATA, "label": [[0], [1]]}, {}, "lists or structs in label"),
        ({"image": DATA, "label": [0, -1]}, {"label": ["real", "fake"]}, "label -1, beside its 2 classes"),
        (
            {"image": DATA, "label": [0, 1]},
            {"label": ["cat", "dog"]},
            "say neither real nor generated in label; say what",
        ),
        ({"image": DATA, "is_fake": [0, 1], "generator": ["sd", "real"]}, {}, "'real'; are the classes swapped?"),
        ({"image": DATA, "is_fake": [0, 1], "generator": ["sd", None]}, {}, "''; are the classes swapped?"),
        (
            {"image": DATA, "generator": ["real", "Real-ESRGAN"]},
            {},
            "'Real-ESRGAN' in generator, which may be real images or a",
        ),
    ],
)
def test_what_is_not_understood_is_one_line_that_names_the_file(tmp_path, columns, classes, reason):
    assert reason in refused(tmp_path, columns, **classes)


def test_split_words_inside_longer_names_of_tables_are_no_splits(tmp_path):
    for name in ("train_and_test", "my_dev_set_of_test", "FLUX.1-dev-00000-of-00001"):
        write_parquet(tmp_path / f"{name}.parquet", eight())
    assert read(tmp_path).drawn_splits


@pytest.mark.parametrize(("write", "name"), [(write_parquet, "train.parquet"), (write_arrow, "train.arrow")])
def test_a_damaged_table_is_named(tmp_path, write, name):
    write(tmp_path / name, eight())
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=f"{name} cannot be read as a table"):
        read_data(str(tmp_path))


def test_images_beside_tables_are_not_left_out_without_a_word(tmp_path):
    both_splits(tmp_path)
    (tmp_path / "extra.png").write_bytes(png(0))
    images = read(tmp_path)
    assert len(images) == 16
    assert "1 images beside the tables are not of the data set: extra.png" in images.notes
    for index in range(11):
        (tmp_path / f"{index}.png").write_bytes(png(index))
    with pytest.raises(InputError, match="only in part laid out as"):
        read_data(str(tmp_path))


def test_a_stamp_changes_when_the_table_does_and_the_place_names_the_layout(tmp_path):
    files = read(both_splits(tmp_path)).files
    name = "data/test-0.parquet/000001.png"
    before = files.stamp(name)
    os.utime(tmp_path / "data" / "test-0.parquet", (1, 1))
    assert files.stamp(name) != before
    assert files.identity == f"{tmp_path}|parquet"


def test_groups_that_are_kept_stay_within_their_memory(tmp_path, monkeypatch):
    images = read(both_splits(tmp_path))
    monkeypatch.setattr(tables, "MAX_CACHED_BYTES", 3 * len(png(0)))
    for name in images.names:
        images.files.read(name)
        assert len(images.files._cache._entries) == 1
    monkeypatch.setattr(tables, "MAX_CACHED_BYTES", 10**9)
    for name in images.names:
        images.files.read(name)
    assert len(images.files._cache._entries) == 6 + 2  # groups, and the footers of two files


def test_several_threads_read_the_right_images(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_CACHED_BYTES", 1)
    both_splits(tmp_path)
    write_arrow(tmp_path / "train" / "data-0.arrow", eight(200))
    images = read(tmp_path)
    seeds = [*range(100, 108), *range(8), *range(200, 208)]
    order = [*range(24)] * 4
    with ThreadPoolExecutor(4) as pool:
        read_back = list(pool.map(lambda index: images.files.read(images.names[index]), order))
    assert read_back == [png(seeds[index]) for index in order]


def test_real_images_that_are_mounted_are_read_where_other_images_lie_beside_the_tables_too(tmp_path):
    write_parquet(tmp_path / "set" / "train.parquet", table({"image": structs([png(1)] * 3), "model": ["glide"] * 3}))
    for name in ("set/stray.png", *(f"photos/{index}.png" for index in range(3))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(5))
    images = read_data(f"parquet:{tmp_path / 'set'}", str(tmp_path / "photos"))
    assert images.files.read("real/0.png") == png(5)
    assert "real/0.png" in images.names
    assert "stray.png" not in images.names


def card(root, text):
    (root / "README.md").write_text(f"---\nconfigs:\n- data_files:\n{text}---\n# Data\n")


def test_a_column_of_splits_decides_over_names_of_tables(tmp_path):
    write_parquet(tmp_path / "test" / "0.parquet", eight(split=["train", "test"] * 4))
    assert read(tmp_path).table["split"].tolist() == ["train", "test"] * 4


def test_shards_that_the_card_does_not_name_are_stale_and_are_not_read(tmp_path):
    both_splits(tmp_path, first="data/train-0.parquet", second="data/odd.parquet")
    write_parquet(tmp_path / "old" / "train-0.parquet", eight(50))
    card(tmp_path, "  - {split: train, path: data/train-*}\n  - {split: validation, path: data/odd.parquet}\n")
    images = read(tmp_path)
    assert images.table["split"].tolist() == ["val"] * 8 + ["train"] * 8
    assert same_pixels(images, [*range(100, 108), *range(8)])
    assert "1 tables that README.md does not name were not read: old/train-0.parquet" in images.notes


def test_splits_of_a_card_may_be_classes_or_generators(tmp_path):
    for name in ("a", "b", "c"):
        write_parquet(tmp_path / f"{name}.parquet", table({"image": structs([png(ord(name))] * 2)}))
    card(tmp_path, "  - {split: real, path: a.*}\n  - {split: sdxl, path: b.*}\n  - {split: Midjourney, path: c.*}\n")
    assert read(tmp_path).table["generator"].tolist() == [SHARED_POOL] * 2 + ["sdxl"] * 2 + ["Midjourney"] * 2


@pytest.mark.parametrize("shape", ["{}-00000-of-00001", "{}", "data/{}/0000"])
def test_names_of_tables_may_be_classes_and_generators(tmp_path, shape):
    for seed, name in enumerate(("real", "SDXL", "FLUX.1-dev")):
        write_parquet(tmp_path / f"{shape.format(name)}.parquet", table({"image": structs([png(seed)] * 2)}))
    images = read(tmp_path)
    assert images.generators == ("FLUX.1-dev", "SDXL")
    assert images.drawn_splits


def test_a_second_column_of_images_is_left_out_and_named(tmp_path):
    masks = structs([png(900 + index) for index in range(8)])
    for seed, name in enumerate(("test", "train")):
        write_parquet(tmp_path / "data" / f"{name}.parquet", eight(100 * seed, mask=masks, depth=masks))
    images = read(tmp_path)
    assert same_pixels(images, [*range(8), *range(100, 108)])
    assert "these columns hold further images, which were left out: depth, mask" in images.notes
    chosen = read_data(str(tmp_path / "data"), reading=Reading(columns={"image": "mask"}))
    assert same_pixels(chosen, [*range(900, 908)] * 2)


def test_a_third_class_is_left_out_as_stated(tmp_path):
    for split in ("train", "test"):
        data = structs([png(index) for index in range(6)])
        write_parquet(tmp_path / f"{split}.parquet", table({"image": data, "label": [0, 1, 2] * 2}))
    with pytest.raises(
        InputError, match=r"--classes 0=real,1=generated,2=skip \(0: 0\.png, 3\.png; 1: 1\.png, 4\.png; 2: 2"
    ):
        read_data(str(tmp_path))
    images = read_data(str(tmp_path), reading=Reading({"0": "generated", "1": "skip", "2": "real"}))
    assert images.table["label"].tolist() == [1, 0, 1, 0] * 2
    assert same_pixels(images, [0, 2, 3, 5] * 2)


def test_columns_with_and_without_a_role_are_told(tmp_path):
    prompts = [*"abcdefg", None]
    write_parquet(tmp_path / "a.parquet", eight(prompt=prompts, video_id=["v", "w"] * 4))
    images = read(tmp_path)
    told = "columns of the tables: image is the image, label is the label, generator is the generator, video_id is the"
    assert images.reading[0] == f"{told} group; kept as attributes: prompt"
    assert set(images.table["source"]) == {"v", "w"}
    assert images.attribute("prompt") == [*"abcdefg", ""]
    assert images.select([6, 0, 7]).attribute("prompt") == ["g", "a", ""]
    with pytest.raises(InputError, match="has no attribute 'promt'; it has prompt"):
        images.attribute("promt")


def test_attributes_are_read_of_every_table_that_has_them(tmp_path):
    write_parquet(tmp_path / "train.parquet", eight())
    write_parquet(tmp_path / "test.parquet", eight(seed=9, steps=pa.array([20, None] * 4), tags=[["x", "y"]] * 8))
    images = read(tmp_path)
    steps = dict(zip(images.names, images.attribute("steps"), strict=True))
    assert {name.partition("/")[0]: text for name, text in steps.items()} == {"train.parquet": "", "test.parquet": ""}
    assert [text for name, text in steps.items() if name.startswith("test")] == ["20", ""] * 4
    assert set(images.attribute("tags")) == {"", "['x', 'y']"}


def test_paths_without_bytes_are_refused_with_what_to_do(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = pa.array([{"bytes": None, "path": "/home/writer/a.png"}] * 2, kind)
    write_parquet(tmp_path / "train.parquet", table({"image": rows, "label": ["real", "fake"]}))
    with pytest.raises(
        InputError, match=r"hold paths, such as /home/writer/a\.png, and no bytes of images; write the data"
    ):
        read_data(str(tmp_path))


@pytest.mark.parametrize("twice", ["label", "seed", "image"])
@pytest.mark.parametrize("write", [write_parquet, write_arrow])
def test_a_column_that_comes_twice_is_refused_with_its_table(tmp_path, write, twice):
    columns = {"image": structs([png(0), png(1)]), "label": pa.array(["real", "fake"]), "seed": pa.array([1, 2])}
    names = [*columns, twice]
    made = pa.Table.from_arrays([columns[name] for name in names], names=names)
    write(tmp_path / "train" / "data-0.arrow" if write is write_arrow else tmp_path / "train.parquet", made)
    with pytest.raises(InputError, match=rf"train(\.parquet|/data-0\.arrow) has the column {twice} twice; keep one"):
        read_data(str(tmp_path))


def test_rows_without_a_generator_are_asked_about(tmp_path):
    columns = {name: column for name, column in eight().to_pydict().items() if name == "image"}
    write_parquet(tmp_path / "a.parquet", table(columns | {"generator": ["flux", "nan", None, "sdxl"] * 2}))
    with pytest.raises(InputError, match=r"has rows without a generator; say what they are: --classes none=real"):
        read_data(str(tmp_path))
    images = read_data(str(tmp_path), reading=Reading({"none": "real"}))
    assert images.labels.tolist() == [1, 0, 0, 1] * 2
