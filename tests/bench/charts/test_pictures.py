"""Pictures in charts: the pixels that were given, in squares of one size, under titles that fit."""

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.charts.pictures import Picture, data_uri, diverging, grey_levels, picture_chart
from tests.bench.charts.test_markup import HOSTILE
from tests.support.drawings import meeting, named, outside, texts

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., 0], PIXELS[::2, ::-1]])
def test_pixels_are_kept(pixels):
    head, _, data = data_uri(pixels).partition(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) == pixels).all()


def test_a_picture_fills_its_square_and_keeps_its_shape():
    found = picture_chart("Spectra", "In words.", [Picture("one", PIXELS, "said")] * 3, side=150)
    images = named(found, "image")
    assert [(float(one.given["width"]), float(one.given["height"])) for one in images] == [(150, 100)] * 3
    assert len({one.origin[0] for one in images}) == 3
    assert [part.description for part in found.parts] == ["said"] * 3


@given(st.text("abcdefgWM ()", min_size=1, max_size=60), st.text("abcdefgWM", max_size=60))
def test_titles_fit_their_square(title, line):
    found = picture_chart("Spectra", "", [Picture(title, PIXELS, "", line)] * 2, side=120)
    assert outside(found) == []
    assert meeting(found) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_text(name):
    found = picture_chart(name, name, [Picture(name, PIXELS, name, name)], side=900)
    assert texts(found) == [name, name]


def test_numbers_become_grey_levels_and_colours_around_nothing():
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    assert grey_levels(values, -1, 1).tolist() == [[0, 0, 128, 255, 255]]
    below, nothing, above = diverging(np.array([[-1.0, 0.0, 1.0]]), 1.0)[0].astype(int)
    assert nothing.min() > 230
    assert below[0] > below[2]
    assert above[2] > above[0]
    assert (diverging(values, 1.0)[0, 0] == below).all()
