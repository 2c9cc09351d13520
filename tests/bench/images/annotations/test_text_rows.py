"""Rows of tables that are texts: of all that hold some, and where damaged ones are damaged."""

import json

import pytest

from bench.images.annotations.text_rows import rows_of

PATHS = ["x/a.png", "x/b c.png", "x/d, e.JPG"]


@pytest.mark.parametrize(
    ("text", "damage"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 fields for 2 columns; mend the line"),
        ("a,b\n\n1\n1,2\n", "line 3: 1 fields for 2 columns; mend the line"),
        ("a,a\n1,2\n", "line 1: the column 'a' comes twice; keep one of the two"),
        ('a,b\n1,"x\ny"\n2,3,4\n', "line 4: 3 fields for 2 columns; mend the line"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3: a quotation mark is opened and not closed; mend the line"),
        ("a,b\n1," + "x" * 200_000, "line 2: it is no row (field larger than field limit (131072)); mend the line"),
        ("a,b\n1,2,\n3,4, \n", ""),
        ('a,b\n1,"x\ny"\n', ""),
        ('a,b\n"x" y,2\n', ""),
    ],
)
def test_the_first_damaged_line_of_a_comma_separated_table_is_told(text, damage):
    assert rows_of("t.csv", text).damage == damage


def test_a_damaged_table_is_read_as_far_as_it_can_be_understood():
    found = rows_of("t.csv", "path,label\na.png,real\nb.png\nc.png,fake,x\n")
    assert found.rows == [{"path": "a.png", "label": "real"}, {"path": "b.png"}, {"path": "c.png", "label": "fake"}]
    found = rows_of("t.jsonl", '{"path": "a.png"}\n[1]\n{"path": "b')
    assert (found.rows, found.damage) == ([{"path": "a.png"}], "line 2: it is no JSON object; mend the line")
    found = rows_of("t.jsonl", '{"path": "a.png"}\n\n{"path": "b')
    assert found.damage.startswith("line 3: it is not JSON (Unterminated string")
    found = rows_of("t.json", '[{"path": "x/a.png"}, {"path": "b.JPG"}, {"pa')
    assert found.rows == [{"path": "x/a.png"}, {"path": "b.JPG"}]
    assert found.damage.startswith("it is not JSON (")


@pytest.mark.parametrize("key", ["train", "Test", "val2017", "real", "0_fake"])
def test_an_object_of_lists_says_the_split_or_class_of_each(key):
    role = "label" if key in {"real", "0_fake"} else "split"
    for entries, rows in ((PATHS, [{"path": path} for path in PATHS]), ([{"file": "a"}], [{"file": "a"}])):
        assert rows_of("s.json", json.dumps({key: entries, "version": 2})).rows == [{role: key} | row for row in rows]


@pytest.mark.parametrize(
    "found", [{"train": ["a"], "other": ["b"]}, {"train": [1, 2]}, {"train": ["a"], "real": ["b"]}, {"train": []}, {}]
)
def test_other_objects_are_rows_by_path_or_none(found):
    assert all("split" not in row for row in rows_of("s.json", json.dumps(found)).rows)


@pytest.mark.parametrize("mark", ["", " 1", ", real", ";1;2", "\t1 ", " , fake"])
def test_paths_in_lists_may_hold_spaces_and_commas(mark):
    found = rows_of("t.txt", "\r\n".join(path + mark for path in PATHS) + "\n")
    assert found.damage == ""
    assert [row["1"] for row in found.rows] == PATHS
    assert {len(row) for row in found.rows} == {
        1 + sum(map(str.isalnum, mark.replace("real", "1").replace("fake", "1")))
    }


def test_a_list_of_paths_of_which_one_has_more_fields_is_damaged():
    assert rows_of("t.txt", "a.png 1\nb.png\n").damage == (
        "line 2: it has another number of fields than the first line; mend it"
    )


@pytest.mark.parametrize("text", ["A boat.\nTwo boats on a lake.\n", ""])
def test_prose_is_no_list(text):
    assert rows_of("t.txt", text) == ([], "")
