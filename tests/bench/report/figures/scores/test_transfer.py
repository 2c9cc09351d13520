"""The figure of alike generators: the correlations of the analysis, in the order of its clusters."""

from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar

import pytest

from bench.analyses.scores.transfer import generator_transfer
from bench.charts.numbers import correlation_text
from bench.records.manifest import CheckpointRecord
from bench.report.figures.findings import Findings
from bench.report.figures.scores.transfer import transfer_content
from protocols.api import Cell, EvaluationProtocol, MatrixLayout, Subset, grouped
from protocols.degradation import DegradationMatrix
from tests.support.drawings import named, outside
from tests.support.synthetic_runs import GENERATORS, make_run, run_of, with_detector, with_scores, without

NAMES = ("ash", "bay", "elm", "fir", "oak", "yew")


@dataclass(frozen=True)
class SixGenerators(EvaluationProtocol):
    """Six generators on one another."""

    name: ClassVar[str] = "six"
    title: ClassVar[str] = "Six: train (rows), test (columns)"
    view: ClassVar[MatrixLayout] = MatrixLayout(rows="train", columns="test")

    def cells(self, scope):
        pairs = [(train, test) for train in NAMES for test in NAMES]
        return [
            Cell(detector, Subset((train,), "train"), Subset((test,), "val"))
            for detector in scope.detectors
            for train, test in pairs
        ]

    def groups(self, cells, scope):
        return [grouped("off", (one for one in cells if one.train.generators != one.test.generators), "away")]


def planted(detector, train, test, degradation, seed):
    """Every second generator is like the others as a test, and each half of them as train sets."""
    place, other = NAMES.index(train), NAMES.index(test)
    by_test = (0.15, -0.15)[other % 2] * (1, -1, 0.4, -0.5, 0.8, -0.9)[place]
    by_train = (0.15, -0.15)[place // 3] * (1, -0.2, -0.9, 0.7, -1, 0.4)[other]
    return 0.7 + by_test + by_train - 0.02 * (detector == "beta")


@pytest.fixture(scope="module")
def run():
    run = run_of(SixGenerators(), planted, ("alpha", "beta", "chance", "ready", "gap"), n=60)
    run = with_detector(run, "chance", shortcut="the names of the files")
    run = with_detector(run, "ready", checkpoint=CheckpointRecord("a.pth", "0" * 64, "a"))
    cells = run.cells.assign(train=run.cells["train"].where(run.cells["detector"].ne("ready"), ""))
    return without(replace(run, cells=cells), cells["detector"].eq("gap") & cells["test"].eq("oak"))


@pytest.fixture(scope="module")
def findings(run):
    return Findings.of(run)


@pytest.fixture(scope="module")
def content(findings):
    return transfer_content(findings)


def test_values_are_those_of_trained_detectors_with_every_cell(findings, content):
    expected = generator_transfer(findings.measured, ["alpha", "beta"])
    rows = content.rows.set_index("generator")
    assert rows.to_numpy() == pytest.approx(expected.tested.similarity.loc[rows.index, rows.columns].to_numpy())
    (chart,) = content.charts
    assert "mean of 2 detectors" in chart.note
    shown = sorted(one.text for one in named(chart, "text") if {"number", "tiny"} & set(one.classes))
    both = (expected.tested.similarity, expected.trained.similarity)
    assert shown == sorted(correlation_text(value) for one in both for value in one.to_numpy().ravel())
    assert outside(chart) == []


def test_generators_stand_in_the_order_of_their_clusters(findings, content):
    expected = generator_transfer(findings.measured, ["alpha", "beta"])
    (chart,) = content.charts
    for part, found in zip(chart.parts, (expected.tested, expected.trained), strict=True):
        rows = [one.text for one in named(part, "text") if one.given.get("text-anchor") == "end" and not one.slants]
        assert rows == list(found.order)
        assert 1 < len(found.clusters) < len(NAMES)
    alike = ["+".join(one) for one in expected.tested.clusters if len(one) > 1]
    assert chart.description == f"Clusters of generators: {'; '.join(alike)}."


def test_the_table_has_every_join(findings, content):
    joins = generator_transfer(findings.measured, ["alpha", "beta"]).tested.merges
    (table,) = content.tables
    sides, others, means = (column.texts for column in table.columns)
    assert len(joins) == len(NAMES) - 1
    assert [*zip(sides, others, strict=True)] == [(", ".join(one.first), ", ".join(one.second)) for one in joins]
    assert means == tuple(f"{1 - one.distance:.2f}" for one in joins)
    assert {*chain.from_iterable(one.first + one.second for one in joins)} == set(NAMES)


def test_generators_alike_as_train_sets_alone_are_shown(run):
    """All detectors do as well on one generator whatever they were trained on: nothing correlates with it as a test."""
    flat = run.scores.merge(run.cells[["key", "test"]], on="key")
    score = (0.2 + 0.6 * flat["label"]).where(flat["test"].eq("elm"), flat["score"]).astype("float32")
    content = transfer_content(Findings.of(with_scores(run, flat.assign(score=score).drop(columns="test"))))
    assert "the accuracies of elm do not vary" in content.reason
    (chart,) = content.charts
    assert [part.title for part in chart.parts] == ["trained on: they lead to alike detectors"]
    assert (list(content.tables), content.rows) == ([], None)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_run, "Nothing is clustered: two generators share 2 others"),
        (lambda: run_of(DegradationMatrix(GENERATORS[:1], ("blur:1",))), "not of train and test sets"),
        (
            lambda: without(run := make_run(), run.cells["test"].eq("fog")),
            "No detector was trained, or cells of each are missing.",
        ),
        (
            lambda: with_detector(make_run(detectors=["alpha"]), "alpha", shortcut="file names"),
            "No detector was trained, or cells of each are missing.",
        ),
    ],
    ids=["four generators", "degradations", "missing cells", "a baseline alone"],
)
def test_where_it_does_not_apply_there_is_a_reason(make, reason):
    content = transfer_content(Findings.of(make()))
    assert reason in content.reason
    assert (list(content.charts), list(content.tables)) == ([], [])


def test_one_generator_is_no_figure():
    run = make_run()
    alone = run.cells["train"].eq("fog") & run.cells["test"].eq("fog")
    cells = run.cells[alone].reset_index(drop=True)
    content = transfer_content(Findings.of(replace(run, cells=cells, score_table=run.score_table.only(cells["key"]))))
    assert content.reason == "Nothing is clustered: 1 generators, at least 3 are needed."
    assert not content.charts
