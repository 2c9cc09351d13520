"""Lists of predictions: written as challenges have them, and read whole or refused in one line."""

import json

import pytest

from bench.platform.errors import InputError
from bench.records.predictions import prediction_list, read_predictions

IMAGES = ["a.png", "b/c.png", "d e.png", "f.png", "g.png"]


@pytest.fixture
def read(tmp_path):
    """Reads a list of these rows, or of this text, about `IMAGES` in a folder."""

    def read_rows(rows):
        file = tmp_path / "predictions.json"
        file.write_text(rows if isinstance(rows, str) else json.dumps(rows))
        return read_predictions(file, IMAGES, str(tmp_path / "images"))

    return read_rows


def rows_with(**values):
    """A whole list, with some values in place of 0.5, by image."""
    return [{"image_path": name, "pred": values.get(name.partition(".")[0], 0.5)} for name in IMAGES]


def test_what_is_written_is_plain_numbers_and_is_read_again(read):
    scores = {name: index / 7 for index, name in enumerate(IMAGES)}
    text = prediction_list(scores.items())
    assert [set(row) for row in json.loads(text)] == [{"image_path", "pred"}] * 5
    assert {type(row["pred"]) for row in json.loads(text)} == {float}
    assert read(text) == scores


def test_whole_numbers_and_any_order_are_read(read):
    found = read(rows_with(a=0, g=1)[::-1])
    assert (found["a.png"], found["g.png"], found["f.png"]) == (0.0, 1.0, 0.5)
    assert found.keys() == set(IMAGES)


def test_paths_may_begin_with_the_folder_and_be_those_of_windows(read, tmp_path):
    spelled = ("./a.png", "b\\c.png", f"{tmp_path}/images/d e.png", "f.png", "g.png")
    assert list(read([{"image_path": path, "pred": 0.5} for path in spelled])) == IMAGES


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (rows_with(a=1.5, f=-0.1), "2 values of pred are no numbers in [0, 1], such as "),
        (
            rows_with(a=True),
            '1 values of pred are no numbers in [0, 1], such as {"image_path": "a.png", "pred": true};',
        ),
        (rows_with(a="0.5", f=None, g=[]), "3 values of pred are no numbers in [0, 1]"),
        (json.dumps(rows_with(a=float("nan"), f=float("inf"))), "2 values of pred are no numbers in [0, 1]"),
        ([*rows_with(), *rows_with()[:2]], "2 images are there several times, such as a.png, b/c.png;"),
        ([*rows_with(), {"image_path": "./a.png", "pred": 1}], "1 images are there several times, such as a.png;"),
        (
            [*rows_with(), *({"image_path": f"{n}.png", "pred": 1} for n in range(4))],
            "4 paths are no image of ",
        ),
        (rows_with()[:1], "have no prediction, such as b/c.png, d e.png, f.png; mend the list"),
        ([{"path": "a.png", "pred": 1}, 7], "2 entries are no objects of image_path and pred alone, such as "),
        ([{"image_path": 1, "pred": 1}], "1 entries are no objects of image_path and pred alone"),
        ([{"image_path": "a.png", "pred": 1, "label": 1}], "1 entries are no objects of image_path and pred alone"),
        ([["x" * 1000]], f'such as ["{"x" * 198}...; mend the list'),
        ({"a.png": 1}, "holds a JSON dict; give a list"),
        ([], "holds an empty list; give a list"),
        ("image_path,pred\n", "cannot be read as JSON"),
    ],
)
def test_what_is_wrong_is_one_line_that_counts_it_and_shows_three(read, rows, told):
    with pytest.raises(InputError) as error:
        read(rows)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).count(".png") <= 3


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.json cannot be read as JSON \(No such file or directory\)"):
        read_predictions(tmp_path / "none.json", IMAGES, "images")
