"""Axes, lines with gaps, and labels that are moved apart."""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.charts.palette import DetectorHue
from bench.charts.plot_area import (
    PlotArea,
    PlotAxis,
    accuracy_axis,
    apart,
    decades_axis,
    epochs_axis,
    marker,
    names_axis,
    numbers_axis,
    percent_axis,
)

LEAST, MOST = 13.0, 300.0


def test_an_axis_places_its_ends_its_middle_and_equal_ratios():
    plain, ratios = PlotAxis(2, 6, ()), PlotAxis(1, 100, (), logarithmic=True)
    assert [plain.place(value) for value in (2, 4, 6)] == [0, 0.5, 1]
    assert [ratios.place(value) for value in (1, 10, 100)] == pytest.approx([0, 0.5, 1])


def test_a_place_is_from_the_left_and_from_the_top():
    area = PlotArea(PlotAxis(0, 10, ()), PlotAxis(0.5, 1, ()), 200, 100)
    assert area.at(0, 0.5) == (0, 100)
    assert area.at(10, 1) == (200, 0)
    assert area.at(2.5, 0.75) == (50, 50)


@pytest.mark.parametrize(("low", "high", "step"), [(0.0, 1.0, 0.1), (0.3, 1.0, 0.1), (0.75, 0.9, 0.05)])
def test_the_marks_of_a_percent_axis_are_where_they_say(low, high, step):
    ticks = percent_axis(low, high, step=step).ticks
    assert [tick.label for tick in (ticks[0], ticks[-1])] == [f"{100 * low:.0f}", f"{100 * high:.0f}"]
    assert [100 * tick.at for tick in ticks] == pytest.approx([float(tick.label) for tick in ticks])
    assert np.diff([tick.at for tick in ticks]) == pytest.approx(step)


@given(st.floats(0.01, 1e4), st.floats(1, 1e5))
def test_decades_hold_both_ends_and_mark_what_they_say(least, ratio):
    axis = decades_axis(least, least * ratio, "images/s")
    assert axis.low < least <= least * ratio < axis.high
    for tick in axis.ticks:
        assert axis.low <= tick.at <= axis.high
        assert float(tick.label.replace(",", "")) == pytest.approx(tick.at)
        assert re.fullmatch(r"[125]0*|0\.0*[125]", tick.label.replace(",", ""))
    if ratio > 10:
        assert axis.ticks


def test_steps_have_equal_distances_in_their_order():
    axis = names_axis(["none", "90", "50"])
    places = [axis.place(tick.at) for tick in axis.ticks]
    assert [tick.label for tick in axis.ticks] == ["none", "90", "50"]
    assert np.diff(places) == pytest.approx([places[1] - places[0]] * 2)
    assert names_axis(["one"]).place(0) < names_axis(["one"]).place(1) <= 1


def test_a_line_has_gaps_where_there_is_no_number():
    area = PlotArea(PlotAxis(0, 4, ()), PlotAxis(0, 1, ()), 400, 100)
    points = [(0, 0.0), (1, math.nan), (2, 1.0), (3, 0.5), (4, math.nan)]
    assert area.line(points) == "M0.0 100.0M200.0 0.0L300.0 50.0"
    assert area.line([(0, math.nan)]) == ""


@given(st.lists(st.floats(0, MOST), min_size=1, max_size=20))
def test_labels_are_apart_in_order_and_above_the_last_place(wanted):
    found = apart(wanted, LEAST, MOST)
    ordered = sorted(found)
    assert (np.diff(ordered) >= LEAST - 1e-6).all()
    assert max(found) <= MOST + 1e-6
    assert [found[place] for place in sorted(range(len(wanted)), key=wanted.__getitem__)] == ordered
    if len(wanted) == 1 or np.diff(sorted(wanted)).min() >= LEAST:
        assert found == wanted


@given(st.lists(st.floats(0, MOST), min_size=1, max_size=int(MOST / LEAST)))
def test_labels_that_have_room_stay_in_the_area(wanted):
    assert min(apart(wanted, LEAST, MOST)) >= -1e-6


def test_markers_of_one_hue_differ_and_are_read_by_a_pointer():
    shapes = {str(marker(DetectorHue("c0-0", number), 0, 0)) for number in range(6)}
    assert len(shapes) == 6
    assert "<title>&lt;b&gt;</title>" in marker(DetectorHue("c0-0", 0), 0, 0, "<b>")


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
@example(0.0, 5e-324)
@example(1e6, 1e-10)
def test_an_axis_of_numbers_holds_them_with_few_marks_at_its_ends(least, span):
    axis = numbers_axis(least, least + span)
    slack = 1e-9 * max(1.0, abs(least) + span)
    assert axis.low - slack <= least <= least + span <= axis.high + slack
    assert axis.low < axis.high
    assert 2 <= len(axis.ticks) <= 8
    assert (axis.ticks[0].at, axis.ticks[-1].at) == (axis.low, axis.high)


def test_an_axis_of_numbers_has_round_marks():
    assert [tick.label for tick in numbers_axis(0, 0.71).ticks] == ["0", "0.2", "0.4", "0.6", "0.8"]
    assert [tick.label for tick in numbers_axis(-3e-7, -1e-7).ticks][:2] == ["-3e-07", "-2.5e-07"]
    assert len(numbers_axis(5.0, 5.0).ticks) >= 2


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 8), (1, 300), (7, 9)])
def test_an_axis_of_epochs_begins_at_the_first_and_has_at_most_eight_marks(first, last):
    axis = epochs_axis(first, last)
    marks = [tick.at for tick in axis.ticks]
    assert marks[0] == axis.low == first
    assert marks[-1] <= last <= axis.high
    assert len(marks) <= 8


def test_an_axis_of_accuracies_holds_chance_and_what_is_below():
    assert [accuracy_axis(least).low for least in (0.93, 0.4, 0.27)] == pytest.approx([0.4, 0.4, 0.2])
