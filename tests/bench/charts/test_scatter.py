"""Points: at their numbers, their names apart, the front joined by steps."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.charts.palette import DetectorHue
from bench.charts.plot_area import decades_axis, percent_axis
from bench.charts.scatter import Point, scatter_chart
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

AXES = (decades_axis(10, 1000, "images/s"), percent_axis(0.5, 1.0, "accuracy in %"))


def point(name, x, y, number=0, **further):
    return Point(name, DetectorHue(f"c{number % 8}-0", number), x, y, **further)


def chart(*points):
    return scatter_chart("Accuracy against speed", "In words.", points, AXES)


def numbers_at(found, place):
    """Accuracy and place across, from 0 to 1 between 10 and 1000 images/s, read off the labels and the grid."""
    grid = [one.points[0][1] for one in named(found, "path", "grid")]
    across = {one.text: one.origin[0] for one in named(found, "text") if one.text in {"10", "1,000"}}
    return (
        (place[0] - across["10"]) / (across["1,000"] - across["10"]),
        0.5 + 0.5 * (grid[0] - place[1]) / (grid[0] - grid[-1]),
    )


def test_points_and_their_intervals_are_where_their_numbers_are():
    found = chart(point("one", 100, 0.8, low=0.75, high=0.83))
    (mark,) = named(found, "path", "mark")
    assert numbers_at(found, mark.at(0, 0)) == pytest.approx((0.5, 0.8), abs=5e-4)
    (bar,) = named(found, "path", "wide")
    assert [numbers_at(found, end)[1] for end in bar.points] == pytest.approx([0.75, 0.83], abs=5e-4)
    assert mark.tip == "one: 80.0 %, 100 images/s"


def test_the_front_is_bold_named_first_and_joined_by_steps():
    points = [point("slow", 10, 0.95, front=True), point("fast", 1000, 0.7, front=True), point("beaten", 100, 0.65)]
    found = chart(*points)
    bold = {one.text for one in named(found, "text") if "bold" in one.classes}
    assert bold == {"slow", "fast"}
    (steps,) = named(found, "path", "chance")
    corners = [numbers_at(found, place) for place in dict.fromkeys(steps.points)]
    assert corners == [pytest.approx(one, abs=5e-4) for one in [(0, 0.95), (0, 0.7), (1, 0.7)]]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_place(name):
    found = scatter_chart(name, name, [point(name, 100, 0.8, front=True)], AXES, note=name)
    assert texts(found).count(name) == 1
    assert named(found, "path", "mark")[0].tip.startswith(name)


PLACES = st.lists(st.tuples(st.floats(10, 1000), st.floats(0.5, 1), st.booleans()), min_size=1, max_size=25)


@settings(max_examples=15)
@example([(698.0, 1.0, True)], "detector_of_a_long_name (baseline)")  # a bold name is wider
@given(PLACES, st.sampled_from(["d", "detector_of_a_long_name (baseline)"]))
def test_names_do_not_cover_one_another_and_every_text_is_in_the_drawing(places, name):
    points = [point(f"{name}{number}", x, y, number, front=front) for number, (x, y, front) in enumerate(places)]
    found = chart(*points)
    assert len(named(found, "path", "mark")) == len(points)
    assert meeting(found) == []
    assert outside(found) == []
