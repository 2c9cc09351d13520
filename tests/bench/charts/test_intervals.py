"""Intervals: marks and bars stand at the pixels of their numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.charts.intervals import IntervalMark, IntervalRow, interval_chart
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import percent_axis
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

HUE = DetectorHue("c1-0", 1)
AXIS = percent_axis(0.4, 1.0)


def row(*spans, label="hog_svm", before="1-2", behind="90.0"):
    return IntervalRow(before, label, HUE, spans, behind)


def chart(*rows, **options):
    return interval_chart("Averages", "In words.", rows, AXIS, **options)


def number_at(found, across):
    """The number of the axis at a place, read off its grid."""
    first, *_, last = (one for one in named(found, "path", "grid"))
    left, right = first.points[0][0], last.points[0][0]
    return 0.4 + 0.6 * (across - left) / (right - left)


def test_marks_and_both_intervals_are_where_their_numbers_are():
    found = chart(row(IntervalMark(0.8, 0.75, 0.84, 0.6, 0.95, tip="hog_svm: 80.0")), level=0.5)
    (mark,) = named(found, "path", "mark")
    assert number_at(found, mark.at(0, 0)[0]) == pytest.approx(0.8, abs=2e-4)
    for css, ends in (("bar", (0.75, 0.84)), ("wide", (0.6, 0.95))):
        (bar,) = named(found, "path", css)
        assert [number_at(found, across) for across, _ in bar.points] == pytest.approx(ends, abs=2e-4)
        assert {down for _, down in bar.points} == {mark.at(0, 0)[1]}
    (chance,) = named(found, "path", "chance")
    assert number_at(found, chance.points[0][0]) == pytest.approx(0.5, abs=2e-4)
    assert mark.tip == "hog_svm: 80.0"


def test_what_is_missing_is_not_drawn_and_what_lies_beyond_ends_at_the_axis():
    found = chart(row(IntervalMark(0.8)), row(IntervalMark(math.nan)), row(IntervalMark(0.45, 0.2, 0.5)))
    assert len(named(found, "path", "mark")) == 2
    assert named(found, "path", "wide") == []
    (bar,) = named(found, "path", "bar")
    assert number_at(found, bar.points[0][0]) == pytest.approx(0.4, abs=2e-4)


def test_a_second_value_is_a_small_circle_in_the_same_row():
    found = chart(row(IntervalMark(0.9, hollow=True, tip="home"), IntervalMark(0.7)), row(IntervalMark(0.6)))
    (circle,) = named(found, "circle")
    assert circle.tip == "home"
    first, second = named(found, "path", "mark")
    assert number_at(found, circle.at(float(circle.given["cx"]), 0)[0]) == pytest.approx(0.9, abs=2e-4)
    assert circle.at(0, 0)[1] == first.at(0, 0)[1] < second.at(0, 0)[1]


def test_rows_stand_in_their_order_with_their_texts():
    found = chart(*(row(IntervalMark(0.9 - 0.1 * place), label=f"d{place}") for place in range(4)))
    labels = [one for one in named(found, "text") if one.text.startswith("d")]
    assert [one.text for one in labels] == ["d0", "d1", "d2", "d3"]
    assert [one.origin[1] for one in labels] == sorted(one.origin[1] for one in labels)
    assert texts(found).count("1-2") == texts(found).count("90.0") == 4


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_place(name):
    spans = (IntervalMark(0.9, tip=name), IntervalMark(0.8, hollow=True, tip=name))
    found = interval_chart(name, name, [row(*spans, label=name, before=name, behind=name)], AXIS, note=name)
    assert texts(found).count(name) == 3
    assert [one.tip for one in named(found, "path", "mark") + named(found, "circle")] == [name] * 2


NAMES = st.text("abcdefghij_+W0", min_size=1, max_size=50)


@given(st.lists(NAMES, min_size=1, max_size=8), NAMES, st.floats(0, 1))
def test_no_text_leaves_the_drawing_or_meets_another(names, behind, value):
    found = chart(*(row(IntervalMark(value, value - 0.1, value + 0.1), label=one, behind=behind) for one in names))
    assert outside(found) == []
    assert meeting(found) == []
