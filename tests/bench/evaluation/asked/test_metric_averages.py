import numpy as np
import pytest

from bench.evaluation.asked.metric_averages import SourceDraws
from bench.evaluation.averages import SourceTable
from bench.evaluation.cells import evaluate
from tests.support.synthetic_runs import falling, make_run, with_scores

NAMES = ["eer", "brier", "nll", "f1", "precision", "tpr_at_fpr_5pct"]


@pytest.fixture(scope="module")
def measured():
    return evaluate(make_run(n=40), NAMES)


def test_an_average_is_the_mean_of_its_cells_within_its_interval(measured):
    own = measured.table[measured.table["detector"].eq("alpha")]
    for name in NAMES:
        found = measured.metric_averages["alpha"]["all cells"][name]
        assert found.value == pytest.approx(own[name].mean())
        assert found.low < found.value < found.high
        diagonal = own[own["train"].eq(own["test"])]
        assert measured.metric_averages["alpha"]["diagonal"][name].value == pytest.approx(diagonal[name].mean())


def test_draws_vary_as_the_closed_formula_says(measured):
    """Balanced cells have an accuracy that is the mean of the real and the generated one, whose draws are these."""
    table = evaluate(make_run(n=40), ["real_accuracy", "generated_accuracy"])
    one = table.averages["alpha"]["all cells"]["ranked_accuracy"]
    drawn = [
        table.metric_averages["alpha"]["all cells"][name].draws for name in ("real_accuracy", "generated_accuracy")
    ]
    assert np.var(np.mean(drawn, axis=0), ddof=1) == pytest.approx(one.spread.variances[0], rel=0.35)


def test_detectors_are_drawn_alike():
    """A copy has the same draws, so that its differences do not vary."""
    plain = make_run(n=20)
    scores = plain.scores.sort_values(["key", "name"], ignore_index=True)
    first = scores["key"].str.startswith("alpha")
    scores.loc[~first, "score"] = scores.loc[first, "score"].to_numpy()
    found = evaluate(with_scores(plain, scores), ["eer"]).metric_averages
    assert (found["alpha"]["all cells"]["eer"].draws == found["beta"]["all cells"]["eer"].draws).all()


def test_no_class_of_any_cell_is_ever_empty_and_shared_sources_are_drawn_once():
    tests = make_run(n=2).score_table.test_images()
    sources = SourceTable(tests)
    draws = SourceDraws(tests, sources)
    for images in tests:
        for rows in draws.rows(images):
            assert np.bincount(images.labels[rows], minlength=2).tolist() == [2, 2]
    again = SourceDraws(tests[::-1], SourceTable(tests[::-1]))
    for images in tests:
        own, other = (one.of(images) for one in (sources, again._sources))
        assert (draws.times[:, own.sources[own.source]] == again.times[:, other.sources[other.source]]).all()


def test_what_is_not_measurable_has_no_average_and_a_reason_on_the_row(measured):
    from bench.evaluation.leaderboard import ranking

    run = make_run(n=40)
    found = evaluate(run, ["tpr_at_fpr_1pct"])
    (row, *_) = ranking(run, found).rows
    assert np.isnan(row.metrics["tpr_at_fpr_1pct"])
    assert row.metric_gaps == {"tpr_at_fpr_1pct": "not measurable on 40 real images, from 100 on (in 16 of 16 cells)"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["eer", "brier"])
def test_intervals_hold_what_other_images_of_the_same_skill_give(name):
    """Of ten draws of errors, the intervals hold the mean over all of them in nearly all."""
    found = [
        evaluate(make_run(falling(), ["alpha"], n=30, noise=noise), [name]).metric_averages["alpha"]["all cells"][name]
        for noise in range(10)
    ]
    truth = np.mean([one.value for one in found])
    assert sum(one.low <= truth <= one.high for one in found) >= 8
