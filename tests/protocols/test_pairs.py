"""Pairs: a real image and its generated twin."""

import pandas as pd
import pytest

from protocols.pairs import MOST, PairComparison
from tests.support.protocol_runs import CONTENTS, averages, fake_scope


def places(protocol, **images):
    return [(cell.test.name, cell.test.contents) for cell in protocol.cells(fake_scope(**images))]


def test_each_generator_is_tested_with_each_kind_of_content():
    assert places(PairComparison()) == [(name, (content,)) for name in "abc" for content in CONTENTS]
    assert {cell.train.contents for cell in PairComparison().cells(fake_scope())} == {()}
    assert places(PairComparison(by_content=False)) == [(name, ()) for name in "abc"]
    assert places(PairComparison(), contents=()) == [(name, ()) for name in "abc"]
    many = tuple(f"n{number}" for number in range(MOST + 1))
    assert places(PairComparison(), contents=many) == [(name, ()) for name in "abc"]


def test_averages_are_of_generators_and_of_contents():
    found = averages(PairComparison(train_on=("a",)), fake_scope())
    assert found["trained on"] == ("home", 4)
    assert found["not trained on"] == ("away", 8)
    assert [found[f"content: {one}"] for one in CONTENTS] == [(None, 3)] * 4


def test_a_run_counts_the_twins_whose_generated_one_scores_higher(run_on_kinds):
    done = run_on_kinds("pairs")
    rows = pd.read_csv(done.folder / "pairs.csv")
    assert set(rows["kind"]) == {"twins"}
    assert rows["pairs"].tolist() == [4] * 8  # one twin for each image of a generator and content
    expected = []
    for cell in done.run.cells.itertuples():
        scores = done.run.scores[done.run.scores["key"] == cell.key]
        scores = scores.pivot_table(index="source", columns="label", values="score")
        expected.append((scores[1] > scores[0]).mean())
    assert rows["generated_higher"].tolist() == pytest.approx(expected)
    text = (done.folder / "pairs.md").read_text()
    assert "Pairs of one source" in text
    assert all(content in text for content in CONTENTS)


def test_without_twins_every_two_of_one_content_are_a_pair(run_on_miniature):
    done = run_on_miniature("pairs", by_content="false")
    rows = pd.read_csv(done.folder / "pairs.csv")
    assert set(rows["kind"]) == {"content"}
    assert rows["pairs"].tolist() == [36] * 3
    assert rows["generated_higher"].tolist() == pytest.approx(done.cells["roc_auc"].tolist())
    assert not (run_on_miniature("mixed").folder / "pairs.md").exists()
