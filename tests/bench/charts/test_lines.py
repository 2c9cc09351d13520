"""Lines: points and bands at their numbers, gaps where there is none, names apart at the right end."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import names_axis, percent_axis
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

STEPS = ("none", "90", "50")
AXIS = percent_axis(0.4, 1.0)


def series(name, values, bounds=(), number=0):
    return Series(name, DetectorHue(f"c{number % 8}-0", number), list(enumerate(values)), bounds)


def panel(*lines, title="jpeg", steps=STEPS, **changes):
    return LinePanel(title, lines, names_axis(steps), AXIS, **{"level": 0.5, **changes})


def chart(*panels, **options):
    return line_chart("Degradation", "In words.", panels, **options)


def number_at(found, down):
    """The number of the axis at a height, read off the grid of the first panel."""
    grid = [one.points[0][1] for one in named(found, "path", "grid")][: len(AXIS.ticks)]
    return 0.4 + 0.6 * (grid[0] - down) / (grid[0] - grid[-1])


def test_a_line_goes_through_its_numbers_and_has_a_gap_where_there_is_none():
    found = chart(panel(series("one", (0.9, math.nan, 0.7)), series("two", (0.8, 0.75, 0.6), number=1)))
    two, one = named(found, "path", "curve")  # the best is drawn last, over the others
    assert (one.tip, two.tip) == ("one", "two")
    assert [number_at(found, down) for _, down in one.points] == pytest.approx([0.9, 0.7], abs=3e-4)
    assert [number_at(found, down) for _, down in two.points] == pytest.approx([0.8, 0.75, 0.6], abs=3e-4)
    assert (one.given["d"].count("M"), two.given["d"].count("M")) == (2, 1)
    marks = [mark for mark in named(found, "path", "mark") if "c0-0" in mark.classes]
    assert [mark.tip for mark in marks] == ["one: 90.0", "one: 70.0"]
    assert [mark.at(0, 0) for mark in marks] == [pytest.approx(point, abs=0.1) for point in one.points]
    ticks = {tick.text: tick.origin[0] for tick in named(found, "text") if tick.text in STEPS}
    assert [across for across, _ in two.points] == pytest.approx([ticks[step] for step in STEPS], abs=0.2)


def test_a_band_has_the_ends_of_the_intervals():
    bounds = [(0.85, 0.95), (0.7, 0.9), (0.6, 0.7)]
    found = chart(panel(series("one", (0.9, 0.8, 0.65), bounds)))
    (band,) = named(found, "path", "band")
    ends = [number_at(found, down) for _, down in band.points]
    assert ends == pytest.approx([high for _, high in bounds] + [low for low, _ in reversed(bounds)], abs=3e-4)


def test_a_band_does_not_bridge_a_gap():
    nothing = (math.nan, math.nan)
    found = chart(panel(series("one", (0.9, math.nan, 0.7), [(0.8, 0.95), nothing, (0.6, 0.8)])))
    (band,) = named(found, "path", "band")
    assert band.given["d"].count("M") == 2


def test_chance_is_marked():
    found = chart(panel(series("one", (0.9, 0.8, 0.7))))
    (chance,) = named(found, "path", "chance")
    assert [number_at(found, down) for _, down in chance.points] == pytest.approx([0.5, 0.5], abs=3e-4)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_place(name):
    found = line_chart(name, name, [panel(series(name, (0.9, 0.8, 0.7)), title=name, steps=[name] * 3)], note=name)
    assert texts(found).count(name) == 5  # three steps, the panel, the line
    assert {one.tip for one in named(found, "path", "curve")} == {name}


VALUES = st.lists(st.one_of(st.floats(0.4, 1), st.just(math.nan)), min_size=3, max_size=3)
LINES = st.lists(VALUES, min_size=1, max_size=12)


@settings(max_examples=15)
@given(LINES, st.integers(1, 5), st.booleans())
def test_names_are_apart_and_every_text_is_in_the_drawing(lines, count, slanting):
    steps = [f"{step} with a long name" for step in STEPS] if slanting else STEPS
    made = [series(f"detector_{place} (baseline)", values, number=place) for place, values in enumerate(lines)]
    found = chart(*[panel(*made, steps=steps, slanting=slanting)] * count)
    assert outside(found) == []
    assert meeting(found) == []
    there = sum(any(not math.isnan(value) for value in values) for values in lines)
    assert sum(text.startswith("detector_") for text in texts(found)) == there * count
