"""Tables beside the images of a layout of folders: heeded where folders say nothing, refused where both differ."""

import pytest

from bench.images.data_sets import read
from bench.platform.errors import InputError
from protocols.api import Subset
from tests.support.small_data_sets import table_columns, write_images

GENIMAGE = [
    f"ADM/{split}/{kind}/{index}.png" for split in ("train", "val") for kind in ("ai", "nature") for index in (1, 2)
]
UNSPLIT = [
    f"{generator}/{kind}/{index}.png"
    for generator in ("biggan", "san")
    for kind in ("0_real", "1_fake")
    for index in (1, 2)
]


def write_table(root, rows, header):
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")


def test_splits_that_a_table_states_are_those_of_folders_without_any(tmp_path):
    write_images(tmp_path, *UNSPLIT)
    splits = {name: "test" if name.endswith("2.png") else "train" for name in UNSPLIT}
    write_table(tmp_path, splits.items(), "file_name,split")
    images = read(str(tmp_path))
    assert images.reading[0].startswith("laid out as cnnspot")
    assert table_columns(images, "split") == splits
    assert not images.drawn_splits
    assert "columns of metadata.csv: file_name is the path, split is the split" in images.reading


def test_contents_groups_and_attributes_of_a_table_are_added(tmp_path):
    write_images(tmp_path, *GENIMAGE)
    write_table(
        tmp_path,
        [(name, "dog", index % 4, f"p{index}") for index, name in enumerate(GENIMAGE)],
        "file_name,category,group_id,prompt",
    )
    images = read(str(tmp_path))
    assert table_columns(images, "content", "source") == {
        name: ("dog", str(index % 4)) for index, name in enumerate(GENIMAGE)
    }
    assert dict(zip(images.names, images.attribute("prompt"), strict=True)) == {
        name: f"p{index}" for index, name in enumerate(GENIMAGE)
    }


@pytest.mark.parametrize(
    ("header", "values", "reason"),
    [
        ("file_name,split", {"val": "train"}, "has the split val by its folder and train by a table"),
        (
            "file_name,label",
            {"ai": "real", "nature": "fake"},
            r"has the class (real|generated) by its folder and (real|generated) by a table; mend",
        ),
        ("file_name,generator", {"ai": "glide", "nature": "real"}, "has the generator ADM by its folder and"),
    ],
)
def test_what_folders_and_tables_say_must_agree(tmp_path, header, values, reason):
    write_images(tmp_path, *GENIMAGE)
    rows = [(name, next((said for part, said in values.items() if f"/{part}/" in name), "train")) for name in GENIMAGE]
    write_table(tmp_path, rows, header)
    with pytest.raises(InputError, match=reason):
        read(str(tmp_path))


def test_a_table_that_says_the_same_changes_nothing(tmp_path):
    write_images(tmp_path, *GENIMAGE)
    before = read(str(tmp_path)).table
    rows = [(name, name.split("/")[1], "fake" if "/ai/" in name else "real", "adm") for name in GENIMAGE]
    write_table(tmp_path, rows, "file_name,split,label,comment")
    assert read(str(tmp_path)).table.equals(before)


def test_generators_of_a_table_stand_where_folders_name_none_that_is_known(tmp_path):
    names = [f"{kind}/{index}.png" for kind in ("0_real", "1_fake") for index in range(4)]
    write_images(tmp_path, *names)
    made = {name: ("" if name.startswith("0") else "flux" if index % 2 else "sdxl") for index, name in enumerate(names)}
    write_table(tmp_path, made.items(), "file_name,generator")
    images = read(str(tmp_path))
    assert images.reading[0].startswith("laid out as cnnspot")
    assert table_columns(images.select(images.table["label"] == 1), "generator") == {
        name: generator for name, generator in made.items() if generator
    }
    assert {images.table.loc[images.rows_of(Subset((name,), "all")), "label"].sum() for name in images.generators} == {
        2
    }


def test_known_generators_of_folders_stand_whatever_else_a_table_calls_them(tmp_path):
    write_images(tmp_path, *GENIMAGE)
    write_table(tmp_path, [(name, "adm v2" if "/ai/" in name else "real") for name in GENIMAGE], "file_name,model")
    assert read(str(tmp_path)).generators == ("ADM",)
