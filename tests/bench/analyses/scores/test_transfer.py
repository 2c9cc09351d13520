"""Clusters of generators by transfer, against scipy and planted ones."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import average, fcluster, leaves_list, optimal_leaf_ordering
from scipy.spatial.distance import squareform
from scipy.stats import pearsonr

from bench.analyses.scores.transfer import cluster_columns, generator_transfer, profile_correlations
from bench.evaluation.cells import evaluate, matrices
from bench.platform.errors import InputError
from protocols.degradation import DegradationMatrix
from tests.support.synthetic_runs import GENERATORS, make_run, run_of, without

NAMES = tuple("abcdefgh")


@pytest.fixture(scope="module")
def planted():
    """Tests a, c, e, g have one profile over train sets, b, d, f, h another; of train sets a to d against e to h."""
    random = np.random.default_rng(5)
    of_tests, of_trains = random.random((2, 8)), random.random((2, 8))
    values = 0.3 * np.stack([of_tests[place % 2] for place in range(8)], axis=1)
    values += 0.3 * np.stack([of_trains[place // 4] for place in range(8)])
    values += random.normal(0, 0.005, values.shape) + 0.3
    np.fill_diagonal(values, 0.99)
    return pd.DataFrame(values, index=list(NAMES), columns=list(NAMES))


def test_correlations_are_those_of_the_other_rows(planted):
    found = profile_correlations(planted)
    for first in NAMES:
        for second in NAMES:
            others = planted.drop(index=list({first, second}))
            expected = 1.0 if first == second else pearsonr(others[first], others[second]).statistic
            assert found.loc[first, second] == pytest.approx(expected)


def test_planted_clusters_are_found(planted):
    tested, trained = cluster_columns(planted), cluster_columns(planted.T)
    assert {frozenset(one) for one in tested.clusters} == {frozenset("aceg"), frozenset("bdfh")}
    assert {frozenset(one) for one in trained.clusters} == {frozenset("abcd"), frozenset("efgh")}
    assert tested.reason == trained.reason == ""


def test_order_merges_and_clusters_are_scipys(planted):
    matrix = planted + np.random.default_rng(1).normal(0, 0.1, planted.shape)
    found = cluster_columns(matrix, cut=0.8)
    distances = squareform(1 - profile_correlations(matrix).to_numpy(), checks=False)
    joined = optimal_leaf_ordering(average(distances), distances)
    assert found.order == tuple(NAMES[leaf] for leaf in leaves_list(joined))
    assert [one.distance for one in found.merges] == pytest.approx(joined[:, 2])
    assert [len(one.first) + len(one.second) for one in found.merges] == list(joined[:, 3])
    expected = pd.Series(list(NAMES)).groupby(fcluster(joined, 0.8, "distance")).agg(frozenset)
    assert {frozenset(one) for one in found.clusters} == set(expected)
    assert sum(found.clusters, ()) == found.order
    assert all("".join(one.first + one.second) in "".join(found.order) for one in found.merges)


def test_distances_are_means_over_the_pairs(planted):
    found = cluster_columns(planted)
    for one in found.merges:
        pairs = 1 - found.similarity.loc[list(one.first), list(one.second)].to_numpy()
        assert one.distance == pytest.approx(pairs.mean())


def test_a_missing_cell_is_a_reason_and_one_of_the_diagonal_is_none(planted):
    diagonal, missing = planted.mask(np.eye(8, dtype=bool)), planted.copy()
    missing.loc["c", "f"] = np.nan
    assert cluster_columns(diagonal).order == cluster_columns(planted).order
    found = cluster_columns(missing)
    assert found.reason == "accuracies are missing (1): c with f"
    assert (found.order, found.merges, found.clusters) == ((), (), ())
    assert found.similarity["f"].isna().sum() == 6  # with c itself it is not compared on c
    assert found.similarity["a"].isna().sum() == 1


def test_a_constant_profile_and_few_generators_are_reasons(planted):
    flat = planted.copy()
    flat["d"] = 0.5
    assert cluster_columns(flat).reason == "the accuracies of d do not vary: nothing correlates with them"
    few = cluster_columns(planted[["a", "b"]])
    assert few.reason == "2 generators, at least 3 are needed"
    assert cluster_columns(planted.loc[list("abcd"), list("abcd")]).reason.startswith("two generators share 2 others")


def test_a_train_set_of_several_generators_is_left_out_of_each(planted):
    joined = planted.rename(index={"h": "a+h"})
    found = profile_correlations(joined)
    others = planted.drop(index=["a", "b", "h"])
    assert found.loc["a", "b"] == pytest.approx(pearsonr(others["a"], others["b"]).statistic)


def test_the_matrix_is_the_mean_of_those_of_the_detectors():
    run = make_run(seeds=(0, 1))
    measured = evaluate(run)
    found = generator_transfer(measured, ["alpha", "beta"])
    both = matrices(measured.table, run.manifest.protocol)
    pd.testing.assert_frame_equal(found.matrix, (both["alpha"] + both["beta"]) / 2)
    assert found.tested.reason.startswith("two generators share 2 others")  # of four generators
    gone = evaluate(without(run, run.cells["key"].eq("beta/fog/kiln/none/1")))
    assert generator_transfer(gone, ["alpha", "beta"]).matrix.isna().to_numpy().sum() == 1
    assert not generator_transfer(gone, ["alpha"]).matrix.isna().to_numpy().any()


def test_an_unknown_detector_is_refused():
    with pytest.raises(InputError, match="the detector 'gama' is not known"):
        generator_transfer(evaluate(make_run(n=10)), ["alpha", "gama"])


def test_a_matrix_of_other_axes_is_a_reason():
    degraded = run_of(DegradationMatrix(train_on=GENERATORS[:1], degradations=("jpeg:65",)))
    found = generator_transfer(evaluate(degraded), ["alpha"])
    assert "not of train and test sets" in found.tested.reason
    assert found.trained.reason == found.tested.reason
