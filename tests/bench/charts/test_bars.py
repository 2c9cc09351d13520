"""Stacked bars: parts are as long as their shares, in their colours, and every text has its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.charts.bars import BarPart, BarRow, bar_chart
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

PARTS = (BarPart("read", "c0-0"), BarPart("decode", "c1-0"), BarPart("device", "c3-0"))


def row(*values, label="hog_svm", behind="1.30 ms"):
    return BarRow(label, values, [f"{label}: {value}" for value in values], behind)


def parts_of(chart):
    """The parts of bars, with their ends in shares of the axis, by row."""
    grid = [one.points[0][0] for one in named(chart, "path", "grid")]
    left, right = min(grid), max(grid)
    rows = {}
    for mark in named(chart, "path", "mark"):
        if mark.tip:
            across = [(x - left) / (right - left) for x, _ in mark.points]
            down = round(mark.at(0, 0)[1])
            rows.setdefault(down, []).append((min(across), max(across), mark.classes[-1], mark.tip))
    return list(rows.values())


def test_parts_follow_one_another_and_fill_the_whole():
    chart = bar_chart("Time", "In words.", [row(1, 1, 2), row(30, 10, 0, label="colour")], PARTS)
    first, second = parts_of(chart)
    assert [ends[:2] for ends in first] == [
        pytest.approx(ends, abs=2e-4) for ends in ((0, 0.25), (0.25, 0.5), (0.5, 1))
    ]
    assert [ends[:2] for ends in second] == [pytest.approx(ends, abs=2e-4) for ends in ((0, 0.75), (0.75, 1))]
    assert [one[2] for one in first] == [part.css for part in PARTS]
    assert [one[3] for one in second] == ["colour: 30", "colour: 10"]  # a part of nothing is not drawn


def test_every_colour_is_named_and_every_bar():
    chart = bar_chart("Time", "In words.", [row(1, 1, 2), row(0, 0, 0, label="nothing")], PARTS)
    assert {"read", "decode", "device", "hog_svm", "nothing", "1.30 ms"} <= set(texts(chart))
    assert len([mark for mark in named(chart, "path", "mark") if not mark.tip]) == len(PARTS)
    assert len(parts_of(chart)) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_place(name):
    chart = bar_chart(name, name, [BarRow(name, [1.0], [name], name)], [BarPart(name, "c0-0")], note=name)
    assert name in texts(chart)
    assert [mark.tip for mark in named(chart, "path", "mark") if mark.tip] == [name]


NAMES = st.text("abcdefghij_+W0", min_size=1, max_size=50)


@given(st.lists(NAMES, min_size=1, max_size=8), NAMES, st.floats(0, 1e6))
def test_no_text_leaves_the_drawing_or_meets_another(names, behind, value):
    chart = bar_chart("Time", "In words.", [row(1.0, value, 1.0, label=one, behind=behind) for one in names], PARTS)
    assert outside(chart) == []
    assert meeting(chart) == []
