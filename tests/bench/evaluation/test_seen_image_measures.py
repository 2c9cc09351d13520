import numpy as np
import pytest

from bench.evaluation.cells import cells_table
from bench.evaluation.seen_image_measures import seen_image_measures
from bench.metrics.catalogue import find_metrics
from bench.metrics.seen_images import seen_images
from bench.platform.errors import InputError
from tests.support.synthetic_runs import make_run, with_scores


def test_every_measure_is_of_the_images_that_were_not_seen():
    run = make_run(degraded=True)
    found = seen_image_measures(run, 10, seed=3, metrics=find_metrics(["balanced_accuracy", "ece"]))
    assert found["key"].tolist() == run.cells["key"].tolist()
    assert set(found["seen"]) == {10}  # every scene is its own
    assert set(found["n"]) == {90}
    whole = cells_table(run)["balanced_accuracy"]
    assert 0 < (found["balanced_accuracy"] - whole).abs().max() < 0.1
    assert found["ece"].notna().all()


def test_a_threshold_that_fails_is_repaired_by_a_few_images():
    run = make_run(lambda *_: 0.95)
    run = with_scores(run, run.scores.assign(score=np.float32(0.55) + np.float32(0.4) * run.scores["score"]))
    found = seen_image_measures(run, 20)
    assert set(found["balanced_accuracy"]) == {0.5}
    assert found["calibrated_balanced_accuracy"].mean() == pytest.approx(0.93, abs=0.05)
    assert (found["calibrated_accuracy"] - found["calibrated_balanced_accuracy"]).abs().max() < 1e-12


def test_all_detectors_and_degradations_of_a_test_set_see_the_same_images():
    """Right scores on what is seen, wrong ones elsewhere: no cell has a right image left."""
    run = make_run(degraded=True)
    first = run.scores[run.scores["key"].eq(run.cells["key"].iloc[0])]
    seen = seen_images(*(first[name].to_numpy() for name in ("label", "name", "source")), 10, 0)
    known = set(first["name"].to_numpy()[seen.left_out])
    right = run.scores["name"].isin(known)
    labels = run.scores["label"].astype(np.float32)
    found = seen_image_measures(with_scores(run, run.scores.assign(score=labels.where(right, 1 - labels))), 10)
    assert set(found["accuracy"]) == set(found["calibrated_accuracy"]) == {0.0}


def test_too_many_name_the_test_set():
    with pytest.raises(InputError, match="fog: 100 labelled images and all of their sources leave 0 of 50 real"):
        seen_image_measures(make_run(), 100)
