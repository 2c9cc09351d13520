"""What detectors say of single images, against a loop over every score."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from bench.analyses.scores.image_scores import IMAGE_SCORES, RIGHT, image_scores
from bench.analyses.scores.questions import CALLED
from bench.evaluation.cells import evaluate
from tests.support.open_protocols import Naming
from tests.support.pages import CrossDegraded
from tests.support.synthetic_runs import make_run, run_of, with_scores, without

NAMES = ("val/nature/0003.jpg", "val/fog/0000.jpg", "val/kiln/0009.jpg", "val/nature/0000.jpg")


@pytest.fixture(scope="module")
def run():
    """Trained on four generators with two seeds, tested under three degradations."""
    return run_of(CrossDegraded(), seeds=(0, 1), n=10)


@pytest.fixture(scope="module")
def measured(run):
    return evaluate(run)


def by_hand(run, names, train_on_test=None):
    """Scores, calls and hits of each data set, image, detector and degradation, one for each cell."""
    found = defaultdict(list)
    cells = run.cells[run.cells["status"].eq("scored")].set_index("key")
    for row in run.scores[run.scores["name"].isin(names)].itertuples():
        cell = cells.loc[row.key]
        if train_on_test is not None and (cell["train"] == cell["test"]) != train_on_test:
            continue
        called = row.score > 0.5
        key = cell["test_data"], row.name, row.label, cell["detector"], cell["degradation"]
        found[key].append((float(row.score), float(called), float(called == (row.label == 1))))
    return found


def check(found, expected):
    assert tuple(found) == IMAGE_SCORES
    rows = {
        (row.test_data, row.name, row.label, row.detector, row.degradation): (
            row.score,
            getattr(row, CALLED),
            getattr(row, RIGHT),
            row.answers,
        )
        for row in found.itertuples()
    }
    assert len(rows) == len(found)
    assert rows.keys() == expected.keys()
    for key, answers in expected.items():
        assert rows[key] == pytest.approx((*np.mean(answers, axis=0), len(answers)), abs=1e-7), key


def test_means_are_those_of_a_loop_over_degradations_trainings_and_seeds(run, measured):
    expected = by_hand(run, NAMES)
    assert {len(answers) for answers in expected.values()} == {4 * 2, 4 * 2 * 4}  # real ones stand in every test set
    check(image_scores(measured, NAMES), expected)


def test_the_cells_of_an_average_alone(run, measured):
    check(image_scores(measured, NAMES, "off-diagonal"), by_hand(run, NAMES, train_on_test=False))


def test_some_detectors_alone(run, measured):
    expected = {key: answers for key, answers in by_hand(run, NAMES).items() if key[3] == "beta"}
    check(image_scores(measured, NAMES, detectors=["beta", "nobody"]), expected)
    assert image_scores(measured, NAMES, detectors=[]).empty


def test_an_image_of_two_data_sets_is_two():
    run = make_run(n=10)
    cells = run.cells.assign(test_data=np.where(run.cells["test"].eq("kiln"), "other", ""))
    other = run.scores["key"].isin(cells.loc[cells["test_data"].eq("other"), "key"])
    scores = run.scores.assign(label=np.where(other, 1 - run.scores["label"], run.scores["label"]))
    run = with_scores(run, scores, cells=cells)
    found = image_scores(evaluate(run), [NAMES[0]])
    assert {(row.test_data, row.label) for row in found.itertuples()} == {("", 0), ("other", 1)}
    check(found, by_hand(run, NAMES[:1]))


def test_cells_without_scores_are_in_no_mean(run):
    gone = run.cells["seed"].eq(1) | run.cells["degradation"].eq("blur:1")
    part = without(run, gone & run.cells["detector"].eq("beta"))
    found = image_scores(evaluate(part), NAMES)
    check(found, by_hand(part, NAMES))
    assert set(found.loc[found["detector"].eq("beta"), "degradation"]) == {"none", "jpeg:65"}


def test_images_without_a_score_and_cells_that_name_generators_are_left_out(run, measured):
    known = image_scores(measured, [*NAMES, *NAMES, "val/nature/nobody.jpg"])
    check(known, by_hand(run, NAMES))
    for found in (
        image_scores(measured, []),
        image_scores(measured, ["nobody"]),
        image_scores(evaluate(_naming()), ["val/nature/0003.jpg"]),
    ):
        assert tuple(found) == IMAGE_SCORES
        assert found.empty


def _naming():
    run = run_of(Naming(), n=5)
    told = run.scores[["key", "name", "label"]]
    made = np.where(told["label"] == 1, told["name"].str.split("/").str[1], "")
    told = told.drop(columns="label").assign(generator=made, predicted=made)
    return replace(run, diagnostics=told)
