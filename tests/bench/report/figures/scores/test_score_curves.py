"""ROC and reliability of the best detectors: the curves of the analysis, and why there are none."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analyses.scores.curves import curves_of
from bench.report.figures.findings import Findings
from bench.report.figures.scores.score_curves import reliability_content, roc_content
from bench.report.ranking_columns import percent
from tests.support.drawings import named, outside, texts
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import make_run, run_of, with_detector, with_scores, without


def skill(detector, *_):
    return {"alpha": 0.6, "beta": 0.9, "gamma": 0.75}[detector]


@pytest.fixture(scope="module")
def findings():
    run = make_run(skill, ["alpha", "beta", "gamma"], seeds=(0, 1), n=20)
    return Findings.of(with_detector(run, "gamma", shortcut="the names of the files"))


@pytest.fixture(scope="module")
def curves(findings):
    return {one.detector: one for one in curves_of(findings.measured, "off-diagonal")}


def test_areas_are_those_of_the_curves_best_first(findings, curves):
    content = roc_content(findings)
    (table,) = content.tables
    names, areas, precisions = (column.texts for column in table.columns)
    assert names == ("beta", "gamma", "alpha")
    assert areas == tuple(percent(curves[name].roc.area) for name in names)
    assert precisions == tuple(percent(curves[name].precision_recall.area) for name in names)
    (chart,) = content.charts
    assert chart.description == f"The area below the ROC curve of beta is {areas[0]} %."
    assert "off-diagonal cells" in chart.note
    assert "The best" not in chart.note
    assert outside(chart) == []


def test_lines_go_through_the_points_of_the_curves(findings, curves):
    (chart,) = roc_content(findings).charts
    roc, precision_recall = chart.parts
    assert {"beta", "gamma (baseline)", "alpha"} <= set(texts(roc))
    for part, name in ((roc, "roc"), (precision_recall, "precision_recall")):
        drawn = {one.tip: one.points for one in named(part, "path", "curve")}
        assert list(drawn) == ["alpha", "gamma (baseline)", "beta"]  # the best is drawn last, over the others
        for title, points in drawn.items():
            curve = getattr(curves[title.partition(" ")[0]], name)
            assert affine(points, (curve.x, curve.y))


def affine(drawn, values):
    """Whether pixels are values in another unit: one scale and start across, another down."""
    for pixels, row in zip(np.array(drawn).T, values, strict=True):
        scale, start = np.polyfit(row, pixels, 1)
        if np.abs(scale * row + start - pixels).max() > 0.11:
            return False
    return True


def test_scores_are_beside_what_the_images_are(findings, curves):
    content = reliability_content(findings)
    (table,) = content.tables
    names, errors = (column.texts for column in table.columns)
    assert names == ("beta", "gamma", "alpha")
    assert errors == tuple(percent(curves[name].reliability.calibration_error) for name in names)
    (chart,) = content.charts
    assert [part.title for part in chart.parts] == ["beta", "gamma (baseline)", "alpha"]
    for part, name in zip(chart.parts, names, strict=True):
        bins = curves[name].reliability
        there = ~np.isnan(bins.scores)
        (line,) = named(part, "path", "curve")
        assert affine(line.points, (bins.scores[there], bins.generated[there]))


def test_the_best_ten_are_drawn_and_nine_have_a_panel():
    names = [f"d{place:02}" for place in range(12)]
    found = Findings.of(make_run(lambda detector, *_: 0.95 - 0.03 * names.index(detector), names, n=10))
    roc, reliability = roc_content(found), reliability_content(found)
    assert list(roc.tables[0].columns[0].texts) == found.best(10)
    assert "10 of 12 rows, the first on the board." in roc.charts[0].note
    assert [part.title for part in reliability.charts[0].parts] == found.best(9)
    assert "9 of 12 rows, the first on the board." in reliability.charts[0].note


def test_a_detector_without_every_cell_has_no_curve(findings):
    run = findings.run
    found = Findings.of(without(run, run.cells["detector"].eq("beta") & run.cells["test"].eq("kiln")))
    for content in (roc_content(found), reliability_content(found)):
        assert set(content.tables[0].columns[0].texts) == {"alpha", "gamma"}


def real_alone():
    run = make_run(n=10)
    return with_scores(run, run.scores[run.scores["label"].eq(0)])


def naming():
    run = run_of(Naming(), n=5)
    made = np.where(run.scores["label"] == 1, run.scores["name"].str.split("/").str[1], "")
    return replace(run, diagnostics=run.scores[["key", "name"]].assign(generator=made, predicted=made))


def missing():
    run = make_run(n=10)
    return without(run, run.cells["test"].eq("kiln"))


NO_QUESTION = "No cell asks whether an image is real or generated."


@pytest.mark.parametrize(
    ("make", "of_roc", "of_reliability"),
    [
        (missing, "alpha: 3 of 12 cells have no scores; beta: 3 of 12", "alpha: 3 of 12 cells have no scores; beta"),
        (real_alone, "alpha: 12 of 12 cells lack images of one class", ""),
        (naming, NO_QUESTION, NO_QUESTION),
    ],
    ids=["missing cells", "one class", "generators are named"],
)
def test_why_there_are_no_curves(make, of_roc, of_reliability):
    found = Findings.of(make())
    roc, reliability = roc_content(found), reliability_content(found)
    assert of_roc in roc.reason
    assert not roc.charts
    assert of_reliability in reliability.reason
    assert bool(reliability.charts) == (not of_reliability)
