"""The figure of averages: rows of the leaderboard, best first, with its numbers and its intervals."""

import math

import pytest

from bench.report.figures.boards.averages import averages_content
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import percent, rank_text
from tests.support.drawings import named, outside, texts
from tests.support.synthetic_runs import falling, make_run, with_detector, without

NAMES = ["alpha", "beta", "gamma", "delta"]


def skill(detector, *place):
    return falling(home=0.95, kin=0.8, away=0.55 + 0.1 * NAMES.index(detector))(detector, *place)


@pytest.fixture(scope="module")
def findings():
    run = make_run(skill, NAMES)
    run = without(run, run.cells["detector"].eq("gamma") & run.cells["test"].eq("kiln"), "failed", "no room")
    return Findings.of(with_detector(run, "beta", shortcut="the names of the files"))


@pytest.fixture(scope="module")
def chart(findings):
    (found,) = averages_content(findings).charts
    return found


def test_rows_are_those_of_the_leaderboard_in_its_order(findings, chart):
    (ranking,) = findings.rankings
    labels = [text.partition(" ")[0] for text in texts(chart) if text.partition(" ")[0] in NAMES]
    assert labels == [row.detector for row in ranking.rows]
    assert labels[0] == "delta"
    for row in ranking.rows:
        assert rank_text((row.rank, row.last_rank)) in texts(chart)
        value = percent(row.means[ranking.ranked_by].value)
        assert f"{value}   AP {percent(row.metrics['ap'])}" in texts(chart)


def test_baselines_and_missing_cells_are_marked(chart):
    assert "beta (baseline)" in texts(chart)
    assert any(text.startswith("gamma (") and text.endswith("cells)") for text in texts(chart))
    assert "alpha" in texts(chart)


def test_marks_and_intervals_stand_at_the_numbers_of_the_leaderboard(findings, chart):
    (ranking,) = findings.rankings
    ticks = {one.text: one.origin[0] for one in named(chart, "text", "small") if one.text in {"50", "100"}}

    def number(across):
        return 0.5 + 0.5 * (across - ticks["50"]) / (ticks["100"] - ticks["50"])

    marks, bars = named(chart, "path", "mark"), named(chart, "path", "bar")
    assert len(marks) == len(ranking.rows)
    for row, mark in zip(ranking.rows, marks, strict=True):
        mean = row.means[ranking.ranked_by]
        assert number(mark.at(0, 0)[0]) == pytest.approx(mean.value, abs=5e-4)
        assert mark.tip == f"{row.detector}: {percent(mean.value)}"
        own = [bar for bar in bars if bar.points[0][1] == mark.at(0, 0)[1]]
        assert len(own) == (not math.isnan(mean.low))
        for bar in own:
            assert [number(across) for across, _ in bar.points] == pytest.approx([mean.low, mean.high], abs=5e-4)


def test_the_average_on_home_ground_stands_beside(findings, chart):
    (ranking,) = findings.rankings
    homes = [circle.tip for circle in named(chart, "circle")]
    expected = [f"{row.detector}, {ranking.home}: {percent(row.means[ranking.home].value)}" for row in ranking.rows]
    assert homes == expected
    assert f"small circle: {ranking.home}" in chart.note


def test_no_text_leaves_the_drawing(chart):
    assert outside(chart) == []
    assert "delta has the highest off-diagonal accuracy" in chart.description


def test_a_run_without_scores_has_no_such_figure():
    run = make_run()
    found = averages_content(Findings.of(without(run, run.cells["seed"].eq(0), "failed", "no room")))
    assert list(found.charts) == []
