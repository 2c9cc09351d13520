"""The figure of detectors that are told apart: the groups of the ranking, and nothing where nothing was tested."""

from dataclasses import replace

import pytest

from bench.report.figures.boards.critical_difference import critical_difference_content
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import percent
from tests.support.drawings import meeting, named, outside, texts
from tests.support.synthetic_runs import make_run

NAMES = ["alpha", "beta", "gamma", "delta"]
SKILLS = dict(zip(NAMES, (0.9, 0.9, 0.7, 0.55), strict=True))


@pytest.fixture(scope="module")
def findings():
    return Findings.of(make_run(lambda detector, *_: SKILLS[detector], NAMES, n=100))


def test_every_ranked_detector_has_its_average_and_every_group_of_several_its_bar(findings):
    (ranking,) = findings.rankings
    (chart,) = critical_difference_content(findings).charts
    tips = [f"{row.detector}: {percent(row.means[ranking.ranked_by].value)}" for row in ranking.rows]
    assert [mark.tip for mark in named(chart, "path", "mark")] == tips
    several = [group for group in ranking.groups if len(group) > 1]
    assert len(named(chart, "path", "thick")) == len(several) >= 1
    for group in several:
        assert f"not told apart: {', '.join(group)}" in chart.description
    assert {name for name in NAMES if any(name in text for text in texts(chart))} == set(NAMES)
    assert meeting(chart) == outside(chart) == []


def test_who_is_in_no_group_is_said_to_be_told_apart(findings):
    (ranking,) = findings.rankings
    alone = replace(ranking, groups=[group for group in ranking.groups if "delta" not in group])
    (chart,) = critical_difference_content(replace(findings, rankings=[alone])).charts
    assert "delta is told apart from all others" in chart.description


@pytest.mark.parametrize("names", [NAMES[:1], NAMES[:2]])
def test_one_or_two_are_no_diagram(names):
    found = critical_difference_content(Findings.of(make_run(lambda detector, *_: SKILLS[detector], names)))
    assert list(found.charts) == []


def test_what_was_not_tested_is_no_diagram(findings):
    untested = [replace(one, pairs=()) for one in findings.rankings]
    assert list(critical_difference_content(replace(findings, rankings=untested)).charts) == []
