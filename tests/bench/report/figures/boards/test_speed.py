"""The figure of speed: accuracies and images per second of the leaderboard, its front, and nothing untimed."""

from dataclasses import replace

import pytest

from bench.records import columns
from bench.report.figures.boards.speed import speed_content
from bench.report.figures.findings import Findings
from tests.support.drawings import meeting, named, outside
from tests.support.synthetic_runs import make_run

SKILLS = {"alpha": 0.9, "beta": 0.7, "gamma": 0.6, "delta": 0.65}  # each faster than the one before


@pytest.fixture(scope="module")
def findings():
    return Findings.of(make_run(lambda detector, *_: SKILLS[detector], list(SKILLS), n=100))


def test_points_are_those_of_the_leaderboard(findings):
    (ranking,) = findings.rankings
    (chart,) = speed_content(findings).charts
    tips = {mark.tip for mark in named(chart, "path", "mark")}
    expected = {
        f"{row.detector}: {100 * row.means[ranking.ranked_by].value:.1f} %, {row.images_per_s:,.0f} images/s"
        for row in ranking.rows
    }
    assert tips == expected
    assert meeting(chart) == outside(chart) == []


def test_the_front_is_what_nothing_beats_in_both(findings):
    (ranking,) = findings.rankings
    (chart,) = speed_content(findings).charts
    rows = {row.detector: (row.images_per_s, row.means[ranking.ranked_by].value) for row in ranking.rows}
    front = {
        one
        for one, (speed, value) in rows.items()
        if not any(other[0] >= speed and other[1] >= value for name, other in rows.items() if name != one)
    }
    bold = {one.text for one in named(chart, "text") if "bold" in one.classes}
    assert bold == front
    assert front < set(SKILLS)
    assert set(chart.description.removeprefix("Not beaten in both: ").rstrip(".").split(", ")) == front


def test_a_run_that_was_not_timed_has_no_such_figure():
    run = make_run()
    assert list(speed_content(Findings.of(replace(run, throughput=run.throughput[:0]))).charts) == []
    assert columns.DETECTOR in run.throughput
    one = run.throughput[run.throughput[columns.DETECTOR].eq("alpha")]
    assert list(speed_content(Findings.of(replace(run, throughput=one))).charts) == []
