"""Answers averaged over seeds, against a loop over the rows of scores."""

import numpy as np
import pytest

from bench.analyses.scores.questions import binary_cells, missing_cells, question_blocks, training_texts
from bench.evaluation.cells import evaluate
from bench.platform.errors import InputError
from protocols.degradation import DegradationMatrix
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import GENERATORS, make_run, run_of, with_scores, without


def with_odds(run):
    """The same run, where beta has log odds that are not those of its scores."""
    scores = run.scores
    odds = np.where(scores["key"].str.startswith("beta"), (scores["score"] - 0.5) * 40, np.nan)
    return with_scores(run, scores.assign(log_odds=odds.astype(np.float32)))


@pytest.fixture(scope="module")
def run():
    return with_odds(make_run(seeds=(0, 1, 2), n=20))


def test_rows_are_means_over_seeds(run):
    measured = evaluate(run)
    both = run.scores.merge(run.cells, on="key")
    both["called"] = both["score"] > 0.5
    both["right"] = both["called"] == both["label"].eq(1)
    scores = both["score"].astype(float)
    both["odds"] = both["log_odds"].astype(float).fillna(np.log(scores / (1 - scores)))
    blocks = list(question_blocks(measured, binary_cells(measured)))
    assert sum(len(block.cells) for block in blocks) == 2 * len(GENERATORS) ** 2
    for block in blocks:
        for row, cell in enumerate(block.cells):
            asked = measured.table.iloc[cell]
            own = both[(both[["detector", "train", "test"]] == asked[["detector", "train", "test"]]).all(axis=1)]
            means = own.groupby("name")[["called", "right", "score", "odds"]].mean().loc[block.images.names]
            assert block.called[row] == pytest.approx(means["called"].to_numpy())
            assert block.right[row] == pytest.approx(means["right"].to_numpy())
            assert block.scores[row] == pytest.approx(means["score"].to_numpy())
            assert block.log_odds[row] == pytest.approx(means["odds"].to_numpy(), rel=1e-5)


def test_a_question_that_lacks_a_seed_is_left_out_and_named(run):
    gone = run.cells["detector"].eq("alpha") & run.cells["train"].eq("fog") & run.cells["test"].eq("kiln")
    gone &= run.cells["seed"].eq(1)
    measured = evaluate(without(run, gone))
    cells = binary_cells(measured)
    found = {
        tuple(measured.table.iloc[cell][["detector", "train", "test"]])
        for block in question_blocks(measured, cells)
        for cell in block.cells
    }
    assert len(found) == 2 * 16 - 1
    assert ("alpha", "fog", "kiln") not in found
    assert missing_cells(measured, cells) == (
        "alpha trained on fog, tested on kiln, none, seed 1: its weights are not here",
    )


def test_cells_that_name_generators_are_no_binary_ones():
    naming = evaluate(without(run_of(Naming()), run_of(Naming()).cells["test"].notna()))
    assert not binary_cells(naming).any()


def test_an_unknown_average_is_refused(run):
    with pytest.raises(InputError, match=r"the average 'of-diagonal' is not known; did you mean off-diagonal\?"):
        binary_cells(evaluate(run), "of-diagonal")


def test_trainings_are_told_by_what_varies(run):
    assert set(training_texts(evaluate(run))) == set(GENERATORS)
    degraded = evaluate(run_of(DegradationMatrix(train_on=GENERATORS[:1], degradations=("jpeg:65",))))
    assert set(training_texts(degraded)) == {"none", "jpeg:65"}
    two = evaluate(run_of(DegradationMatrix(train_on=GENERATORS[:2], degradations=("jpeg:65",))))
    assert "fog, jpeg:65" in training_texts(two)
