"""Critical-difference diagrams: places on the axis, bars over those that are not told apart, names apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.charts.critical_difference import critical_difference_chart
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import percent_axis
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

AXIS = percent_axis(0.5, 1.0, step=0.05)


def chart(values, groups=(), names=None):
    names = names or [f"d{place}" for place in range(len(values))]
    shown = [
        (name, DetectorHue("c0-0", place), value) for place, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    return critical_difference_chart("Who can be told apart", "In words.", shown, groups, AXIS)


def number_at(found, across):
    ticks = {one.text: one.origin[0] for one in named(found, "text") if one.text in {"50", "100"}}
    return 0.5 + 0.5 * (across - ticks["50"]) / (ticks["100"] - ticks["50"])


def test_marks_and_bars_are_where_their_numbers_are():
    found = chart([0.9, 0.85, 0.6], groups=[("d0", "d1"), ("d2",)])
    marks = named(found, "path", "mark")
    assert [number_at(found, mark.at(0, 0)[0]) for mark in marks] == pytest.approx([0.9, 0.85, 0.6], abs=2e-4)
    (bar,) = named(found, "path", "thick")  # a group of one needs no bar
    (left, _), (right, _) = bar.points
    assert number_at(found, left + 3) == pytest.approx(0.85, abs=3e-4)
    assert number_at(found, right - 3) == pytest.approx(0.9, abs=3e-4)
    assert [mark.tip for mark in marks] == ["d0: 90.0", "d1: 85.0", "d2: 60.0"]


def test_bars_stand_below_one_another_and_over_the_names():
    found = chart([0.9, 0.85, 0.8, 0.75], groups=[("d0", "d1"), ("d1", "d2"), ("d2", "d3")])
    downs = [bar.points[0][1] for bar in named(found, "path", "thick")]
    assert len(set(downs)) == 3
    names = [one.box[1] for one in named(found, "text") if "d" in one.text]
    assert max(downs) < min(names)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_place(name):
    found = chart([0.9, 0.8], groups=[(name, "other")], names=[name, "other"])
    assert sum(name in text for text in texts(found)) == 1
    assert f"{name}: 90.0" in {mark.tip for mark in named(found, "path", "mark")}


@given(st.lists(st.floats(0.5, 1), min_size=2, max_size=20), st.sampled_from(["d", "a_detector_of_a_long_name"]))
def test_every_name_is_there_apart_and_in_the_drawing(values, name):
    values = sorted(values, reverse=True)
    names = [f"{name}{place}" for place in range(len(values))]
    found = chart(values, [names], names)
    assert sum(name in text for text in texts(found)) == len(names)
    assert outside(found) == []
    assert meeting(found) == []
