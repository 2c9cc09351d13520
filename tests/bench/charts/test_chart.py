"""A chart in a page and in a file: XML, with a title and a description, and nothing that a name could break."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bench.charts.chart import Chart
from bench.charts.markup import element
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import outside, texts

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = Chart("Title", "In words.", 200, 100, element("circle", r=4.0, class_="mark c0-0"), "How to read it.")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("dark", [False, True])
def test_a_file_is_xml_whatever_its_title_says(text, dark):
    made = Chart(text, text, 200, 100, element("text", text, x=0, y=20), text)
    root = ET.fromstring(made.standalone(dark=dark))
    assert root.tag == f"{SVG}svg"
    assert {root.find(f"{SVG}{tag}").text for tag in ("title", "desc")} == {text}
    assert [node.text for node in root.iter(f"{SVG}text")] == [text] * 3
    assert not list(root.iter(f"{SVG}script"))
    inline = ET.fromstring(str(made.inline()))
    assert inline.get("aria-label") == f"{text}. {text}"
    assert texts(made) == [text]


def test_a_file_loads_nothing_and_holds_the_drawing_under_its_title():
    root = ET.fromstring(PLAIN.standalone())
    assert (float(root.get("width")), float(root.get("height"))) > (PLAIN.width, PLAIN.height)
    shown = [float(one) for one in root.get("viewBox").split()]
    assert shown == pytest.approx([0, 0, float(root.get("width")), float(root.get("height"))], abs=0.5)
    assert PLAIN.standalone().count("http") == 1  # the name of SVG
    assert "url(" not in PLAIN.standalone()
    assert [node.text for node in root.iter(f"{SVG}text")] == ["Title", "How to read it."]
    assert "href" not in PLAIN.standalone()


def test_without_a_note_there_is_no_line_for_it():
    bare = replace(PLAIN, note="")
    high, low = (float(ET.fromstring(one.standalone()).get("height")) for one in (PLAIN, bare))
    assert high > low
    assert [node.text for node in ET.fromstring(bare.standalone()).iter(f"{SVG}text")] == ["Title"]


def test_what_leaves_a_drawing_is_seen():
    assert outside(replace(PLAIN, body=element("text", "a long text", x=180.0, y=50.0)))
    assert not outside(replace(PLAIN, body=element("text", "a", x=180.0, y=50.0)))
