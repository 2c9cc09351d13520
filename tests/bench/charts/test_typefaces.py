"""Widths of texts, and texts that are shortened to fit."""

import base64
import re

from hypothesis import given
from hypothesis import strategies as st

from bench.charts.typefaces import BOLD, REGULAR, font_faces, shortened, text_width

TEXTS = st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), max_size=40)


def test_digits_have_one_width_so_that_numbers_stand_below_one_another():
    for weight in (REGULAR, BOLD):
        assert len({text_width(digit, 12, weight) for digit in "0123456789"}) == 1


def test_widths_are_in_proportion_to_the_size():
    assert text_width("hog_svm", 24) == 2 * text_width("hog_svm", 12) > 0
    assert text_width("hog_svm", 12, BOLD) > text_width("hog_svm", 12)


@given(TEXTS, st.floats(0, 200))
def test_a_shortened_text_fits_and_is_a_beginning(text, width):
    short = shortened(text, 10.5, width)
    assert text_width(short, 10.5) <= max(width, text_width("…", 10.5))
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
    assert (short == text) == (text_width(text, 10.5) <= width) or short == text


def test_the_files_of_both_weights_and_their_licence_are_there():
    for weight in (REGULAR, BOLD):
        assert weight.drawn.read_bytes()[:4] == b"\x00\x01\x00\x00"
        assert weight.embedded.read_bytes()[:4] == b"wOF2"
        assert "SIL OPEN FONT LICENSE" in (weight.drawn.parent / "LICENSE.txt").read_text()


def test_the_typeface_in_a_style_sheet_is_that_of_its_files_and_asks_nobody():
    found = re.findall(r"font-weight:(\d+);src:url\(data:font/woff2;base64,([^)]+)\)", font_faces())
    assert [(int(number), base64.b64decode(data)) for number, data in found] == [
        (weight.number, weight.embedded.read_bytes()) for weight in (REGULAR, BOLD)
    ]
    assert font_faces().count("url(") == 2
