"""Drawings of the page are whole, accessible SVG whatever they are of, and drawn anew only where they change."""

import math
import re
import time
from xml.etree import ElementTree as ET

import pytest

from bench.charts.typefaces import text_width
from bench.live.charts import MOST_NUMBERED, PANEL_WIDTH, bar, matrices, training
from bench.live.state import AccuracyMap, TrainingCurves


def matrix(rows, columns, value=0.75, detector="<d>"):
    """A matrix whose diagonal is missing."""
    names = tuple(f'<g{number}> & "a long name"' for number in range(max(rows, columns)))
    table = tuple(tuple(None if row == column else value for column in range(columns)) for row in range(rows))
    return AccuracyMap(detector, (names[:rows],), (names[:columns],), (), table, 3, 4)


def tree(markup):
    return ET.fromstring(f"<div>{markup}</div>")


def cells(panel):
    """The squares of a panel, without those of the scale."""
    (group,) = [one for one in panel.iter("g") if one.get("class") == "cells"]
    return list(group.iter("rect"))


def panels_of(markup):
    return [svg for svg in tree(markup).iter("svg") if svg.find(".//g[@class='cells']") is not None]


def tips(panel):
    return [one.text for one in panel.iter("title")]


@pytest.mark.parametrize(("rows", "columns"), [(2, 1), (8, 8), (2, 14), (44, 44)])
def test_a_matrix_has_a_square_and_a_text_for_every_cell(rows, columns):
    (panel,) = panels_of(matrices((matrix(rows, columns),), diagonal=True))
    squares = cells(panel)
    assert len(squares) == len(tips(panel)) == rows * columns
    missing = [one for one in squares if one.get("class") == "missing"]
    assert len(missing) == min(rows, columns)
    assert {one.get("class") for one in squares if one not in missing} <= {"h75"}
    assert tips(panel)[0] == '<g0> & "a long name" / <g0> & "a long name": missing'
    right = max(float(one.get("x")) + float(one.get("width")) for one in squares)
    left = text_width('<g0> & "a long name"', 12.0 if columns <= MOST_NUMBERED else 9.0)
    assert left + right <= float(panel.get("width"))


def test_a_matrix_says_whose_it_is_and_how_much_is_there():
    (panel,) = panels_of(matrices((matrix(2, 2),), diagonal=True))
    assert panel.get("role") == "img"
    assert panel.get("aria-label").startswith("<d>. 3 of 4 cells; lowest 75 %")


def test_numbers_stand_in_cells_where_there_is_room():
    few, many = (matrix(2, columns) for columns in (MOST_NUMBERED, MOST_NUMBERED + 1))
    assert ">75</text>" in matrices((few,), diagonal=True)
    assert ">75</text>" not in matrices((many,), diagonal=True)


@pytest.mark.parametrize(
    ("value", "shown", "said"),
    [(0.75, "75", "75.0 %"), (0.995, "99.5", "99.5 %"), (0.99996, "&gt;99.9", ">99.9 %"), (1.0, "100", "100.0 %")],
)
def test_only_faultless_cells_are_called_100(value, shown, said):
    drawn = matrices((matrix(2, 2, value),), diagonal=True)
    (panel,) = panels_of(drawn)
    assert drawn.count(f">{shown}</text>") == 2
    assert [text.rpartition(": ")[2] for text in tips(panel)].count(said) == 2


def test_groups_of_an_axis_are_named_and_set_apart():
    one = AccuracyMap("a", (("b",), ("c",)), (("b",), ("c", "d")), ("mist", "fire"), ((0.5,) * 3,) * 2, 6, 6)
    (panel,) = panels_of(matrices((one,), diagonal=True))
    places = [float(square.get("x")) for square in cells(panel)[:3]]
    assert places[1] - places[0] > places[2] - places[1]
    assert {"mist", "fire"} <= {text.text for text in panel.iter("text")}


def test_detectors_with_one_row_each_share_a_matrix():
    maps = tuple(matrix(1, 3, detector=name) for name in ("alpha", "beta"))
    (panel,) = panels_of(matrices(maps, diagonal=True))
    labels = [text.text for text in panel.iter("text")]
    assert {"alpha  3 of 4", "beta  3 of 4"} <= set(labels)
    assert len(cells(panel)) == 6


def test_forty_matrices_are_drawn_in_a_moment_and_once():
    maps = tuple(matrix(8, 8, 0.5 + place / 100, f"d{place}") for place in range(40))
    begun = time.process_time()
    drawn = matrices(maps, diagonal=True)
    assert time.process_time() - begun < 0.3  # seconds
    assert matrices((*maps,), diagonal=True) is drawn


def curves(**values):
    return training(TrainingCurves("npr", "even-0", 0, values))


def fields(**values):
    return list(tree(curves(**values)).iter("svg"))


def lines(field):
    """The places of each curve of a panel."""
    paths = [one.get("d") for one in field.iter("path") if one.get("class", "").startswith("curve")]
    return [[tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in paths]


def test_losses_and_accuracies_have_panels_of_their_own():
    found = fields(rate=(1.0, 2.0), train_loss=(0.7, None, 0.5), validation_loss=(0.6, 0.5, 0.4), train_accuracy=(0.5,))
    assert len(found) == 2
    assert [len(lines(field)) for field in found] == [2, 1]
    first = min(lines(found[0]), key=len)
    assert len(first) == 2  # what is undefined is left out
    assert first[0][1] < first[1][1]  # a higher loss stands higher
    assert [field.get("aria-label")[:5] for field in found] == ["Loss.", "Accur"]


def test_each_curve_is_named_with_its_last_value():
    texts = [
        text.text
        for field in fields(train_loss=(0.7, 0.51, None), train_accuracy=(0.5, 0.9996))
        for text in field.iter("text")
    ]
    assert "train loss 0.51" in texts
    assert "train accuracy >99.9 %" in texts


def test_curves_are_told_apart_by_more_than_colour():
    (field,) = fields(a_loss=(1.0, 0.5), b_loss=(0.9, 0.4))
    marks = {(one.get("class"), one.get("d")) for one in field.iter("path") if "mark" in one.get("class", "")}
    assert len({css for css, _ in marks}) == len({shape for _, shape in marks}) == 2


def test_panels_of_a_training_are_as_wide_as_a_phone_whatever_their_names_are():
    for names in (("loss",), ("train_loss", "train_accuracy"), ("a_name_that_is_far_too_long_for_a_phone_loss",)):
        for field in fields(**dict.fromkeys(names, (0.5, 0.4))):
            assert float(field.get("width")) == pytest.approx(PANEL_WIDTH, abs=0.01)


def test_a_training_that_went_on_counts_from_where_it_was():
    drawn = training(TrainingCurves("npr", "even-0", 4, {"train_loss": (0.5, 0.4)}))
    labels = [text.text for text in tree(drawn).iter("text")]
    assert {"5", "6"} <= set(labels)
    assert "1" not in labels


def test_other_numbers_are_drawn_where_there_are_neither():
    assert len(fields(energy=(1.0, 2.0))) == 1
    assert len(fields(energy=(-3e-7, -1e-7))) == 1
    assert curves() is None
    assert curves(train_loss=(None,)) is None


def test_a_training_that_diverged_is_drawn_as_far_as_it_has_numbers():
    (field,) = fields(train_loss=(0.7, 12.0, math.inf))
    ((first, second),) = lines(field)
    assert "inf" not in ET.tostring(field, encoding="unicode").replace("information", "")
    assert first[1] > second[1]


def test_bars_are_whole():
    found = ET.fromstring(bar({"scored": 0.5, "failed": 0.25}, 'a "b" <c>'))
    assert [float(one.get("x")) for one in found] == [0, 500]
    assert found.get("aria-label") == 'a "b" <c>'
