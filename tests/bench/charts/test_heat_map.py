"""Heat maps: every cell has its number and its colour, or neither, and no text leaves the drawing or meets another."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.charts.numbers import percent_text, step_of
from bench.charts.typefaces import text_width
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

GROUPS = (("fog", "haze"), ("kiln",))
NAMES = [name for group in GROUPS for name in group]
VALUES = {
    ("fog", "fog"): 1.0,
    ("fog", "haze"): 0.9951,
    ("fog", "kiln"): 0.5,
    ("haze", "fog"): 0.0,
    ("haze", "haze"): 0.004,
    ("haze", "kiln"): math.nan,
    ("kiln", "fog"): 0.3,
    ("kiln", "haze"): 0.62,
}  # kiln on kiln is not there at all


def panel(**changes):
    given = {"title": "1-2  hog_svm", "values": VALUES, "rows": GROUPS, "columns": GROUPS, **changes}
    return HeatMapPanel(**given)


def chart(*panels, **options):
    return heat_map_chart("Matrix", "In words.", panels or [panel()], **options)


def square(size, *, names=lambda number: f"generator {number}", numbers=True, **changes):
    """A panel of so many classes, each named right three times in four, else as another one."""
    labels = [names(number) for number in range(size)]
    values = {(row, column): 0.0 for row in labels for column in labels}
    for place, name in enumerate(labels):
        values[name, name], values[name, labels[place - 1]] = 0.75, 0.25
    return HeatMapPanel("one", values, [labels], [labels], kind="s", numbers=numbers, **changes)


def cells(found):
    """The boxes and the numbers of the cells of a chart, by row and column of its only panel."""
    boxes = [one for one in named(found, "rect") if {"missing"} & set(one.classes) or one.given["width"] != "2.2"]
    keys = [(row, column) for row in NAMES for column in NAMES]
    return dict(zip(keys, boxes, strict=True))


def test_every_cell_has_the_colour_and_the_number_of_its_value():
    found = chart()
    boxes = cells(found)
    numbers = [one for one in named(found, "text") if {"number", "tiny"} & set(one.classes)]
    for key, box in boxes.items():
        value = VALUES.get(key, math.nan)
        step = step_of(value)
        assert box.classes == (("missing",) if step is None else (f"h{step}",))
        left, top = box.origin
        inside = [one for one in numbers if left < one.origin[0] < left + 30 and top < one.origin[1] < top + 24]
        assert [one.text for one in inside] == [percent_text(value)]
        assert ("faint" in inside[0].classes) == (step is None)
        assert ("bold" in inside[0].classes) == (key[0] == key[1])


def test_cells_lie_in_order_and_groups_stand_apart():
    boxes = cells(chart())
    across = [boxes["fog", name].origin[0] for name in NAMES]
    down = [boxes[name, "fog"].origin[1] for name in NAMES]
    for places in (across, down):
        first, second = (later - sooner for sooner, later in pairwise(places))
        assert second > first > 0  # kiln is of another family
    labels = {one.text: one for one in named(chart(), "text") if one.text in NAMES and not one.slants}
    assert [labels[name].origin[1] for name in NAMES] == pytest.approx([place + 16 for place in down])


def test_numbers_fit_their_cells():
    found = chart()
    for one in named(found, "text"):
        if {"number", "tiny"} & set(one.classes):
            assert one.box[2] - one.box[0] <= 29
            assert one.box[3] - one.box[1] <= 23


@pytest.mark.parametrize(("size", "panels", "numbers"), [(5, 1, True), (16, 3, True), (27, 1, True), (45, 1, False)])
def test_numbers_fit_their_cells_or_are_left_out(size, panels, numbers):
    found = heat_map_chart("Attribution", "", [square(size, numbers=numbers)] * panels)
    small = [one for one in named(found, "text") if {"number", "tiny"} & set(one.classes)]
    shown = [one for one in small if not one.text.startswith("generator")]  # labels of cells without numbers are tiny
    assert len(small) - len(shown) == (0 if numbers else 2 * size * panels)
    assert len(shown) == (2 * size * panels if numbers else 0)
    side = min(float(one.given["width"]) for one in named(found, "rect") if float(one.given["width"]) > 3)
    assert all(text_width(one.text, one.size) < side for one in shown)
    assert meeting(found) == []
    assert outside(found) == []


def test_shares_that_round_to_nothing_stay_empty_and_counts_stand_beside_the_row():
    found = heat_map_chart("Attribution", "", [square(5, counts={"generator 0": "1,200"})])
    assert sorted(one for one in texts(found) if one.isdigit()) == ["25"] * 5 + ["75"] * 5
    assert "generator 0  1,200" in texts(found)
    assert "50 %" in texts(found)
    assert "50 %, chance" in texts(chart())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text_in_every_place(name):
    values = {(name, name): 0.5}
    one = HeatMapPanel(name, values, [[name]], [[name]], [name], [name], {name: name})
    found = heat_map_chart(name, name, [one], note=name)
    assert texts(found).count(name) >= 3
    assert {one.tag for one in named(found, "script")} == set()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_panels_do_not_overlap(count):
    found = heat_map_chart("Matrix", "", [panel(title=f"detector {place}", lines=["a", "b"]) for place in range(count)])
    assert sum(text.startswith("detector") for text in texts(found)) == count
    assert meeting(found) == []
    assert outside(found) == []


WORDS = st.text("abcdefghij_+ 0123456789WM", min_size=1, max_size=24).map(str.strip).filter(bool)


@settings(max_examples=15)
@given(st.lists(WORDS, min_size=1, max_size=9, unique=True), WORDS, st.lists(WORDS, max_size=2), st.booleans())
def test_no_text_leaves_the_drawing_or_meets_another(names, title, lines, several):
    groups = [names[:1], names[1:]] if len(names) > 1 else [names]
    heads = [f"family {place}" for place in range(len(groups))] if several else ()
    values = {(row, column): 0.995 for row in names for column in names}
    one = HeatMapPanel(title, values, groups, groups, lines, heads, dict.fromkeys(names, "1,234"))
    found = heat_map_chart("Matrix", "", [one, one])
    assert outside(found) == []
    assert meeting(found) == []
