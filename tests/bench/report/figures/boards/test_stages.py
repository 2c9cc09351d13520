"""The figure of stages: a bar for each timed detector, the slowest first, with the numbers of its table."""

from dataclasses import replace

import numpy as np

from bench.charts.bars import BarPart
from bench.records import columns
from bench.report.figures.boards.stages import stages_content
from bench.report.figures.findings import Findings
from tests.support.drawings import meeting, named, outside, texts
from tests.support.synthetic_runs import make_run


def content_of(run):
    return stages_content(Findings.of(run))


def run_with(**changes):
    run = make_run(n=5)
    return replace(run, throughput=run.throughput.assign(**changes))


def test_bars_and_table_are_of_the_timings():
    content = content_of(run_with(device_ms=[3.0, 14.0], disturbed=[True, False]))
    (chart,), (table,) = content.charts, content.tables
    assert content.rows[columns.DETECTOR].tolist() == ["beta", "alpha"]  # 20 ms and 9 ms
    tips = [mark.tip for mark in named(chart, "path", "mark") if mark.tip]
    assert "beta, device: 14.00 ms, 70.0 %" in tips
    assert "alpha, read: 1.00 ms, 11.1 %" in tips
    assert {"20.00 ms an image", "9.00 ms an image ~"} <= set(texts(chart))
    assert chart.description.startswith("beta takes longest, 20.00 ms an image; it is limited by device")
    shown = {column.header: column.texts for column in table.columns}
    assert shown["total"] == ("20.00", "9.00")
    assert shown["images/s"] == ("101", "100 ~")
    assert meeting(chart) == outside(chart) == []


def test_what_an_earlier_version_did_not_time_apart_is_a_dash():
    content = content_of(run_with(read_ms=np.nan, copy_ms=np.nan, disturbed=np.nan))
    shown = {column.header: column.texts for column in content.tables[0].columns}
    assert set(shown["read"]) == set(shown["copy"]) == {"-"}
    assert set(shown["total"]) == {"5.00"}


def test_nothing_is_drawn_of_a_run_that_was_not_timed():
    run = make_run(n=5)
    content = content_of(replace(run, throughput=run.throughput.iloc[:0]))
    assert not content.charts
    assert "No detector was timed" in content.reason


def test_each_stage_has_a_colour_of_its_own():
    (chart,) = content_of(make_run(n=5)).charts
    squares = [mark.classes[-1] for mark in named(chart, "path", "mark") if not mark.tip]
    assert len(set(squares)) == len(columns.STAGES)
    assert BarPart("read", squares[0]).css == "c0-0"
