from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from bench.evaluation.cells import cells_table
from bench.evaluation.validation_measures import mean_measures, validation_measures
from bench.records import columns
from bench.records.run import ValidationScores
from tests.support.synthetic_runs import make_run, with_scores


def with_validation(run, log_odds, labels):
    """The same held-out scores behind every cell of a run."""
    cells = run.cells[[columns.KEY, columns.STATUS, columns.REASON]].assign(**{columns.VALIDATION_KEY: "held out"})
    scores = pd.DataFrame(
        {
            columns.KEY: "held out",
            columns.NAME: [f"image{place}" for place in range(len(labels))],
            columns.SOURCE: [f"image{place}" for place in range(len(labels))],
            columns.LABEL: labels,
            columns.SCORE: expit(log_odds).astype(np.float32),
            columns.LOG_ODDS: np.nan,
        }
    )
    return replace(run, validation=ValidationScores(cells, scores))


@pytest.fixture(scope="module")
def run():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    return with_validation(make_run(), 2 * (2 * labels - 1) + random.normal(0, 1, 100), labels)


def test_a_run_without_validation_has_none():
    found = validation_measures(make_run())
    assert found.empty
    assert mean_measures(make_run(), found) == {}


def test_no_table_of_all_scores_is_made(run, monkeypatch):
    def refuse(_):
        raise MemoryError

    monkeypatch.setattr("bench.records.score_table.ScoreTable.frame", refuse)
    assert validation_measures(make_run()).empty
    assert len(validation_measures(run)) == len(run.cells)


def test_every_cell_is_measured_beside_its_native_accuracy(run):
    found, table = validation_measures(run).set_index(columns.KEY), cells_table(run).set_index(columns.KEY)
    assert len(found) == len(table)
    assert (found["balanced_accuracy"] - table["balanced_accuracy"].loc[found.index]).abs().max() < 1e-12
    assert (found["validation_balanced_accuracy"] <= found["oracle_balanced_accuracy"] + 1e-12).all()
    assert (found["validation_accuracy"] <= found["oracle_accuracy"] + 1e-12).all()
    assert (found["temperature_balanced_accuracy"] - found["balanced_accuracy"]).abs().max() < 1e-12


def test_a_threshold_that_fails_is_repaired_by_validation_and_platt_and_not_by_temperature(run):
    """Scores of test and validation lie a third of their range too high."""
    shifted = {}
    for what, table in (("scores", run.scores), ("validation", run.validation.scores)):
        high = np.float32(0.55) + np.float32(0.4) * table[columns.SCORE]
        shifted[what] = table.assign(**{columns.SCORE: high, columns.LOG_ODDS: np.nan})
    moved = with_scores(run, shifted["scores"], validation=replace(run.validation, scores=shifted["validation"]))
    before, after = (mean_measures(one, validation_measures(one)) for one in (run, moved))
    for detector, values in after.items():
        assert values["balanced_accuracy"] == 0.5
        assert values["temperature_balanced_accuracy"] == 0.5
        assert values["validation_balanced_accuracy"] == pytest.approx(
            before[detector]["validation_balanced_accuracy"], abs=0.02
        )
        assert values["platt_balanced_accuracy"] > 0.52
        assert values["platt_ece"] < values["ece"]


def test_stored_scores_stay_as_they_are(run):
    before = run.scores.copy()
    validation_measures(run)
    pd.testing.assert_frame_equal(run.scores, before)
