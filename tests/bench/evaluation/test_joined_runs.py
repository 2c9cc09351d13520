"""Runs of one question stand in one table, and versions of a detector apart from each other."""

import json

import pandas as pd

from bench.evaluation.joined_runs import join_where_possible
from bench.records.store import Store
from bench.report.run_report import report_boards
from tests.support.synthetic_runs import make_run, with_data, with_detector, with_scores

RUN = make_run(detectors=["alpha"], n=3)


def places(runs):
    return [found for _, found in join_where_possible(runs)]


def test_what_can_be_joined_is_and_another_version_stands_apart():
    beta, other_data = make_run(detectors=["beta"], n=3), with_data(RUN, title="photos", digest="d2")
    newer = with_detector(RUN, "alpha", key="alpha.2.small")
    runs = [RUN, other_data, newer, beta, newer]
    assert places(runs) == [(0, 3), (1,), (2, 4)]
    joined = join_where_possible(runs)
    assert [list(run.manifest.detectors) for run, _ in joined] == [["alpha", "beta"], ["alpha"], ["alpha"]]
    pd.testing.assert_frame_equal(joined[1][0].scores, other_data.scores)


def test_scores_of_another_backend_are_another_version():
    keys = {key: f"{key}-other" for key in RUN.cells["key"]}
    cells, scores = (table.assign(key=table["key"].map(keys)) for table in (RUN.cells, RUN.scores))
    assert places([RUN, with_scores(RUN, scores, cells=cells)]) == [(0,), (1,)]


def test_a_board_of_several_tables_says_of_which_runs_each_is(tmp_path, capsys):
    newer = with_detector(RUN, "alpha", key="alpha.2.small")
    report_boards(
        {"first": [RUN], "second": [newer, with_data(newer, title="photos", digest="d2")]}, Store.at(tmp_path)
    )
    board = json.loads((tmp_path / "leaderboard.json").read_text())
    expected = ["Of the run first", "Of the run second", "Of the run second"]
    assert [one["notices"][0] for one in board] == expected
    assert capsys.readouterr().out.count("Of the run second") == 2
    described = json.loads((tmp_path / "datapackage.json").read_text())["resources"]
    assert [one["path"] for one in described] == ["leaderboard.csv"]
    report_boards({"first": [RUN]}, Store.at(tmp_path), show=False)
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "leaderboard.json").read_text())[0]["notices"] == []
