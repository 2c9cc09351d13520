"""Tables of facts in all their forms, and the images that their paths mean."""

import json
from unicodedata import normalize

import pytest

from bench.images.annotations.records import PathIndex, read_records
from bench.images.files.tree import Folder
from bench.platform.errors import InputError

ROWS = [{"path": "a.png", "label": "real"}, {"path": "b c.png", "label": "fake"}]
FORMS = {
    "t.csv": "path,label\na.png,real\nb c.png,fake\n",
    "semicolons.csv": "path;label\r\na.png;real\r\n\r\nb c.png;fake\r\n",
    "t.tsv": "path\tlabel\na.png\treal\nb c.png\tfake\n",
    "spaces.csv": "\ufeffpath , label\n a.png, real\n b c.png , fake",
    "t.json": json.dumps(ROWS),
    "wrapped.json": json.dumps({"info": {"version": 1}, "images": ROWS}),
    "keyed.json": json.dumps({row["path"]: {"label": row["label"]} for row in ROWS}),
    "t.jsonl": "\n".join(map(json.dumps, ROWS)) + "\n\n",
}
NO_TABLES = {
    "caption.txt": "A boat.\nTwo boats on a lake.\n",
    "broken.json": "{",
    "number.json": "3",
    "broken.jsonl": "x\n{",
    "list.jsonl": "[1]\n",
    "empty.csv": "",
}


@pytest.mark.parametrize("name", FORMS)
def test_one_table_in_all_its_forms(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name], newline="")
    records = read_records(Folder(tmp_path), name)
    assert (records.columns, records.rows) == (["path", "label"], 2)
    assert [dict(zip(ROWS[0], row, strict=True)) for row in zip(*map(records.values, ROWS[0]), strict=True)] == ROWS
    assert records.example(1) == "row 2"


def test_lists_have_columns_by_their_numbers(tmp_path):
    (tmp_path / "list.txt").write_text("x/a.png 0\nx/b.png 1\n")
    records = read_records(Folder(tmp_path), "list.txt")
    assert {column: records.values(column) for column in records.columns} == {
        "1": ["x/a.png", "x/b.png"],
        "2": ["0", "1"],
    }


def test_values_by_path_alone(tmp_path):
    (tmp_path / "t.json").write_text('{"a.png": "real", "b.png": "fake"}')
    assert read_records(Folder(tmp_path), "t.json").values("value") == ["real", "fake"]


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_is_none(tmp_path, name):
    (tmp_path / name).write_text(NO_TABLES[name])
    assert read_records(Folder(tmp_path), name) is None


def test_what_is_no_text_is_no_list_and_a_damaged_table_is_said(tmp_path):
    for name in ("a.txt", "a.csv"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n")
    assert read_records(Folder(tmp_path), "a.txt") is None
    with pytest.raises(InputError, match=r"a\.csv cannot be read as UTF-8 text"):
        read_records(Folder(tmp_path), "a.csv")


IMAGES = ("x/real/a.png", "x/fake/a.png", "x/fake/B.PNG", "deep/er/c.d.jpg", "e\u0301.png")


@pytest.mark.parametrize(
    ("texts", "folder", "found"),
    [
        (["real/a.png", "fake/a.png"], "x", IMAGES[:2]),
        (["x/real/a.png", "x/fake/a.png"], "x", IMAGES[:2]),
        (["real/a.png", "fake/a.png"], "lists", IMAGES[:2]),
        (["./real/a.png", ".\\fake\\a.png"], "x", IMAGES[:2]),
        (["/mnt/data/x/real/a.png", "/mnt/data/x/fake/a.png"], "", IMAGES[:2]),
        (["other/real/a.png", "other/fake/a.png"], "x", IMAGES[:2]),
        (["fake/b.png", "fake/A.png"], "x", (IMAGES[2], IMAGES[1])),
        (["fake/b", "real/a"], "x", (IMAGES[2], IMAGES[0])),
        (["c.d.jpg", "b.png"], "", (IMAGES[3], IMAGES[2])),
        (["c.d"], "", IMAGES[3:4]),
        ([normalize("NFC", "e\u0301.png")], "", IMAGES[4:]),
        (["a.png", "c.d.jpg"], "", (None, IMAGES[3])),
        (["real/a.png", "real/gone.png"], "x", (IMAGES[0], None)),
        (["a.png"], "x/real", IMAGES[:1]),
        (["", None, 7], "", (None, None, None)),
    ],
)
def test_paths_are_found_wherever_they_begin_and_however_they_are_written(texts, folder, found):
    assert PathIndex(IMAGES).find(texts, folder) == list(found)


def test_a_table_in_a_folder_of_images_says_nothing_of_images_outside():
    index = PathIndex(
        [*(f"real/{number}.png" for number in range(10)), *(f"flux/{number}.png" for number in range(1, 9))]
    )
    bare = [f"{number}.png" for number in range(10)]
    assert index.find(bare, "flux") == [None, *(f"flux/{number}.png" for number in range(1, 9)), None]
    assert index.find(["only/in/real/0.png", "real/0.png"], "flux") == [None, "real/0.png"]
    top = PathIndex(["0.png", "1.png", "a/b/1.png"])
    assert top.find(["0.png", "1.png"], "a") == [None, "a/b/1.png"]
    assert top.find(["0.png", "1.png"], "lists") == ["0.png", "1.png"]


def test_letters_of_two_cases_stay_apart_where_both_are_there():
    index = PathIndex(("x/a.png", "x/A.png"))
    assert index.find(["x/a.png", "x/A.png", "x/a.PNG"], "") == ["x/a.png", "x/A.png", None]
