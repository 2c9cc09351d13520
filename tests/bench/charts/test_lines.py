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
    marks = [mark for mark in named(found, "path", "mark") if "c0-0" in mark.classes and mark.tip]
    assert [mark.tip for mark in marks] == ["one: 90.0 %", "one: 70.0 %"]
    assert [mark.at(0, 0) for mark in marks] == [pytest.approx(point, abs=0.1) for point in one.points]
    ticks = {tick.text: tick.origin[0] for tick in named(found, "text") if tick.text in STEPS}
    assert [across for across, _ in two.points] == pytest.approx([ticks[step] for step in STEPS], abs=0.2)


def test_whiskers_have_the_ends_of_the_intervals_and_there_is_none_at_a_gap():
    bounds = [(0.85, 0.95), (math.nan, math.nan), (0.6, 0.7)]
    found = chart(panel(series("one", (0.9, math.nan, 0.65), bounds)))
    whiskers = named(found, "path", "whisker")
    ends = [[number_at(found, down) for _, down in whisker.points] for whisker in whiskers]
    assert ends == [pytest.approx(bounds[0], abs=3e-4), pytest.approx(bounds[2], abs=3e-4)]
    (line,) = named(found, "path", "curve")
    assert [whisker.points[0][0] for whisker in whiskers] == [across for across, _ in line.points]


def test_lines_with_intervals_stand_a_little_apart():
    bounds = [(0.8, 0.95)] * 3
    made = [series(name, (0.9, 0.9, 0.9), bounds, number) for number, name in enumerate(("one", "two", "three"))]
    found = chart(panel(*made))
    starts = sorted(line.points[0][0] for line in named(found, "path", "curve"))
    assert 1 < starts[1] - starts[0] == pytest.approx(starts[2] - starts[1])
    ticks = [tick.origin[0] for tick in named(found, "text") if tick.text == "none"]
    assert starts[1] == pytest.approx(ticks[0], abs=0.2)  # around their place


def test_every_line_is_named_beside_its_mark():
    found = chart(panel(series("one", (0.9, 0.8, 0.7)), series("two", (0.9, 0.8, 0.7), number=1)))
    legend = [mark for mark in named(found, "path", "mark") if not mark.tip]
    names = [one for one in named(found, "text") if one.text in {"one", "two"}]
    assert [mark.classes[-1] for mark in legend] == ["c0-0", "c1-0"]
    for mark, name in zip(legend, names, strict=True):
        assert 0 < name.origin[0] - mark.at(0, 0)[0] < 12
        assert name.origin[1] == pytest.approx(mark.at(0, 0)[1] + 3.6, abs=0.2)


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
