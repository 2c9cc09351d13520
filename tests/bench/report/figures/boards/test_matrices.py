"""The figure of matrices: every cell of the run's own matrices, families apart, best detector first."""

import math

import pandas as pd
import pytest

from bench.charts.numbers import percent_text
from bench.evaluation.cells import matrices
from bench.report.figures.boards.matrices import matrices_content, matrix_labels
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import average_text, rank_text
from tests.support.drawings import meeting, named, outside, texts
from tests.support.open_protocols import by_size
from tests.support.synthetic_runs import falling, make_run, with_detector, without


def skill(detector, *place):
    return falling(away={"alpha": 0.55, "beta": 0.75}.get(detector, 0.6))(detector, *place)


@pytest.fixture(scope="module")
def findings():
    run = make_run(skill, ["alpha", "beta", "gamma"])
    run = without(run, run.cells["detector"].eq("gamma") & run.cells["test"].eq("kiln"), "failed", "no room")
    return Findings.of(with_detector(run, "alpha", shortcut="the names of the files"))


@pytest.fixture(scope="module")
def content(findings):
    return matrices_content(findings)


def test_every_cell_has_the_number_of_the_runs_own_matrix(findings, content):
    (chart,) = content.charts
    own = matrices(findings.measured.table, findings.manifest.protocol)
    numbers = [one.text for one in named(chart, "text") if {"number", "tiny"} & set(one.classes)]
    expected = []
    for detector in findings.matrices:
        rows, across = matrix_labels(findings, detector, own[detector])
        expected += [percent_text(own[detector].loc[row, column]) for row in rows for column in across]
    assert numbers == expected
    assert numbers.count("-") == own["gamma"].isna().to_numpy().sum() == 4
    assert len(named(chart, "rect", "missing")) == 4


def test_panels_stand_best_first_with_their_rank_their_averages_and_their_mark(findings, content):
    (chart,) = content.charts
    (ranking,) = findings.rankings
    titles = [one.text for one in named(chart, "text", "bold") if "  " in one.text]
    expected = [f"{rank_text((row.rank, row.last_rank))}  {findings.title(row.detector)}" for row in ranking.rows]
    assert titles == expected
    assert titles[0].endswith("beta")
    assert any(title.endswith("alpha (baseline)") for title in titles)
    for row in ranking.rows:
        first = average_text(row.means[ranking.leading[0]], with_interval=True)
        assert any(first in text for text in texts(chart))


def test_the_note_names_data_setting_seeds_and_images(findings, content):
    (chart,) = content.charts
    for said in ("rendered scenes, tiny generators", "Setting: small", "1 training seed.", "100 images"):
        assert said in chart.note
    assert meeting(chart) == outside(chart) == []
    assert {"mist", "fire"} <= set(texts(chart))


def test_the_rows_behind_it_are_the_cells_of_the_run(findings, content):
    assert isinstance(content.rows, pd.DataFrame)
    assert len(content.rows) == len(findings.run.cells)


def test_single_rows_are_one_panel_of_all_detectors():
    findings = Findings.of(make_run(degraded=True))
    (chart,) = matrices_content(findings).charts
    assert list(matrix_labels(findings, "", pd.concat(findings.matrices.values()).set_axis(["alpha", "beta"]))[0]) == [
        "alpha",
        "beta",
    ]
    assert [text for text in texts(chart) if text in {"alpha", "beta"}] == list(findings.matrices)


def test_axes_that_are_no_generators_are_one_group():
    findings = Findings.of(by_size())
    (chart,) = matrices_content(findings).charts
    rows = [one for one in named(chart, "text") if one.text in {"10", "2", "all"} and not one.slants]
    assert [one.text for one in rows][:3] == ["10", "2", "all"]


def test_a_run_without_scores_is_grey_and_says_so():
    run = make_run()
    (chart,) = matrices_content(Findings.of(without(run, run.cells["seed"].eq(0), "failed", "no room"))).charts
    assert "No cell was scored." in chart.note
    numbers = {one.text for one in named(chart, "text") if {"number", "tiny"} & set(one.classes)}
    assert numbers == {"-"}
    assert not math.isnan(chart.width)
