"""Curves over the cells of an average, against scikit-learn's of each cell."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from bench.analyses.scores.curves import curves_of
from bench.evaluation.asked.rescoring import Rescoring
from bench.evaluation.cells import evaluate
from bench.metrics.probabilities import reliability_table
from tests.support.synthetic_runs import make_run, with_scores, without


def rounded(run):
    """Scores with many ties, and log odds of alpha that tell its saturated scores apart."""
    scores = run.scores
    odds = np.where(scores["key"].str.startswith("alpha"), (scores["score"] - 0.5) * 60, np.nan)
    return with_scores(run, scores.assign(score=scores["score"].round(1), log_odds=odds.astype(np.float32)))


@pytest.fixture(scope="module")
def run():
    return rounded(make_run(seeds=(0, 1), n=37))


@pytest.fixture(scope="module")
def curves(run):
    return {one.detector: one for one in curves_of(evaluate(run), "off-diagonal", most=10_000)}


def cells_of(run, detector):
    """Labels, scores and what orders them of each cell off the diagonal."""
    both = run.scores.merge(run.cells, on="key")
    both = both[(both["detector"] == detector) & (both["train"] != both["test"])]
    for _, cell in both.groupby(["train", "test", "seed"]):
        order = cell["log_odds"] if detector == "alpha" else cell["score"]
        yield cell["label"].to_numpy(), cell["score"].to_numpy(float), order.to_numpy(float)


def test_areas_are_the_means_of_the_cells(run, curves):
    for detector, found in curves.items():
        cells = list(cells_of(run, detector))
        assert found.cells == len(cells) == 24
        areas = [roc_auc_score(labels, order) for labels, _, order in cells]
        precisions = [average_precision_score(labels, order) for labels, _, order in cells]
        assert found.roc.area == pytest.approx(np.mean(areas))
        assert found.precision_recall.area == pytest.approx(np.mean(precisions))
        assert np.trapezoid(found.roc.y, found.roc.x) == pytest.approx(found.roc.area)
        assert np.trapezoid(found.precision_recall.y, found.precision_recall.x) == pytest.approx(np.mean(precisions))


def test_rates_are_means_at_each_false_positive_rate(run, curves):
    for detector, found in curves.items():
        for rate in (0.013, 0.2345, 0.55, 0.97):  # between the steps of 1/37
            expected = []
            for labels, _, order in cells_of(run, detector):
                alarms, hits, _ = roc_curve(labels, order, drop_intermediate=False)
                expected.append(np.interp(rate, alarms, hits))
            assert np.interp(rate, found.roc.x, found.roc.y) == pytest.approx(np.mean(expected))
        assert (found.roc.x[0], found.roc.y[0], found.roc.x[-1], found.roc.y[-1]) == pytest.approx((0, 0, 1, 1))


def test_precisions_are_means_at_each_recall(run, curves):
    for detector, found in curves.items():
        for recall in (0.013, 0.2345, 0.55, 0.97):
            expected = []
            for labels, _, order in cells_of(run, detector):
                precision, recalls, _ = precision_recall_curve(labels, order)
                reached = np.flatnonzero(recalls >= recall)[-1]  # recalls fall: the last that is high enough
                expected.append(precision[reached])
            curve = found.precision_recall
            assert np.interp(recall, curve.x, curve.y) == pytest.approx(np.mean(expected))


def test_reliability_counts_every_cell_alike(run, curves):
    for detector, found in curves.items():
        tables = [reliability_table(labels, scores) for labels, scores, _ in cells_of(run, detector)]
        counts = np.sum([table.counts for table in tables], axis=0)
        sums = np.sum([np.nan_to_num(table.generated) * table.counts for table in tables], axis=0)
        there = counts > 0
        assert found.reliability.images == pytest.approx(counts / counts.sum())
        assert found.reliability.generated[there] == pytest.approx(sums[there] / counts[there])
        assert np.isnan(found.reliability.scores[~there]).all()
        pooled = np.abs(found.reliability.scores - found.reliability.generated)[there] @ counts[there] / counts.sum()
        assert found.reliability.calibration_error == pytest.approx(pooled)


def test_cells_of_other_sizes_weigh_alike(run):
    few = run.scores["key"].str.contains("/kiln/none/") & run.scores["name"].str.contains(r"00[1-3]\d")
    part = with_scores(run, run.scores[~few])
    found, measured = next(curves_of(evaluate(part), "off-diagonal")), evaluate(part).table
    assert measured["n"].nunique() == 2
    tables = [reliability_table(labels, scores) for labels, scores, _ in cells_of(part, "alpha")]
    assert found.reliability.images == pytest.approx(np.mean([one.counts / one.counts.sum() for one in tables], axis=0))
    own = measured[measured["detector"].eq("alpha") & measured["train"].ne(measured["test"])]
    assert found.roc.area == pytest.approx(own["roc_auc"].mean())
    assert np.trapezoid(found.roc.y, found.roc.x) == pytest.approx(found.roc.area, abs=found.roc.deviation)


def test_thinned_curves_have_few_points_and_the_whole_area():
    measured = evaluate(make_run(n=400))
    for found, whole in zip(curves_of(measured, most=60), curves_of(measured, most=10**6), strict=True):
        for thin, full in ((found.roc, whole.roc), (found.precision_recall, whole.precision_recall)):
            assert len(thin.x) <= 60 < len(full.x)
            assert thin.area == full.area
            assert 0 < thin.deviation < 0.02
            assert full.deviation == 0
            assert np.trapezoid(thin.y, thin.x) == pytest.approx(full.area, abs=0.005)


def test_a_missing_cell_leaves_no_curve_and_is_named(run):
    gone = run.cells["key"].eq("beta/fog/kiln/none/1")
    alpha, beta = curves_of(evaluate(without(run, gone)))
    assert (alpha.gap, alpha.missing) == ("", ())
    assert beta.roc is None
    assert beta.reliability is None
    assert beta.gap == "1 of 32 cells have no scores"
    assert beta.missing == ("beta trained on fog, tested on kiln, none, seed 1: its weights are not here",)


def test_cells_of_one_class_have_reliability_alone(run):
    real = with_scores(run, run.scores[run.scores["label"].eq(0)])
    for found in curves_of(evaluate(real)):
        assert (found.roc, found.precision_recall) == (None, None)
        assert found.gap == "32 of 32 cells lack images of one class"
        assert np.nansum(found.reliability.generated) == 0


def test_real_images_may_be_what_is_looked_for(run):
    measured = evaluate(run, rescoring=Rescoring(positive=0))
    (first, *_), table = curves_of(measured), measured.table
    own = table[table["detector"].eq("alpha")]
    assert first.precision_recall.area == pytest.approx(own["ap"].mean())
    assert first.roc.area == pytest.approx(own["roc_auc"].mean())
    assert replace(first).cells == len(own)


def test_the_curves_of_some_detectors_are_those_among_all(run, curves):
    (found,) = curves_of(evaluate(run), "off-diagonal", most=10_000, detectors=["beta"])
    assert found.detector == "beta"
    assert found.roc.y.tolist() == curves["beta"].roc.y.tolist()
    assert found.precision_recall.area == curves["beta"].precision_recall.area
    assert list(curves_of(evaluate(run), "off-diagonal", detectors=[])) == []
