"""Pictures of the page are whole SVG whatever they are of."""

from xml.etree import ElementTree as ET

import pytest

from bench.live.charts import bar, colour_scale, matrix_chart, training_charts
from bench.live.state import AccuracyMap, TrainingCurves


def matrix(rows, columns, value=0.75):
    names = [f'<g{number}> & "a long name"' for number in range(max(rows, columns))]
    table = tuple(tuple(None if row == column else value for column in range(columns)) for row in range(rows))
    return AccuracyMap("<d>", tuple(names[:rows]), tuple(names[:columns]), table, 3, 4)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (8, 8), (2, 14), (44, 44), (0, 0)])
def test_a_matrix_has_a_square_for_every_cell(rows, columns):
    tree = ET.fromstring(matrix_chart(matrix(rows, columns)))
    squares = [one for one in tree.iter() if one.tag == "rect"]
    assert len(squares) == rows * columns
    assert sum(one.get("class") == "missing" for one in squares) == min(rows, columns)
    assert all(one.get("fill") for one in squares if one.get("class") != "missing")
    right = max((float(one.get("x")) + float(one.get("width")) for one in squares), default=0)
    assert right <= float(tree.get("width"))


def test_accuracies_are_said_to_a_digit():
    assert ">75</text>" in matrix_chart(matrix(2, 2))
    assert "75.0%</title>" in matrix_chart(matrix(2, 2))
    assert ">99</text>" not in matrix_chart(matrix(2, 2, 0.995))  # which is no 100 either
    assert ">100</text>" in matrix_chart(matrix(2, 2, 1.0))


def fields(**values):
    text = training_charts(TrainingCurves("npr", "even-0", 0, values))
    return ET.fromstring(f"<div>{text}</div>")


def test_losses_and_accuracies_have_fields_of_their_own():
    tree = fields(rate=(1.0, 2.0), train_loss=(0.7, None, 0.5), validation_loss=(0.6, 0.5, 0.4), train_accuracy=(0.5,))
    assert len(tree) == 2
    lines = [[one for one in field.iter() if one.tag == "polyline"] for field in tree]
    assert [len(one) for one in lines] == [2, 1]
    first = [tuple(map(float, point.split(","))) for point in lines[0][0].get("points").split()]
    assert len(first) == 2  # what is undefined is left out
    assert first[0][1] < first[1][1]  # a higher loss stands higher


def test_other_numbers_are_drawn_where_there_are_neither():
    assert len(fields(energy=(1.0, 2.0))) == 1
    assert len(fields()) == len(fields(train_loss=(None,))) == 0


def test_bars_and_scales_are_whole():
    tree = ET.fromstring(bar({"scored": 0.5, "failed": 0.25}, 'a "b" <c>'))
    assert [float(one.get("x")) for one in tree] == [0, 500]
    ET.fromstring(colour_scale())
