"""Tables beside images: labels, splits and generators of the images that they list, and what they do not fit."""

import json
import pickle

import pyarrow as pa
import pytest

from bench.images.data_sets import read
from bench.images.reading import Reading
from bench.platform.errors import InputError
from tests.support.image_tables import write_parquet
from tests.support.small_data_sets import read_both_ways, table_columns, write_images

KINDS = {"a": ("real", "train"), "b": ("fake", "train"), "c": ("real", "test"), "d": ("fake", "test")}
READ = {"a": (0, "train"), "b": (1, "train"), "c": (0, "test"), "d": (1, "test")}


def rows(path="images/{}.png"):
    return [{"file_name": path.format(name), "label": label, "split": split} for name, (label, split) in KINDS.items()]


def comma_separated(path, lines, mark=","):
    text = [mark.join(lines[0]), *(mark.join(map(str, line.values())) for line in lines)]
    path.write_text("\n".join(text) + "\n")


def parquet(path, lines):
    write_parquet(path, pa.Table.from_pylist(lines))


WRITERS = {
    "metadata.csv": comma_separated,
    "facts.csv": lambda path, lines: comma_separated(path, lines, ";"),
    "facts.tsv": lambda path, lines: comma_separated(path, lines, "\t"),
    "metadata.jsonl": lambda path, lines: path.write_text("\n".join(map(json.dumps, lines))),
    "facts.json": lambda path, lines: path.write_text(json.dumps(lines)),
    "metadata.parquet": parquet,
}


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path, *(f"images/{name}.png" for name in KINDS))
    return tmp_path


def found(images):
    return {
        name.rpartition("/")[2].partition(".")[0]: tuple(values)
        for name, values in table_columns(images, "label", "split").items()
    }


@pytest.mark.parametrize("name", WRITERS)
def test_tables_in_all_their_forms_say_all(images, name):
    WRITERS[name](images / name, rows())
    read_set = read_both_ways("folders", images)
    assert found(read_set) == READ
    assert any(f"columns of {name}: file_name is the path" in line for line in read_set.reading)
    assert read_set.generators == (images.name,)


def test_a_table_of_the_hub_lies_in_the_folder_of_its_images(images):
    comma_separated(images / "images" / "metadata.csv", rows("{}.png"))
    assert found(read(str(images))) == READ


def test_images_at_the_top_that_a_table_lists_are_read(tmp_path):
    write_images(tmp_path, *(f"{name}.png" for name in KINDS))
    comma_separated(tmp_path / "labels.csv", rows("{}.png"))
    assert found(read(str(tmp_path))) == READ


def test_a_table_for_each_split_says_it_by_its_name(images):
    for split in ("train", "test"):
        own = [{"image": line["file_name"], "label": line["label"]} for line in rows() if line["split"] == split]
        comma_separated(images / f"{split}.csv", own)
    read_set = read(str(images))
    assert found(read_set) == READ
    assert any(line.endswith("all of the split test, by its name") for line in read_set.reading)


def test_what_is_listed_in_vain_and_what_is_not_listed_is_counted_and_said(images):
    write_images(images, "images/unlisted.png", "images/other.png")
    gone = [{"file_name": "images/gone.png", "label": "fake", "split": "test"}]
    comma_separated(images / "metadata.csv", rows() + gone)
    read_set = read(str(images))
    assert found(read_set) == READ
    assert read_set.missing == {"images that metadata.csv lists": 1}
    assert "2 images are in no table and were left out, such as images/other.png" in read_set.notes


def test_unlisted_images_stay_where_folders_say_what_they_are(images):
    write_images(images, "flux/x.png", "real/y.png")
    comma_separated(images / "captions.csv", [{"file_name": "flux/x.png", "prompt": "a boat"}])
    assert {"flux/x.png", "real/y.png"} <= set(read(str(images)).names)


@pytest.mark.parametrize("image", ["real/a.png", "fake/b.png"])
def test_a_table_and_a_folder_that_differ_are_refused(tmp_path, image):
    write_images(tmp_path, "real/a.png", "fake/b.png")
    wrong = {"real/a.png": "fake", "fake/b.png": "real"}[image]
    comma_separated(tmp_path / "metadata.csv", [{"file_name": image, "label": wrong}])
    with pytest.raises(InputError, match=f"{image} has the class .* by its folder and .* by a table; mend one of them"):
        read(str(tmp_path))


def test_a_split_that_a_table_states_otherwise_is_refused(tmp_path):
    write_images(tmp_path, *(f"{split}/{kind}/1.png" for split in ("train", "test") for kind in ("real", "fake")))
    comma_separated(tmp_path / "list.csv", [{"file_name": "train/real/1.png", "split": "test"}])
    with pytest.raises(InputError, match="has the split train by its folder and test by a table"):
        read(str(tmp_path))


def test_generators_that_differ_for_certain_are_refused_and_finer_ones_are_taken(tmp_path):
    write_images(tmp_path, "ADM/a.png", "real/b.png")
    comma_separated(tmp_path / "list.csv", [{"file_name": "ADM/a.png", "generator": "GLIDE"}])
    with pytest.raises(InputError, match="has the generator ADM by its folder and GLIDE by a table"):
        read(str(tmp_path))
    comma_separated(tmp_path / "list.csv", [{"file_name": "ADM/a.png", "generator": "ADM-guided-256"}])
    assert read(str(tmp_path)).generators == ("ADM-guided-256",)


def test_two_tables_add_to_each_other_and_are_refused_where_they_differ(images):
    comma_separated(
        images / "labels.csv", [{"file_name": line["file_name"], "label": line["label"]} for line in rows()]
    )
    comma_separated(
        images / "splits.csv", [{"file_name": line["file_name"], "split": line["split"]} for line in rows()]
    )
    assert found(read(str(images))) == READ
    comma_separated(images / "more.csv", [{"file_name": "images/a.png", "label": "fake"}])
    with pytest.raises(
        InputError, match=r"images/a\.png has the class real by one table and generated by another; mend one of them"
    ):
        read(str(images))


def test_a_list_of_files_of_which_none_is_there_is_refused(images):
    comma_separated(images / "metadata.csv", rows("elsewhere/x{}.png"))
    with pytest.raises(
        InputError, match=r"lists 4 images in file_name, and none of them is found by its path, such as e"
    ):
        read(str(images))


def test_bare_names_that_are_of_two_images_are_refused(tmp_path):
    write_images(tmp_path, *(f"{folder}/{name}.png" for folder in ("x", "y") for name in KINDS))
    comma_separated(tmp_path / "metadata.csv", rows("{}.png"))
    with pytest.raises(InputError, match="none of them is found by its path"):
        read(str(tmp_path))


def test_numbers_are_refused_or_read_as_stated_or_as_folders_explain_them(images):
    lines = [{"file_name": line["file_name"], "label": str(int(line["label"] == "real"))} for line in rows()]
    comma_separated(images / "labels.csv", lines)
    with pytest.raises(InputError, match=r"numbers without names in label; .* --classes 0=real,1=generated \(0: row 2"):
        read(str(images))
    stated = read(str(images), reading=Reading({"0": "generated", "1": "real"}))
    assert {name: label for name, (label, _) in found(stated).items()} == {"a": 0, "b": 1, "c": 0, "d": 1}
    write_images(images / "named", "real/a.png", "fake/b.png")
    named = [{"file_name": "real/a.png", "label": "1"}, {"file_name": "fake/b.png", "label": "0"}]
    comma_separated(images / "named" / "labels.csv", named)
    assert table_columns(read(str(images / "named")), "label") == {"fake/b.png": 1, "real/a.png": 0}


def test_numbers_that_a_column_of_generators_explains_are_read(images):
    lines = [
        {
            "file_name": line["file_name"],
            "label": int(line["label"] != "real"),
            "model": "sdxl" * (line["label"] != "real"),
        }
        for line in rows()
    ]
    comma_separated(images / "labels.csv", lines)
    assert [label for label, _ in found(read(str(images))).values()] == [0, 1, 0, 1]


def test_a_list_of_paths_and_numbers_is_refused_with_its_columns_and_read_as_stated(images):
    (images / "train.txt").write_text("".join(f"images/{name}.png {int(name in 'ac')}\n" for name in KINDS))
    with pytest.raises(
        InputError,
        match=r"labels: --columns label=2 \(columns of train\.txt: 1 is the path; kept as attributes: 2",
    ):
        read(str(images))
    with pytest.raises(InputError, match="numbers without names in 2; say what each means, such as --classes 0=real"):
        read(str(images), reading=Reading(columns={"label": "2"}))
    stated = Reading({"0": "generated", "1": "real"}, {"label": "2"})
    assert [label for label, _ in found(read(str(images), reading=stated)).values()] == [0, 1, 0, 1]


def test_classes_that_a_user_leaves_out_are_counted(images):
    write_images(images, "images/e.png")
    extra = [{"file_name": "images/e.png", "label": "tampered", "split": "test"}]
    comma_separated(images / "metadata.csv", rows() + extra)
    with pytest.raises(InputError, match=r"--classes tampered=real\|generated\|skip"):
        read(str(images))
    read_set = read(str(images), reading=Reading({"tampered": "skip"}))
    assert found(read_set) == READ
    assert "1 images are of classes that were to be left out" in read_set.notes


def test_a_column_of_paths_may_be_stated(images):
    lines = [{"where": line["file_name"], "kind": line["label"]} for line in rows()]
    comma_separated(images / "x.csv", lines)
    stated = Reading(columns={"path": "where", "label": "kind"})
    assert [label for label, _ in found(read(str(images), reading=stated)).values()] == [0, 1, 0, 1]


def test_tables_that_list_nothing_are_named(images):
    comma_separated(images / "metadata.csv", rows())
    (images / "prompts.csv").write_text("prompt,seed\na boat,1\n")
    assert "not used, as they list no images of the set by path: prompts.csv" in read(str(images)).reading


def test_groups_of_a_table_are_sources(images):
    lines = [line | {"video_id": "v" if name in "ab" else ""} for name, line in zip(KINDS, rows(), strict=True)]
    comma_separated(images / "metadata.csv", lines)
    assert list(table_columns(read(str(images)), "source").values()) == ["v", "v", "images/c.png", "images/d.png"]


@pytest.mark.parametrize("name", WRITERS)
def test_further_columns_are_attributes_of_the_images_that_a_table_lists(images, name):
    WRITERS[name](images / name, [row | {"seed": index} for index, row in enumerate(rows())])
    comma_separated(images / "others.csv", [{"file_name": "images/d.png", "prompt": "a hat"}])
    read_set = pickle.loads(pickle.dumps(read(str(images))))  # noqa: S301 - our own
    assert read_set.attribute("seed") == ["0", "1", "2", "3"]
    assert read_set.attribute("prompt") == ["", "", "", "a hat"]
    assert read_set.select([3, 0]).attribute("seed") == ["3", "0"]


def test_attributes_of_a_selection_are_those_of_the_whole(tmp_path):
    names = [f"{kind}/{index}.png" for kind in ("flux", "real") for index in range(5)]
    write_images(tmp_path, *names)
    lines = [{"file_name": f"{index % 5}.png", "prompt": f"{'second' * (index // 5)}{index}"} for index in range(10)]
    comma_separated(tmp_path / "flux" / "metadata.csv", lines)
    images = read(str(tmp_path))
    assert images.attribute("prompt") == [*"01234", *[""] * 5]
    assert images.select(images.table["label"] == 0).attribute("prompt") == [""] * 5


def test_rows_without_a_generator_are_what_folders_say_or_asked_about(tmp_path):
    names = [f"{kind}/{index}.png" for kind in ("fake", "real") for index in range(2)]
    write_images(tmp_path, *names)
    made = ["flux", "sdxl", "", "nan"]
    lines = [{"file_name": name, "model": model} for name, model in zip(names, made, strict=True)]
    comma_separated(tmp_path / "metadata.csv", lines)
    images = read(str(tmp_path))
    assert images.generators == ("flux", "sdxl")
    assert images.labels.tolist() == [1, 1, 0, 0]
    for name in names:
        (tmp_path / name).rename(tmp_path / name.replace("/", "_"))
    comma_separated(
        tmp_path / "metadata.csv", [line | {"file_name": line["file_name"].replace("/", "_")} for line in lines]
    )
    with pytest.raises(InputError, match=r"without a name in model, such as real_0\.png; .* --classes none=real"):
        read(str(tmp_path))
    images = read(str(tmp_path), reading=Reading({"none": "real"}))
    assert images.labels.tolist() == [1, 1, 0, 0]


DAMAGED = {
    "metadata.csv": (
        "file_name,split,prompt\n{0},train,a cat\n{1},train,a cat, black\n{2},test,x\n",
        "line 3: 4 fields",
    ),
    "metadata.jsonl": (
        '{{"file_name": "{0}", "split": "train"}}\n{{"file_name": "{1}", "split": "test"}}\n{{"file_na',
        "line 3: it is not JSON",
    ),
    "train.txt": ("{0} 1\n{1}\n{2} 1\n", "line 2: it has another number of fields"),
    "metadata.json": ('[{{"file_name": "{0}"}}, {{"file_name": "{1}"}}, {{', "it is not JSON"),
    "cut.csv": ("file_name,split\n{0},train\n{1}", "line 3: 1 fields for 2 columns"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_table_of_images_is_refused_with_its_line_and_one_of_others_is_not(tmp_path, name):
    images = ("real/a.png", "fake/b.png", "fake/c.png")
    write_images(tmp_path, *images)
    text, told = DAMAGED[name]
    (tmp_path / name).write_text(text.format(*images))
    with pytest.raises(InputError, match=f"{name} {told}"):
        read(str(tmp_path))
    (tmp_path / name).write_text(text.replace("file_name", "prompt").format("a cat", "a dog", "a hat"))
    assert len(read(str(tmp_path))) == 3


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("column", ["file_name", "image", "name"])
def test_a_table_of_more_than_was_fetched_is_used_and_what_is_missing_is_counted(tmp_path, column, order):
    names = [f"{kind}/{index}.png" for kind in ("real", "fake") for index in range(20)][::order]
    write_images(tmp_path, *(name for name in names if name.partition("/")[2] in {"3.png", "4.png"}))
    lines = [{column: name, "split": "test" if name.endswith("4.png") else "train"} for name in names]
    comma_separated(tmp_path / "metadata.csv", lines)
    read_set = read(str(tmp_path))
    assert list(table_columns(read_set, "split").values()) == ["train", "test"] * 2
    assert read_set.missing == {"images that metadata.csv lists": 36}


def test_a_table_of_bare_names_that_are_those_of_other_images_is_not_used(tmp_path):
    write_images(tmp_path, "real/a.png", "fake/7.png", *(f"fake/x{index}.png" for index in range(9)))
    comma_separated(
        tmp_path / "other.csv", [{"image": name, "split": "test"} for name in ("a.png", "7.png", *"bcdefg")]
    )
    assert "not used, as they list no images of the set by path: other.csv" in read(str(tmp_path)).reading


@pytest.mark.parametrize(
    "names", ["train_set.csv test_set.csv", "TrainData.csv TestData.csv", "train2017.csv eval.csv"]
)
def test_tables_are_called_by_splits_as_folders_are(images, names):
    for name, split in zip(names.split(), ("train", "test"), strict=True):
        own = [{"image": line["file_name"], "label": line["label"]} for line in rows() if line["split"] == split]
        comma_separated(images / name, own)
    assert found(read(str(images))) == READ


def test_an_object_of_lists_of_paths_by_split_is_a_list_of_splits(images):
    listed = {split: [line["file_name"] for line in rows() if line["split"] == split] for split in ("train", "test")}
    (images / "splits.json").write_text(json.dumps(listed))
    comma_separated(images / "labels.csv", [{key: line[key] for key in ("file_name", "label")} for line in rows()])
    assert found(read(str(images))) == READ


def test_lists_of_paths_with_spaces_are_those_of_splits(tmp_path):
    names = [f"{kind}/a b {index}.png" for kind in ("real", "fake") for index in range(4)]
    write_images(tmp_path, *names)
    for split, indices in (("train", "012"), ("test", "3")):
        (tmp_path / f"{split}.txt").write_text("".join(f"{name}\n" for name in names if name[-5] in indices))
    assert list(table_columns(read(str(tmp_path)), "split").values()) == ["train", "train", "train", "test"] * 2


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "labels.json", "x.csv"])
def test_a_table_beside_an_image_of_its_name_is_a_table(images, name):
    write_images(images, f"{name.partition('.')[0]}.png")
    writer = {"csv": comma_separated, "json": WRITERS["facts.json"], "jsonl": WRITERS["metadata.jsonl"]}
    writer[name.partition(".")[2]](images / name, rows())
    assert found(read(str(images))) == READ


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".json"])
def test_what_lies_beside_each_image_is_no_table(tmp_path, suffix):
    write_images(tmp_path, *(f"{kind}/{index}.png" for kind in ("real", "fake") for index in range(3)))
    for kind in ("real", "fake"):
        for index in range(3):
            (tmp_path / kind / f"{index}{suffix}").write_text(f"file_name,split\n{index}.png,test,oops\n")
    read_set = read(f"folders:{tmp_path}")
    assert (len(read_set), [line for line in read_set.reading if suffix in line]) == (6, [])


def test_the_card_of_a_hub_names_the_split_of_a_table(images):
    for name, split in (("first.csv", "train"), ("second.csv", "test")):
        own = [{"image": line["file_name"], "label": line["label"]} for line in rows() if line["split"] == split]
        comma_separated(images / name, own)
    (images / "README.md").write_text("---\nconfigs:\n- data_files: {train: first.csv, test: second.csv}\n---\n")
    read_set = read(str(images))
    assert found(read_set) == READ
    assert any(line.endswith("all of the split test, by README.md") for line in read_set.reading)


@pytest.mark.parametrize("names", [("captions.csv", "labels.csv"), ("zcaptions.csv", "labels.csv")])
@pytest.mark.parametrize(
    "values", [("real", "fake"), ("0", "1"), ("human made", "machine made"), ("camera roll", "flux dev")]
)
def test_the_table_that_looks_like_labels_is_named_and_its_column_need_be_in_it_alone(images, names, values):
    captions, labels = names
    comma_separated(
        images / captions,
        [{"file_name": row["file_name"], "caption": name} for name, row in zip(KINDS, rows(), strict=True)],
    )
    comma_separated(
        images / labels, [{"file_name": row["file_name"], "y": values[row["label"] == "fake"]} for row in rows()]
    )
    with pytest.raises(InputError, match=rf"a column of labels: --columns label=y \(columns of {labels}: file_name is"):
        read(str(images))
    classes = {} if values[0] == "real" else dict(zip(values, ("real", "generated"), strict=True))
    read_set = read(str(images), reading=Reading(classes, {"label": "y"}))
    assert [label for label, _ in found(read_set).values()] == [0, 1, 0, 1]
    assert read_set.attribute("caption") == list(KINDS)


def test_a_column_that_no_table_has_is_refused(images):
    for name in ("one.csv", "two.csv"):
        comma_separated(images / name, rows())
    with pytest.raises(
        InputError, match=r"none of 2 tables, such as .*one\.csv, has a column y, which --columns label=y"
    ):
        read(str(images), reading=Reading(columns={"label": "y"}))
    (images / "two.csv").unlink()
    with pytest.raises(
        InputError, match=r"one\.csv has no column y, which --columns label=y names; its columns are file"
    ):
        read(str(images), reading=Reading(columns={"label": "y"}))


@pytest.mark.parametrize("table", [None, "prompt,seed\na boat,1\n"])
def test_a_column_of_no_table_of_images_is_refused(tmp_path, table):
    write_images(tmp_path, "real/a.png", "flux/b.png")
    if table:
        (tmp_path / "prompts.csv").write_text(table)
    with pytest.raises(
        InputError, match="has no table that lists its images by path, which --columns label=seed wants"
    ):
        read(str(tmp_path), reading=Reading(columns={"label": "seed"}))
