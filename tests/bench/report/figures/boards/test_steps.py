"""The figure of steps: a panel for each kind of degradation, the training generator named, the cells' values."""

import math
from dataclasses import replace

import pytest

from bench.records import columns
from bench.report.figures.boards.steps import steps_content
from bench.report.figures.findings import Findings
from protocols.degradation import DegradationMatrix
from protocols.training.training_size import TrainingSize
from tests.support.drawings import named, outside, texts
from tests.support.synthetic_runs import GENERATORS, make_run, run_of, with_detector, with_manifest, without

DEGRADATIONS = ("jpeg:90", "jpeg:50", "blur:1", "blur:3", "jpeg:90+blur:1", "lr:112")
SKILL = {"none": 0.95, "jpeg:90": 0.8, "jpeg:50": 0.65, "blur:1": 0.9, "blur:3": 0.7}


def degraded(detectors=("alpha", "beta"), train_on=GENERATORS[:1], **further):
    asked = DegradationMatrix(train_on=train_on, degradations=DEGRADATIONS)
    return run_of(asked, lambda _, __, ___, step, ____: SKILL.get(step, 0.6), detectors, **further)


@pytest.fixture(scope="module")
def findings():
    run = with_detector(degraded(), "beta", shortcut="the names of the files")
    return Findings.of(without(run, run.cells["degradation"].eq("blur:3") & run.cells["detector"].eq("beta")))


@pytest.fixture(scope="module")
def content(findings):
    return steps_content(findings)


def test_kinds_have_panels_of_their_own_with_clean_images_first(content):
    (chart,) = content.charts
    assert [one.text for one in named(chart, "text", "bold")] == ["jpeg", "blur"]  # a chain and one severity are none
    ticks = [one.text for one in named(chart, "text") if one.given.get("text-anchor") == "middle"]
    assert ticks == ["none", "90", "50", "none", "1", "3"]
    assert outside(chart) == []


def test_the_generator_of_the_training_is_named(content):
    (chart,) = content.charts
    assert chart.title.endswith("trained on fog")
    several = steps_content(Findings.of(degraded(train_on=GENERATORS[:2]))).charts[0]
    assert several.title.endswith("trained on 2 train sets in turn")
    untrained = degraded()
    protocol = replace(untrained.manifest.protocol, trains=False)
    assert "trained on" not in steps_content(Findings.of(with_manifest(untrained, protocol=protocol))).charts[0].title


def test_values_and_intervals_are_those_of_the_cells(findings, content):
    cells = findings.measured.table
    rows = content.rows.set_index(["detector", "step"])
    low, high = columns.interval_of(columns.RANKED)
    for cell in cells.itertuples():
        found = rows.loc[cell.detector, cell.degradation]
        expected = [getattr(cell, name) for name in (columns.RANKED, low, high)]
        assert found.tolist() == pytest.approx(expected, nan_ok=True)
    (chart,) = content.charts
    tips = [mark.tip for mark in named(chart, "path", "mark")]
    for detector, step in (("alpha", "jpeg:50"), ("alpha", "blur:3"), ("beta", "none")):
        assert f"{findings.title(detector)}: {100 * rows.loc[detector, step][columns.RANKED]:.1f} %" in tips
    assert math.isnan(rows.loc["beta", "blur:3"][columns.RANKED])


def test_a_baseline_is_marked_and_a_missing_cell_is_no_point(content):
    (chart,) = content.charts
    assert "beta (baseline)" in texts(chart)
    of_beta = [mark for mark in named(chart, "path", "mark") if mark.tip.startswith("beta")]
    of_alpha = [mark for mark in named(chart, "path", "mark") if mark.tip.startswith("alpha")]
    assert (len(of_alpha), len(of_beta)) == (6, 5)


def test_the_description_says_how_far_the_best_falls(findings, content):
    (chart,) = content.charts
    best = findings.rankings[0].rows[0].detector
    rows = content.rows.set_index(["detector", "step"])[columns.RANKED]
    assert chart.description.startswith(f"{best}, jpeg: from {100 * rows[best, 'none']:.1f} % at none to ")
    assert f"{100 * rows[best, 'jpeg:50']:.1f} % at jpeg:50" in chart.description


def test_means_over_train_sets_have_no_interval():
    content = steps_content(Findings.of(degraded(train_on=GENERATORS[:2])))
    low, high = columns.interval_of(columns.RANKED)
    assert content.rows[[low, high]].isna().all().all()
    assert named(content.charts[0], "path", "band") == []


def test_at_most_twelve_lines_are_drawn_and_it_says_so():
    names = [f"d{number:02}" for number in range(14)]
    (chart,) = steps_content(Findings.of(degraded(names, n=20))).charts
    assert len(named(chart, "path", "curve")) == 2 * 12
    assert "The first 12 of 14 rows." in chart.note


def test_sizes_of_a_training_are_steps_and_generators_are_not():
    run = run_of(TrainingSize(sizes=(2, 8), train_on=("fog",)), lambda *_: 0.8)
    protocol = run.manifest.protocol
    run = with_manifest(run, protocol=replace(protocol, columns=replace(protocol.columns, steps=True)))
    (chart,) = steps_content(Findings.of(run)).charts
    assert len(named(chart, "path", "curve")) == 2
    assert {"2", "8"} <= set(texts(chart))
    assert list(steps_content(Findings.of(make_run())).charts) == []
