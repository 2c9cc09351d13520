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
from tests.support.synthetic_runs import GENERATORS, make_run, run_of, with_manifest, with_scores, without

ALL = DegradationMatrix(train_on=GENERATORS[:2], degradations=("jpeg:65", "blur:1"), test_all=True)


def skill(detector, train, test, degradation, seed):
    del detector, train, seed
    return {"none": 0.95, "jpeg:65": 0.8, "blur:1": 0.6}[degradation] - (0.1 if test == "kiln" else 0)


@pytest.fixture(scope="module")
def run():
    return run_of(ALL, skill, seeds=(0, 1), n=80)


@pytest.fixture(scope="module")
def outcomes(run):
    return {one.detector: one for one in condition_outcomes(evaluate(run))}


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
    cells = evaluate(run).table
    for detector, found in outcomes.items():
        own = cells[cells["detector"] == detector]
        conditions = own.groupby("degradation")[columns.RANKED].mean()
        assert (found.worst_condition.where, found.worst_generator.where) == ("blur:1", "kiln")
        assert found.worst_condition.value == pytest.approx(conditions["blur:1"])
        assert found.mean == pytest.approx(conditions.mean())
        assert found.conditions == 3


def test_a_verdict_that_never_changes_never_flips(run):
    steady = with_scores(run, run.scores.assign(score=(run.scores["name"].str.len() % 2).astype(np.float32)))
    assert {one.flip_rate for one in condition_outcomes(evaluate(steady))} == {0.0}


def test_one_condition_has_no_outcomes():
    assert not list(condition_outcomes(evaluate(make_run())))
    assert condition_content(evaluate(make_run())).tables == []


def test_a_row_is_over_the_conditions_that_are_complete_and_says_of_how_many(run):
    """Of alpha one cell under blur failed: that costs blur, and not the row."""
    first = run.cells["detector"].eq("alpha") & run.cells["degradation"].eq("blur:1")
    partly = without(run, first & ~first.duplicated(), "failed", "it broke")
    content = condition_content(evaluate(partly))
    texts = {column.header: column.texts for column in content.tables[0].columns}
    assert (texts["detector"], texts["conditions"]) == (("alpha", "beta"), ("2 of 3", "3"))
    assert [text.split()[1] for text in texts["worst condition"]] == ["jpeg:65", "blur:1"]
    alone = with_scores(run, run.scores[~run.scores["key"].isin(run.cells["key"][first])], cells=run.cells[~first])
    (expected, _), (found, _) = (list(condition_outcomes(evaluate(one))) for one in (alone, partly))
    assert found == replace(expected, planned=3)


def test_a_detector_without_one_complete_condition_has_no_row(run):
    lost = without(run, run.cells["detector"].eq("alpha"))
    assert [one.detector for one in condition_outcomes(evaluate(lost))] == ["beta"]


def test_what_the_data_cannot_answer_costs_no_condition(run):
    unasked = without(run, run.cells["test"].eq("kiln"), "unasked", "kiln has no real images")
    assert {(one.conditions, one.planned) for one in condition_outcomes(evaluate(unasked))} == {(3, 3)}


def test_the_label_of_a_test_set_is_no_generator():
    """Each time of passing on has a label of its own, and all have the same images."""
    cells = run_of(DegradationMatrix(train_on=GENERATORS[:1], degradations=("jpeg:65", "blur:1")), skill, n=40)
    labels = cells.cells["degradation"].map({"none": "original", "jpeg:65": "passed on 1x", "blur:1": "passed on 2x"})
    resharing = replace(cells, cells=cells.cells.assign(test=labels))
    (found, _) = condition_outcomes(evaluate(resharing))
    assert (found.worst_generator, found.worst_real) == (None, None)


def test_the_same_real_images_are_no_worst_ones_although_fits_answer_differently(run):
    """Every generator has the same real images, and each of two fits is asked about its own generator."""

    def uneven(detector, train, *_):
        del detector
        return {"fog": 0.6, "haze": 0.9}[train]

    asked = DegradationMatrix(train_on=GENERATORS[:2], degradations=("jpeg:65",))
    (found, _) = condition_outcomes(evaluate(run_of(asked, uneven, n=60)))
    assert found.worst_generator.where == "fog"
    assert found.worst_real is None


def on_two_data_sets(run, others):
    """The run with the same cells on further data beside its own, where scores are `others` of the run."""
    further = others.cells.assign(key="further/" + others.cells["key"], test_data="d2")
    scores = others.scores.assign(key="further/" + others.scores["key"])
    both = with_scores(run, pd.concat([run.scores, scores]), cells=pd.concat([run.cells, further]))
    return with_manifest(both, further={"d2": run.manifest.data})


def test_one_name_in_two_data_sets_is_two_generators_with_real_images_of_their_own():
    asked = DegradationMatrix(train_on=GENERATORS[:1], degradations=("jpeg:65",))
    own, others = (run_of(asked, lambda *_, value=value: value, n=60) for value in (0.9, 0.2))
    measured = evaluate(on_two_data_sets(own, others))
    (found, _) = condition_outcomes(measured)
    table = measured.table
    there = table[table["detector"].eq("alpha") & table["test_data"].eq("d2")]
    assert (found.worst_generator.where, found.worst_real.where) == ("fog, d2", "fog, d2")
    assert found.worst_generator.value == pytest.approx(there[columns.RANKED].mean())
    assert found.worst_real.value == pytest.approx(there[columns.REAL_ACCURACY].mean())


def test_real_images_that_several_generators_share_are_one_pool():
    run = run_of(ALL, skill, n=40)
    kiln = run.scores["key"].str.contains("/kiln/") & run.scores["label"].eq(0)
    names = run.scores["name"].where(~kiln, run.scores["name"].str.replace("nature", "pottery"))
    wrong = run.scores["score"].where(~kiln, np.float32(0.9))
    apart = with_scores(run, run.scores.assign(name=names, score=wrong))
    (found, _) = condition_outcomes(evaluate(apart))
    assert (found.worst_real.where, found.worst_real.value) == ("kiln", 0)
    wrong = run.scores["score"].where(kiln | run.scores["label"].eq(1), np.float32(0.9))
    (found, _) = condition_outcomes(evaluate(with_scores(apart, apart.scores.assign(score=wrong))))
    assert (found.worst_real.where, found.worst_real.value) == ("fog and 2 more", 0)


def test_the_section_has_a_row_for_each_detector(run):
    content = condition_content(evaluate(run))
    headers = {column.header: column.texts for column in content.tables[0].columns}
    assert headers["detector"] == ("alpha", "beta")
    assert all(text.endswith(" blur:1") for text in headers["worst condition"])
    assert isinstance(content.rows, pd.DataFrame)
    assert list(content.rows["worst_condition_where"]) == ["blur:1", "blur:1"]


def test_a_profile_that_the_run_was_given_has_its_score_too(run):
    own = ProfileRecord("own", 1, ("jpeg:65", "blur:1"), {"flip_rate": 1.0})
    protocol = replace(run.manifest.protocol, profiles=(own,))
    content = condition_content(evaluate(replace(run, manifest=replace(run.manifest, protocol=protocol))))
    assert content.tables[0].columns[-1].header == "own (1 flip_rate)"
    assert content.rows["score"].tolist() == content.rows["flip_rate"].tolist()


def test_a_profile_that_weighs_outcomes_has_its_score_where_the_run_has_its_conditions_alone(run):
    profile = find_profile("techjam-2026")
    asked = DegradationMatrix(train_on=GENERATORS[:1], degradations=("techjam-2026",))
    whole = evaluate(run_of(asked, lambda *_: 0.8, n=30))
    content = condition_content(whole)
    last = content.tables[0].columns[-1]
    assert last.header == "techjam-2026 (0.5 clean_auc, 0.5 pooled_auc)"
    outcomes = list(condition_outcomes(whole))
    assert content.rows["score"].tolist() == pytest.approx([(one.clean_auc + one.pooled_auc) / 2 for one in outcomes])
    assert {one.conditions for one in outcomes} == {1 + len(profile.degradations)} == {20}
    assert "score" not in condition_content(evaluate(run)).rows
    lost = without(whole.run, whole.run.cells["degradation"].eq(whole.run.cells["degradation"].iloc[-1]))
    assert content.rows["planned"].eq(20).all()
    assert condition_content(evaluate(lost)).rows["score"].isna().all()
