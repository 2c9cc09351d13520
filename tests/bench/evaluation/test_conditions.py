"""Outcomes over several degradations of the same images, against direct computations from the scores."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from bench.evaluation.cells import evaluate
from bench.evaluation.conditions import condition_outcomes
from bench.records import columns
from bench.records.manifest import ProfileRecord
from bench.report.sections.conditions import condition_content
from protocols.degradation import DegradationMatrix
from protocols.profiles import find_profile
from tests.support.synthetic_runs import GENERATORS, make_run, run_of

ALL = DegradationMatrix(train_on=GENERATORS[:2], degradations=("jpeg:65", "blur:1"), test_all=True)


def skill(detector, train, test, degradation, seed):
    del detector, train, seed
    return {"none": 0.95, "jpeg:65": 0.8, "blur:1": 0.6}[degradation] - (0.1 if test == "kiln" else 0)


@pytest.fixture(scope="module")
def run():
    return run_of(ALL, skill, seeds=(0, 1), n=80)


@pytest.fixture(scope="module")
def outcomes(run):
    return {one.detector: one for one in condition_outcomes(evaluate(run, 200), 200)}


def by_fit(run, detector):
    """Scores and cells of each train set and seed of a detector; of a real image in several cells the first."""
    both = run.scores.merge(run.cells, on="key")
    both = both[both["detector"] == detector]
    return [one.drop_duplicates(["name", "degradation"]) for _, one in both.groupby(["train", "seed"])]


def test_flips_and_areas_are_those_of_each_fit_on_average(run, outcomes):
    for detector, found in outcomes.items():
        fits = by_fit(run, detector)
        assert len(fits) == 4
        flips = [fit.assign(called=fit["score"] > 0.5).groupby("name")["called"].nunique().gt(1).mean() for fit in fits]
        assert found.flip_rate == pytest.approx(np.mean(flips))
        assert found.flip_low < found.flip_rate < found.flip_high
        degraded = [fit[fit["degradation"] != "none"] for fit in fits]
        assert found.pooled_auc == pytest.approx(
            np.mean([roc_auc_score(fit["label"], fit["score"]) for fit in degraded])
        )
        clean = [fit[fit["degradation"] == "none"] for fit in fits]
        assert found.clean_auc == pytest.approx(np.mean([roc_auc_score(fit["label"], fit["score"]) for fit in clean]))
        assert found.images == 80 * 5


def test_the_worst_are_named(run, outcomes):
    cells = evaluate(run, 2).table
    for detector, found in outcomes.items():
        own = cells[cells["detector"] == detector]
        conditions = own.groupby("degradation")[columns.RANKED].mean()
        assert (found.worst_condition.where, found.worst_generator.where) == ("blur:1", "kiln")
        assert found.worst_condition.value == pytest.approx(conditions["blur:1"])
        assert found.mean == pytest.approx(conditions.mean())
        assert found.conditions == 3


def test_a_verdict_that_never_changes_never_flips(run):
    steady = replace(run, scores=run.scores.assign(score=(run.scores["name"].str.len() % 2).astype(np.float32)))
    assert {one.flip_rate for one in condition_outcomes(evaluate(steady, 2), 2)} == {0.0}


def test_one_condition_has_no_outcomes_and_neither_has_a_detector_with_a_missing_cell(run):
    assert not list(condition_outcomes(evaluate(make_run(), 2)))
    assert condition_content(evaluate(make_run(), 2)).tables == []
    failed = run.cells.assign(status=["failed", *run.cells["status"][1:]], reason=["it", *run.cells["reason"][1:]])
    without = replace(run, cells=failed, scores=run.scores[run.scores["key"] != run.cells["key"][0]])
    assert [one.detector for one in condition_outcomes(evaluate(without, 2), 2)] == ["beta"]


def test_the_section_has_a_row_for_each_detector(run):
    content = condition_content(evaluate(run, 50))
    headers = {column.header: column.texts for column in content.tables[0].columns}
    assert headers["detector"] == ("alpha", "beta")
    assert all(text.endswith(" blur:1") for text in headers["worst condition"])
    assert isinstance(content.rows, pd.DataFrame)
    assert list(content.rows["worst_condition_where"]) == ["blur:1", "blur:1"]


def test_a_profile_that_the_run_was_given_has_its_score_too(run):
    own = ProfileRecord("own", 1, ("jpeg:65", "blur:1"), {"flip_rate": 1.0})
    protocol = replace(run.manifest.protocol, profiles=(own,))
    content = condition_content(evaluate(replace(run, manifest=replace(run.manifest, protocol=protocol)), 2))
    assert content.tables[0].columns[-1].header == "own (1 flip_rate)"
    assert content.rows["score"].tolist() == content.rows["flip_rate"].tolist()


def test_a_profile_that_weighs_outcomes_has_its_score_where_the_run_has_its_conditions_alone(run):
    profile = find_profile("techjam-2026")
    asked = DegradationMatrix(train_on=GENERATORS[:1], degradations=("techjam-2026",))
    whole = evaluate(run_of(asked, lambda *_: 0.8, n=30), 2)
    content = condition_content(whole)
    last = content.tables[0].columns[-1]
    assert last.header == "techjam-2026 (0.5 clean_auc, 0.5 pooled_auc)"
    outcomes = list(condition_outcomes(whole, 2))
    assert content.rows["score"].tolist() == pytest.approx([(one.clean_auc + one.pooled_auc) / 2 for one in outcomes])
    assert {one.conditions for one in outcomes} == {1 + len(profile.degradations)} == {20}
    assert "score" not in condition_content(evaluate(run, 2)).rows
