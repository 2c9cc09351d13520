"""Curves: a line for each row, named where it ends."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from bench.report import curves
from bench.report.heat_maps import HeatMaps, Panel

STEPS, ROWS = ("10", "40", "all"), ("one", "two", "three")
VALUES = {"one": (0.5, 0.7, 0.9), "two": (0.6, math.nan, 0.91), "three": (0.4, 0.5, math.nan)}


def maps(panels=1, rows=ROWS):
    panel = Panel(
        "hog_svm",
        "",
        {(row, step): VALUES[row][place] for row in rows for place, step in enumerate(STEPS)},
        {row: float(place) for place, row in enumerate(rows)},
        {step: float(place) for place, step in enumerate(STEPS)},
    )
    return HeatMaps("Training size", "how many images are enough?", "Accuracy in %.", (panel,) * panels)


def test_a_line_has_the_accuracies_of_its_row_and_a_gap_where_there_is_none():
    (axes,) = curves._figure(maps()).axes
    drawn = [line.get_ydata() for line in axes.lines[: len(ROWS)]]
    for found, row in zip(drawn, ROWS, strict=True):
        assert np.allclose(found, 100 * np.array(VALUES[row]), equal_nan=True)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(STEPS)
    assert axes.get_title(loc="left") == "hog_svm"


def test_every_line_is_named_in_its_colour():
    (axes,) = curves._figure(maps()).axes
    named = {text.get_text(): text.get_color() for text in axes.texts}
    assert named == {row: line.get_color() for row, line in zip(ROWS, axes.lines, strict=False)}
    assert len(set(named.values())) == len(ROWS)


def test_the_same_curves_are_the_same_bytes_and_say_what_they_show():
    first, again, more = curves.draw(maps()), curves.draw(maps()), curves.draw(maps(panels=3))
    assert first == again != more
    with Image.open(io.BytesIO(first)) as picture:
        assert picture.info["Comment"] == maps().digest
        assert picture.width > 700


@pytest.mark.parametrize("values", [[90, 90.5, 91], [1, 2, 3, 4], [99, 100, 100], [10, 50, 90]])
def test_names_are_moved_apart_and_stay_in_the_picture(values):
    placed = curves._apart([float(value) for value in values])
    assert (np.diff(placed) >= 6 - 1e-9).all()
    assert placed[-1] <= 101
    if (np.diff(values) >= 6).all():
        assert placed == values
