"""Protocols other than those that ship: averages, ranking, tables and pictures follow what the protocol wrote down."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.evaluation.cells import (
    average_masks,
    cells_table,
    decisions,
    evaluate,
    folded_axes,
    matrix,
    readable_table,
)
from bench.evaluation.joined_runs import join_runs
from bench.evaluation.leaderboard import ranking, rankings
from bench.golden.golden_record import golden_from, pack, unpack
from bench.golden.regression import compare
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.store import Store
from bench.report import formats, terminal
from bench.report.comparison_report import comparison_report
from bench.report.figures.boards.matrices import matrices_content
from bench.report.figures.findings import Findings
from bench.report.matrix_layout import grouped_values
from bench.report.ranking_columns import legend, ranking_columns
from bench.report.run_report import write_files
from bench.report.sections.catalogue import sections_of
from bench.report.sections.routes import LEGEND, route_counts, route_tables
from protocols.api import PublishedAverage
from tests.support.drawings import texts
from tests.support.open_protocols import AwayFirst, Naming, by_size
from tests.support.synthetic_runs import FAMILIES, falling, make_run, run_of, with_detector, with_manifest, without


def printed(renderable):
    console = Console(width=terminal.WIDTH, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def matrix_chart(run):
    (chart,) = matrices_content(Findings.of(run)).charts
    return chart


def headers(run):
    return [column.header for column in ranking_columns(ranking(run))]


def test_roles_need_not_stand_first():
    run = run_of(AwayFirst(), detectors=["alpha"])
    found = ranking(run)
    means = found.rows[0].means
    assert list(means) == ["on fog", "abroad", "own", "all cells"]  # "nobody" has neither cells nor a role
    assert (found.home, found.away, found.ranked_by) == ("own", "abroad", "abroad")
    assert found.rows[0].drop == pytest.approx(means["own"].value - means["abroad"].value)
    assert found.rows[0].drop > 0.1
    assert headers(run)[2:6] == ["own", "abroad", "drop", "cells"]
    shown = {column.header: column.texts[0] for column in ranking_columns(found)}
    assert "[" in shown["own"]
    assert "[" in shown["abroad"]
    assert "[" not in shown["on fog"]
    assert "Drop: own minus abroad." in legend(found)


def test_the_same_cells_in_other_groups_are_another_question():
    run = run_of(AwayFirst(), detectors=["alpha"])
    other = with_manifest(run, protocol=replace(run.manifest.protocol, groups=()))
    assert len(join_runs([run, other])) == 2


def test_a_group_with_a_role_is_shown_without_cells_and_the_other_one_ranks():
    run = run_of(AwayFirst(), detectors=["alpha"])
    home = run.cells["train"] == run.cells["test"]
    found = ranking(replace(run, cells=run.cells[home].reset_index(drop=True)))
    assert found.ranked_by == "own"
    assert found.rows[0].means["abroad"].planned == 0
    assert math.isnan(found.rows[0].drop)


def test_without_roles_all_cells_rank_and_no_drop_is_shown():
    run = by_size()
    found = ranking(run)
    assert (found.home, found.away, found.ranked_by) == (None, None, "all cells")
    assert list(found.rows[0].means) == ["few", "all cells"]
    assert [(row.rank, row.last_rank) for row in found.rows] == [(1, 2), (1, 2)]  # two alike, within chance
    assert math.isnan(found.rows[0].drop)
    assert headers(run)[:5] == ["#", "detector", "all cells", "cells", "few"]
    assert "drop" not in headers(run)
    assert "Drop" not in legend(found)
    assert "drop" not in formats.as_csv([found]).splitlines()[0].split(",")
    assert "[" in ranking_columns(found)[2].texts[0]
    assert "Ranked by all cells." in formats.as_markdown([found])
    table = [line.split() for line in printed(terminal.leaderboard(found)).splitlines() if line.strip()]
    (header,) = (line for line in table if line[0] == "#")
    assert header[:5] == ["#", "detector", "all", "cells", "cells"]
    assert "drop" not in header
    numbered = [line[:2] for line in table if line[0] == "1-2"]
    assert numbered[:2] == [["1-2", row.detector] for row in found.rows]


def test_seeds_without_roles_show_the_spread_of_what_ranks():
    assert "± all cells" in headers(by_size(seeds=(0, 1)))


def test_a_baseline_is_told_without_home_ground():
    (notice,) = ranking(with_detector(by_size(), "beta", shortcut="the names of the files")).notices
    assert "balanced accuracy over all cells (chance 50%)" in notice


def test_an_axis_of_numbers_keeps_planned_order_and_types():
    run = by_size(sizes=(10, 2, None))
    table = cells_table(run)
    found = matrix(table, "alpha", run.manifest.protocol)
    assert list(found.index) == [10, 2, "all"]
    assert list(found.columns) == ["fog", "haze"]
    mine = table[(table["detector"] == "alpha") & (table["train_size"] == 2) & (table["test"] == "haze")]
    assert found.loc[2, "haze"] == mine["accuracy"].iloc[0]
    assert pd.read_csv(io.StringIO(found.to_csv()), index_col=0).index.tolist() == ["10", "2", "all"]
    shown = printed(terminal.matrix(found, "alpha", run.manifest, table)).splitlines()
    body = [line.split()[0] for line in shown if line.split() and line.split()[0] in {"train_size", "10", "2", "all"}]
    assert body == ["train_size", "10", "2", "all"]
    labels = [text for text in texts(matrix_chart(run)) if text in {"10", "2", "all"}]
    assert labels[:3] == ["10", "2", "all"]


def test_axes_of_the_protocols_own_are_folded_or_laid_out_and_shown_where_they_vary():
    run = by_size(strengths=(0.5, 1.0))
    table, protocol = cells_table(run), run.manifest.protocol
    shown = readable_table(table, protocol).columns
    assert list(shown[:8]) == [
        *("detector", "train", "train_size", "test", "degradation", "options", "strength", "seed"),
    ]  # fmt: skip
    assert "strength" not in readable_table(cells_table(by_size()), protocol).columns
    by_strength = replace(protocol, columns=replace(protocol.columns, name="strength", generators=False))
    found = matrix(table, "beta", by_strength)
    assert (list(found.index), list(found.columns)) == ([10, 2, "all"], [0.5, 1.0])
    mine = table[(table["detector"] == "beta") & (table["train_size"] == "all") & (table["strength"] == 1.0)]
    assert found.loc["all", 1.0] == pytest.approx(mine["accuracy"].mean())
    drawn = matrix_chart(with_manifest(run, protocol=by_strength))
    labels = [text for text in texts(drawn) if text in {"10", "2", "all", "0.5", "1.0"}]
    assert labels == ["10", "2", "all", "0.5", "1.0"] * 2  # of rows, then of columns; for both detectors


def test_only_axes_of_generators_keep_families_together():
    generators, plain = make_run().manifest.protocol.columns, replace(make_run().manifest.protocol.columns)
    names = ["kiln", "fog", "ember", "haze"]
    assert grouped_values(names, generators, FAMILIES) == [["kiln", "ember"], ["fog", "haze"]]
    assert grouped_values(names, replace(plain, generators=False), FAMILIES) == [names]
    assert grouped_values([10, 2, "all"], replace(plain, generators=False), FAMILIES) == [[10, 2, "all"]]


def test_runs_over_an_axis_of_numbers_are_joined_and_kept_apart():
    joined = join_runs([by_size(seeds=(0,)), by_size(seeds=(1,))])
    assert len(joined) == 1
    assert joined[0].manifest.seeds == (0, 1)
    assert len(join_runs([by_size(sizes=(2, 10)), by_size(sizes=(2, None))])) == 2
    assert len({one.question for one in rankings([by_size(sizes=(2, 10)), by_size(sizes=(2, None))])}) == 2


def test_a_golden_record_of_numbers_reads_back_and_is_compared_without_roles():
    golden = golden_from([by_size(strengths=(0.5, 1.0))])
    back = unpack(pack(golden))
    pd.testing.assert_frame_equal(back.cells, golden.cells)
    assert back.manifest == golden.manifest
    found = compare(back, by_size(strengths=(0.5, 1.0)))
    assert (found.exit_code, found.obstacles) == (0, ())
    assert found.means["average"].tolist() == ["all cells"] * 2
    assert found.axes == ("train", "train_size", "test", "degradation", "options", "strength")
    part = compare(back, by_size(sizes=(2, 10), strengths=(0.5, 1.0)))  # numbers alone, where the record has a text
    assert part.obstacles == ("alpha: 4 cells not asked", "beta: 4 cells not asked")
    assert len(part.cells) == 2 * 2 * 2 * 2


def test_the_regression_gate_compares_the_group_at_home_wherever_it_stands():
    golden, same = (run_of(AwayFirst(), detectors=["alpha"]) for _ in range(2))
    assert compare(golden, same).means["average"].tolist() == ["own", "all cells"]
    assert "own" not in printed(comparison_report(compare(golden, same)))
    spoiled = compare(golden, run_of(AwayFirst(), falling(home=0.7), ["alpha"]))
    by_average = spoiled.means.set_index("average")
    assert by_average["verdict"].to_dict() == {"own": "fell", "all cells": "fell"}
    assert by_average.loc["own", "change"] < 2 * by_average.loc["all cells", "change"] < 0  # 4 of 16 cells
    fallen = spoiled.cells[spoiled.cells["verdict"] == "fell"]
    assert len(fallen) > 0
    assert (fallen["train"] == fallen["test"]).all()
    said = printed(comparison_report(spoiled)).partition("Cells that fell")[0].splitlines()
    assert "Averages that fell: 2" in said
    assert [line.split()[:2] for line in said if "own" in line] == [["alpha", "own"]]


def named(run, right):
    """The same run; `right` is the share of the images whose generator is named."""
    told = run.scores[["key", "name", "label"]]
    made = np.where(told["label"] == 1, told["name"].str.split("/").str[1], "")
    place = told.groupby("key").cumcount()
    wrong = place % 10 >= round(10 * right)
    told = told.drop(columns="label").assign(
        **{columns.GENERATOR: made, columns.PREDICTED: np.where(wrong, "unknown", made)}
    )
    return replace(run, diagnostics=told.sample(frac=1, random_state=0))


def test_where_generators_are_to_be_named_an_image_is_right_where_its_own_was():
    plain = run_of(Naming(), falling(home=0.9), ["alpha"])
    run = named(plain, 0.3)
    assert decisions(run)["correct"].mean() == pytest.approx(0.3)
    found, before = cells_table(run), cells_table(replace(plain, cells=plain.cells.assign(task="binary")))
    assert found["accuracy"].tolist() == pytest.approx([0.3] * 4)
    assert (found["accuracy_low"] <= 0.3).all()
    assert (found["accuracy_high"] >= 0.3).all()
    assert (found["accuracy_high"] < before["accuracy"].clip(upper=0.6)).all()
    unmoved = [columns.REAL_ACCURACY, columns.GENERATED_ACCURACY, columns.BALANCED_ACCURACY, columns.AP]
    pd.testing.assert_frame_equal(found[[*unmoved, columns.ROC_AUC]], before[[*unmoved, columns.ROC_AUC]])
    assert ranking(run).rows[0].means["own"].value == pytest.approx(0.3)


def test_the_legend_says_what_is_right_in_cells_of_each_task():
    run = named(run_of(Naming(), detectors=["alpha"]), 0.3)
    naming = "right where the generator of an image, or real, is named"
    binary = "generated when the score is above 0.5"
    said = legend(ranking(run))
    assert naming in said
    assert binary not in said
    assert "ROC AUC are of real or generated, by the score alone, over all cells" in said
    mixed = replace(run, cells=run.cells.assign(task=["generator", "binary", "generator", "binary"]))
    assert f"{naming}, and {binary}" in legend(ranking(mixed))
    plain = legend(ranking(make_run()))
    assert binary in plain
    assert naming not in plain
    assert "ROC AUC over all cells" in plain


def test_a_matrix_says_over_which_axes_its_cells_are_means():
    """Rows are sizes and columns generators; each is asked with three strengths of augmentation."""
    run = by_size(strengths=(0.1, 0.5, 0.9))
    table, protocol = cells_table(run), run.manifest.protocol
    assert folded_axes(table, protocol) == {"options": 3, "strength": 3}
    view = terminal.matrix(matrix(table, "alpha", protocol), "alpha", run.manifest, table)
    expected = "mean over seeds 0 and over options (3 values) and strength (3 values)."
    assert expected in " ".join(printed(view).split())
    assert "a mean over options (3 values)" in matrix_chart(run).note
    plain = by_size()
    table = cells_table(plain)
    assert folded_axes(table, protocol) == {}
    view = terminal.matrix(matrix(table, "alpha", protocol), "alpha", plain.manifest, table)
    assert "mean over seeds 0." in " ".join(printed(view).split())
    assert "mean over" not in matrix_chart(plain).note


def test_binary_cells_beside_cells_that_name_generators_keep_their_decisions():
    run = named(run_of(Naming(), detectors=["alpha"]), 0.3)
    mixed = replace(run, cells=run.cells.assign(task=["generator", "binary", "generator", "binary"]))
    accuracy = cells_table(mixed)["accuracy"]
    binary = cells_table(replace(run, cells=run.cells.assign(task="binary")))["accuracy"]
    assert accuracy[[0, 2]].tolist() == pytest.approx([0.3, 0.3])
    assert accuracy[[1, 3]].tolist() == binary[[1, 3]].tolist()


def test_a_generator_that_was_not_named_is_an_error():
    run = run_of(Naming(), detectors=["alpha"])
    with pytest.raises(InputError, match=r"tested on fog: .*an image has no named generator \(4 such cells\)"):
        cells_table(run)
    some = named(run, 0.5)
    with pytest.raises(InputError, match=r"no named generator \(1 such cells\)"):
        cells_table(replace(some, diagnostics=some.diagnostics[1:]))


def test_a_golden_record_of_named_generators_is_refused():
    with pytest.raises(InputError, match="4 cells are decided by the generator named"):
        golden_from([named(run_of(Naming(), detectors=["alpha"]), 0.3)])


def test_diagnostics_are_joined_with_their_runs():
    runs = [named(run_of(Naming(), detectors=[name]), share) for name, share in (("alpha", 0.3), ("beta", 0.6))]
    rows = {row.detector: row.means["all cells"].value for row in rankings(runs)[0].rows}
    assert rows == {"alpha": pytest.approx(0.3), "beta": pytest.approx(0.6)}


def routed(run):
    """The cells of alpha on two routes: real images to haze, generated ones to fog, kept apart by their score."""
    mine = run.scores[run.scores["key"].str.startswith("alpha/")]
    fog = (mine["label"] == 1).to_numpy()
    table = mine[["key", "name"]].assign(
        **{
            columns.ROUTE: np.where(fog, "fog", "haze"),
            f"{columns.ROUTE_SCORE}fog": np.where(fog, 0.9, 0.8),
            f"{columns.ROUTE_SCORE}haze": np.where(fog, 0.9, 0.1),
        }
    )
    return replace(run, diagnostics=table)


def test_routes_are_read_from_diagnostics():
    run = routed(make_run())
    counted = route_counts(run)
    assert list(counted.columns) == [
        *("detector", "train", "test", "degradation", "seed", "label", "route", "images"),
    ]  # fmt: skip
    assert set(counted["detector"]) == {"alpha"}
    assert counted["images"].sum() == 16 * 100
    tables = route_tables(run)
    assert [one.title for one in tables][:1] == ["Routes of alpha, trained on fog"]
    names = tables[0].columns[0].texts
    shown = {column.header: dict(zip(names, column.texts, strict=True)) for column in tables[0].columns}
    assert list(shown) == ["test", "to fog", "to haze", "accuracy", "oracle", "cost"]
    assert list(shown["test"]) == ["fog", "haze", "kiln", "ember", "real images"]
    assert (shown["to fog"]["kiln"], shown["to haze"]["real images"]) == ("100.0", "100.0")
    assert (shown["oracle"]["fog"], shown["oracle"]["haze"]) == ("50.0", "100.0")
    assert (shown["oracle"]["kiln"], shown["cost"]["kiln"]) == ("-", "-")  # no route of its own
    cost = 100 - float(shown["accuracy"]["haze"])
    assert shown["cost"]["haze"] == f"{cost:+.1f}"
    assert "### Routes of alpha" in formats.section_as_markdown(tables, LEGEND)


def test_a_run_without_routes_has_no_tables_of_them():
    for run in (make_run(), named(run_of(Naming(), detectors=["alpha"]), 0.3)):
        assert route_tables(run) == []
        assert route_counts(run).empty


def test_what_a_protocol_says_of_published_figures_reaches_the_ranking():
    assert ranking(make_run()).published == PublishedAverage("test", "all cells")
    assert ranking(make_run(degraded=True)).published == PublishedAverage("degradation", "degraded")
    assert ranking(by_size()).published is None


@pytest.mark.parametrize(
    "make", [by_size, lambda: run_of(AwayFirst()), lambda: routed(make_run())], ids=["sizes", "roles", "routes"]
)
def test_every_derived_file_is_written_whatever_the_protocol(tmp_path, make):
    run, store = make(), Store.at(tmp_path)
    run = without(run, run.cells.index == 1, "failed", "OSError: no room")
    measured = evaluate(run)
    write_files(run, measured, rankings([run]), sections_of(measured), store)
    cells = pd.read_parquet(tmp_path / "cells.parquet")
    assert len(cells) == len(run.cells)
    assert {"leaderboard.md", "leaderboard.csv", "leaderboard.json", "matrix-alpha.csv", "matrix.png"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert (tmp_path / "routes.csv").is_file() == (not run.diagnostics.empty)


def test_averages_that_nobody_is_part_of_are_left_out():
    run = run_of(AwayFirst(), detectors=["alpha"])
    found = {name: int(mask.sum()) for name, mask in average_masks(run.cells, run.manifest.protocol).items()}
    assert found == {"on fog": 4, "abroad": 12, "own": 4, "all cells": 16}
