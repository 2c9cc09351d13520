"""Elements: whatever comes from outside is text, in every place."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bench.charts.markup import element, empty, joined, text_of

HOSTILE = ("<script>alert(1)</script>", '"', "'", "&", "&lt;", "]]>", "-->", '" onload="alert(1)', "</svg>", "日本 é")
LETTERS = st.characters(exclude_categories=("Cs", "Cc"))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_outside_stays_text(text):
    (node,) = [ET.fromstring(str(element("text", text, given_one=text, class_="a")))]
    assert node.text == text
    assert node.attrib == {"given-one": text, "class": "a"}
    assert len(node) == 0


@given(st.text(LETTERS), st.text(LETTERS))
def test_any_text_is_read_back_as_it_was(text, value):
    node = ET.fromstring(str(element("text", text, title=value)))
    assert (node.text or "") == text
    assert node.get("title") == value


def test_elements_are_kept_and_what_is_none_is_left_out():
    assert element("g", Markup("<a></a>"), None, "<", id=None, hidden="") == '<g hidden=""><a></a>&lt;</g>'
    assert joined("<", None, Markup("<b></b>")) == "&lt;<b></b>"
    assert empty("input", type="search", value='"') == '<input type="search" value="&#34;">'


@pytest.mark.parametrize(
    ("number", "text"),
    [(1.0, "1"), (-1.0, "-1"), (0.0, "0"), (-0.0, "0"), (-0.001, "0"), (0.004, "0"), (1.239, "1.24"), (10.0, "10")],
)
def test_numbers_are_short(number, text):
    assert text_of(number) == text


@given(st.floats(-1e6, 1e6))
def test_numbers_are_near_what_they_were(number):
    assert abs(float(text_of(number)) - number) <= 0.0051
    assert text_of(number) != "-0"


def test_a_parser_of_pages_sees_no_element_of_a_name():
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.append((tag, dict(attributes)))

    for text in HOSTILE:
        Reader().feed(str(element("p", text, title=text)))
    assert seen == [("p", {"title": text}) for text in HOSTILE]
