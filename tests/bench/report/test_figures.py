"""The list of figures: those of Lineup, then those of other packages."""

from functools import partial
from xml.etree import ElementTree as ET

import pytest

from bench.platform.errors import InputError
from bench.report.figures import FIGURES, all_figures, page_figures
from bench.report.figures.findings import Findings
from detectors.catalogue import UnknownName
from tests.support.drawings import outside
from tests.support.entry_points import install
from tests.support.pages import conditions_run, hostile_run
from tests.support.synthetic_runs import make_run

degraded_run = partial(make_run, degraded=True)
PLACE = "tests.support.extensions"


def test_names_are_unique_and_fit_for_files_and_every_figure_asks_a_question():
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert all(figure.question.endswith("?") and figure.legend.endswith(".") for figure in FIGURES)


def test_a_figure_of_another_package_stands_behind_those_of_lineup(monkeypatch):
    install(monkeypatch, "lineup.figures", classes=f"{PLACE}:FIGURE")
    assert [figure.name for figure in all_figures()] == [*(figure.name for figure in FIGURES), "classes"]
    figure, content = page_figures(Findings.of(make_run()))[-1]
    assert figure.name == "classes"
    assert content.charts[0].description == "3200 scores."


@pytest.mark.parametrize("value", ["METRIC", "content"])
def test_what_is_no_figure_is_one_line(monkeypatch, value):
    install(monkeypatch, "lineup.figures", mine=f"{PLACE}:{value}")
    with pytest.raises(InputError, match=r"figure 'mine' is .*: a figure is a bench\.report\.figures\.figure\.Figure"):
        all_figures()


def test_a_figure_that_cannot_be_imported_is_named(monkeypatch):
    install(monkeypatch, "lineup.figures", mine="no.such.module:FIGURE")
    with pytest.raises(UnknownName, match="mine"):
        all_figures()


def test_what_does_not_apply_is_left_out():
    shown = {figure.name for figure, _ in page_figures(Findings.of(make_run()))}
    assert {"averages", "matrix", "speed"} <= shown
    assert not {"curves", "confusion", "critical_difference"} & shown  # two detectors, no steps, nothing to name


@pytest.mark.parametrize("make", [make_run, hostile_run, conditions_run, degraded_run])
def test_every_chart_is_xml_says_what_is_to_be_seen_and_keeps_its_texts_inside(make):
    for figure, content in page_figures(Findings.of(make())):
        for chart in content.charts:
            root = ET.fromstring(chart.standalone())
            assert not [node for node in root.iter() if node.tag.endswith("script")]
            assert chart.title, figure.name
            assert chart.description.endswith("."), figure.name
            assert outside(chart) == [], figure.name
            for part in chart.parts:
                assert part.description, figure.name
