"""Charts as PNG: the same bytes for the same chart, as large as it says, whatever the machine is set to."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.charts.chart import Chart
from bench.charts.markup import element, joined
from bench.charts.raster import ZOOM, to_png
from tests.bench.charts.test_markup import HOSTILE

BODY = joined(element("rect", x=0, y=0, width=50.0, height=50.0, class_="h100"), element("text", "hog", x=80.0, y=40.0))
CHART = Chart("Title", "In words.", 200, 100, BODY)


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def frame(chart):
    """Width and height of the file of a chart."""
    first = chart.standalone().partition(">")[0]
    return [float(first.partition(f'{name}="')[2].partition('"')[0]) for name in ("width", "height")]


@pytest.mark.parametrize("zoom", [1.0, ZOOM])
def test_a_picture_has_the_size_of_its_drawing_times_the_zoom(zoom):
    high, wide, _ = pixels(to_png(CHART, zoom=zoom)).shape
    assert [wide, high] == pytest.approx([zoom * side for side in frame(CHART)], abs=zoom)


def test_the_same_chart_gives_the_same_bytes_whatever_the_user_set(monkeypatch):
    first = to_png(CHART)
    for name, value in {
        "LANG": "de_DE.UTF-8",
        "TZ": "Asia/Tokyo",
        "MPLBACKEND": "agg",
        "FONTCONFIG_FILE": "/x",
    }.items():
        monkeypatch.setenv(name, value)
    assert to_png(CHART) == first
    assert b"tIME" not in first
    assert b"tEXt" not in first


def test_colours_of_the_ground_and_of_a_cell_are_drawn():
    light, dark = pixels(to_png(CHART)), pixels(to_png(CHART, dark=True))
    assert tuple(light[2, 2]) == (255, 255, 255)
    assert tuple(dark[2, 2]) == (0x17, 0x17, 0x1A)
    assert (light == (14, 58, 88)).all(axis=-1).sum() == pytest.approx((ZOOM * 50) ** 2, rel=0.05)
    assert (dark == (186, 232, 236)).all(axis=-1).any()


def test_texts_are_drawn_in_the_typeface_that_is_measured():
    ink = np.argwhere(pixels(to_png(Chart("", "", 200, 100, element("text", "hog_svm", x=0, y=50.0))))[..., 0] < 128)
    from bench.charts.typefaces import text_width

    assert (np.ptp(ink[:, 1]) + 1) / ZOOM == pytest.approx(text_width("hog_svm", 12), abs=2.5)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_name_is_drawn(text):
    chart = Chart(text, text, 200, 100, element("text", text, x=10.0, y=50.0), text)
    assert to_png(chart).startswith(b"\x89PNG")
