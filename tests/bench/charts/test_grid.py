"""Panels of one kind side by side: whole in a file, and one by one in a page."""

from xml.etree import ElementTree as ET

import pytest

from bench.charts.chart import Chart
from bench.charts.grid import WIDTH, grid_chart
from bench.charts.markup import element
from tests.support.drawings import named, texts

SCALE = Chart("Scale", "From 0 to 1.", 300, 30, element("text", "scale", x=0, y=20))


def panels(count, width=250.0):
    return [
        Chart(f"panel {place}", f"words {place}", width, 100, element("text", f"p{place}", x=10, y=20))
        for place in range(count)
    ]


@pytest.mark.parametrize(("count", "width", "across"), [(1, 250, 1), (3, 250, 3), (5, 250, 3), (2, 2000, 1)])
def test_a_file_has_as_many_across_as_its_width_holds(count, width, across):
    found = grid_chart("All", "In words.", panels(count, width), gap=28, below=SCALE)
    places = [one.origin for one in named(found, "text") if one.text.startswith("p")]
    expected = [(10 + place % across * (width + 28), 20 + place // across * 128) for place in range(count)]
    assert places == [pytest.approx(one) for one in expected]
    assert found.width == max(across * (width + 28) - 28, SCALE.width)
    assert found.width <= WIDTH or across == 1
    (scale,) = [one for one in named(found, "text") if one.text == "scale"]
    assert max(down for _, down in places) < scale.origin[1] < found.height


def test_a_page_has_each_panel_with_its_own_words():
    found = grid_chart("All", "In words.", panels(3), below=SCALE)
    root = ET.fromstring(f"<div>{found.inline()}</div>")
    said = [node.get("aria-label") for node in root.iter("svg")]
    assert said == ["panel 0. words 0", "panel 1. words 1", "panel 2. words 2", "Scale. From 0 to 1."]
    assert {node.get("role") for node in root.iter("svg")} == {"img"}
    assert texts(found) == ["p0", "p1", "p2", "scale"]
    assert found.standalone().count("<svg") == 1
