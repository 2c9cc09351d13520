"""JSON of others: what cannot be read is an error of values, whatever stops the reader."""

import pytest

from bench.images.annotations.records import read_records
from bench.images.annotations.split_lists import split_lists
from bench.images.data_sets import read
from bench.images.files.tree import Folder
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from tests.support.small_data_sets import write_images

DEEP = "[" * 200_000


def test_what_is_json_is_read():
    assert parse_json('{"a": [1, null]}') == parse_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", DEEP, '{"a":' * 100_000])
def test_what_is_none_is_an_error_of_values(text):
    with pytest.raises(ValueError, match=r"Expecting|nested too deeply"):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": ' + "9" * 5000 + "}", "it has a whole number of thousands of digits"),
        ('["\\ud800"]', r"it has half of a character, '\\ud800'"),
        ('{"\\uDC00x": 1}', "it has half of a character"),
        (b'"\xff"', "it is no text, from byte 2 on"),
        (b'"\xed\xa0\x80"', "it is no text"),
    ],
)
def test_what_python_or_utf_8_cannot_hold_is_an_error_of_values(text, reason):
    with pytest.raises(ValueError, match=f"^{reason}") as refused:
        parse_json(text)
    assert "\n" not in str(refused.value)


def test_pairs_are_characters():
    assert parse_json('"\\ud83d\\ude00"') == "\N{GRINNING FACE}"
    assert parse_json('"\\ud83d\\ude00"'.encode("utf-16")) == "\N{GRINNING FACE}"


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl", "test.json"])
def test_a_file_that_is_too_deep_is_no_table_and_no_list(tmp_path, name):
    write_images(tmp_path, "real/a.png", "flux/b.png")
    (tmp_path / name).write_text(DEEP)
    records = read_records(Folder(tmp_path), name)
    assert records is None or not records.rows
    assert split_lists(Folder(tmp_path), [name]).splits == {}
    assert len(read(str(tmp_path))) == 2


@pytest.mark.parametrize("name", ["dataset.json", "manifest.jsonl", "real/a.json"])
def test_one_that_must_be_read_is_named(tmp_path, name):
    write_images(tmp_path, "real/a.png", "flux/b.png")
    (tmp_path / name).write_text(DEEP)
    layout = ""
    if name == "real/a.json":
        (tmp_path / "flux/b.cls").write_text("fake")
        layout = "webdataset:"
    with pytest.raises(InputError, match=rf"{name}.* is not JSON \(its values are nested too deeply\)"):
        read(f"{layout}{tmp_path}")
