"""Figures as files: each form holds what the figure shows, and what it has not is said in one line."""

import io
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.charts.chart import Chart
from bench.charts.markup import element
from bench.platform.errors import InputError
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.files import figure_files
from bench.report.ranking_columns import TableColumn, TitledTable

HOSTILE = r"50% of A&B_{x} # $5 ~ ^ \input{y}"
CHARTS = [Chart(f"chart {place}", "In words.", 120, 40, element("text", "a", x=0, y=20)) for place in range(2)]
TABLE = TitledTable("A table\nof names", (TableColumn("a_name", (HOSTILE, "plain"), left=True),
                                          TableColumn("share", ("1.0", "2.0"))))  # fmt: skip
ROWS = pd.DataFrame({"name": [HOSTILE, 'comma, quote "'], "value": [0.25, np.nan]})
FIGURE = Figure("made_up", "Made up", "Is it?", lambda _: FigureContent(), "Read it so.")
WHOLE = FigureContent(CHARTS, [TABLE], ROWS)


def test_each_chart_is_a_drawing_of_its_own():
    found = figure_files(FIGURE, WHOLE, ".svg")
    titles = [ET.fromstring(one).findtext("{http://www.w3.org/2000/svg}title") for one in found]
    assert titles == ["chart 0", "chart 1"]
    assert figure_files(FIGURE, WHOLE, ".svg", dark=True) != found


def test_pictures_are_dark_where_that_is_asked_for():
    light, dark = (figure_files(FIGURE, WHOLE, ".png", dark=dark)[0] for dark in (False, True))
    corners = [np.asarray(Image.open(io.BytesIO(one)).convert("L"))[0, 0] for one in (light, dark)]
    assert corners[0] > 200
    assert corners[1] < 60


def test_numbers_are_read_back_as_they_are():
    (found,) = figure_files(FIGURE, WHOLE, ".csv")
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(found)), ROWS)


def test_markdown_has_title_cells_and_legend():
    (found,) = figure_files(FIGURE, WHOLE, ".md")
    text = found.decode()
    assert text.startswith("### A table")
    assert "| plain" in text
    assert text.endswith("Read it so.\n")


def test_latex_escapes_what_means_something_there():
    (found,) = figure_files(FIGURE, WHOLE, ".tex")
    text = found.decode()
    title, *lines = text.splitlines()
    assert title == "% A table of names"
    assert lines[0].startswith(r"\begin{tabular}")
    assert r"\toprule" in text
    assert r"a\_name" in text
    (row,) = [line for line in lines if "50" in line]
    for sign in (r"50\%", r"A\&B\_\{x\}", r"\#", r"\$5"):
        assert sign in row
    assert r"\input" not in row
    assert not [line for line in lines if line.count("&") - line.count(r"\&") > 1]


@pytest.mark.parametrize(
    ("ending", "said"),
    [(".jpg", "as .svg, .png, .csv, .md, .tex, not as .jpg"), ("", "not as a file without an ending")],
)
def test_another_ending_is_refused_with_those_that_are_known(ending, said):
    with pytest.raises(InputError, match=said):
        figure_files(FIGURE, WHOLE, ending)


@pytest.mark.parametrize(
    ("content", "ending", "said"),
    [
        (FigureContent(tables=[TABLE]), ".svg", "figure made_up has nothing to write as .svg; it has .md, .tex"),
        (FigureContent(CHARTS), ".csv", "figure made_up has nothing to write as .csv; it has .svg"),
        (FigureContent(rows=ROWS), ".png", "nothing to write as .png; it has .csv"),
        (FigureContent(), ".md", "nothing to write as .md; it has nothing to show"),
        (FigureContent(reason="It is night."), ".md", "it has nothing to show: It is night."),
    ],
)
def test_a_form_that_a_figure_has_not_is_refused_with_those_that_it_has(content, ending, said):
    with pytest.raises(InputError) as error:
        figure_files(FIGURE, content, ending)
    assert str(error.value).endswith(said)
