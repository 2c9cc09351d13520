import numpy as np
import pytest

from bench.evaluation.averages import RunningAverages, SourceTable, intervals_with
from bench.evaluation.cells import average_masks, evaluate
from bench.evaluation.decided_blocks import decided_blocks
from bench.records import columns
from bench.statistics.influences import mean_influences
from protocols.cross_generator import CrossGenerator
from tests.support.synthetic_runs import make_run, run_of, with_scores


@pytest.fixture(scope="module")
def run():
    return make_run(n=30, seeds=(0, 1))


def test_an_average_is_the_mean_of_its_cells_whatever_the_size_of_blocks(run, monkeypatch):
    whole = evaluate(run)
    monkeypatch.setattr("bench.records.score_table.BLOCK_SIZE", 150)
    parts = evaluate(run)
    masks = average_masks(run.cells, run.manifest.protocol)
    for detector in ("alpha", "beta"):
        own = run.cells["detector"].eq(detector).to_numpy()
        for name, mask in masks.items():
            for measure in (columns.RANKED, columns.ROC_AUC, columns.AP):
                found = whole.averages[detector][name][measure]
                assert found.value == pytest.approx(whole.table.loc[mask & own, measure].mean(), abs=1e-12)
                again = parts.averages[detector][name][measure]
                assert again.value == pytest.approx(found.value, abs=1e-12)
                assert again.influences == pytest.approx(found.influences, abs=1e-12)
                assert again.interval == pytest.approx(found.interval, abs=1e-9)


def test_influences_of_an_average_are_those_of_its_cells_by_source(run):
    own = run.cells["detector"].eq("alpha").to_numpy()
    sources = SourceTable(run.score_table.test_images())
    blocks = list(decided_blocks(run, own))
    running = RunningAverages({"": own}, sources)
    for block in blocks:
        running.add(block, block.measures())
    (found,) = running.averages().values()
    expected = np.zeros(sources.count)
    for block in blocks:
        rows = mean_influences(block.correct, block.images.labels, balanced=True).influences
        test = sources.of(block.images)
        np.add.at(expected, test.sources[test.source], rows.sum(axis=0))
    assert found[columns.RANKED].influences == pytest.approx(expected / own.sum(), abs=1e-12)
    assert found[columns.RANKED].influences.sum() == pytest.approx(0, abs=1e-12)


def test_what_is_shared_counts_once_among_images_and_sources(run):
    found = evaluate(run).averages["alpha"]["all cells"][columns.RANKED]
    assert found.images == run.scores["name"].nunique()
    assert found.sources == run.scores["source"].nunique()
    assert evaluate(run).sources.standing_in([]).sum() == 0


def test_measures_that_are_one_share_their_influences(run):
    balanced = evaluate(run).averages["alpha"]["all cells"]
    assert balanced[columns.ACCURACY].influences is balanced[columns.RANKED].influences
    assert balanced[columns.ROC_AUC].influences is not balanced[columns.RANKED].influences
    scores = run.scores
    uneven = with_scores(run, scores[scores["label"].eq(1) | scores["name"].lt("val/nature/0010")])
    found = evaluate(uneven).averages["alpha"]["all cells"]
    assert found[columns.ACCURACY].influences is not found[columns.RANKED].influences


def test_training_adds_to_the_width_of_an_interval(run):
    found = evaluate(run).averages["alpha"]["all cells"][columns.RANKED]
    low, high = found.interval
    wider, same = intervals_with([found, found], [0.02**2, 0.0])
    assert wider[0] < low < found.value < high < wider[1]
    assert same == found.interval
    assert intervals_with([], []) == []


def test_no_error_is_no_certainty():
    run = run_of(CrossGenerator(), n=20)
    perfect = with_scores(run, run.scores.assign(score=run.scores["label"].astype(np.float32)))
    measured = evaluate(perfect)
    cell = measured.table.iloc[0]
    assert cell["accuracy"] == cell["accuracy_high"] == cell["roc_auc_high"] == 1
    assert 0.88 < cell["accuracy_low"] < 0.93  # Clopper and Pearson's of 40 of 40 is 0.912
    assert cell["ap_low"] < 0.99
    diagonal = measured.averages["alpha"]["diagonal"][columns.RANKED]
    assert 0.9 < diagonal.interval[0] < diagonal.interval[1] == 1
