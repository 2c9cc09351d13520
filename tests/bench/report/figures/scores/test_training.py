"""How trainings went: means over train sets and seeds, only as far as all of them went."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.report.figures.findings import Findings
from bench.report.figures.scores.training import training_content
from tests.support.drawings import named, outside, texts
from tests.support.synthetic_runs import make_run

NO_VALUE = float("nan")


def epochs(detector, train, losses, seed=0, validation=NO_VALUE):
    """The rows of one training in the file of a run."""
    return [
        {
            "fit": f"{detector}-{train}-{seed}",
            "detector": detector,
            "train": train,
            "seed": seed,
            "epoch": epoch,
            "train_loss": loss,
            "train_accuracy": 1 - loss / 2,
            "validation_loss": validation,
            "validation_accuracy": validation,
        }
        for epoch, loss in enumerate(losses)
    ]


def findings_of(*trainings, detectors=("alpha", "beta")):
    run = make_run(lambda detector, *_: 0.95 - 0.03 * list(detectors).index(detector), detectors, n=6)
    return replace(Findings.of(run), training=pd.DataFrame([row for rows in trainings for row in rows]))


def lines(content):
    """Of each panel by its title, the line of each detector in epochs and values."""
    (chart,) = content.charts
    found = {}
    for part in chart.parts:
        numbers = [
            [(one.origin[axis], float(one.text.replace("%", ""))) for one in named(part, "text", "small")
             if one.text.replace(".", "").isdigit() and (one.given.get("text-anchor") == anchor)]
            for axis, anchor in ((0, "middle"), (1, "end"))
        ]  # fmt: skip
        scales = [np.polyfit(*zip(*ticks, strict=True), 1) for ticks in numbers]
        found[part.title] = {
            one.tip: [tuple(np.polyval(scales[axis], place[axis]) for axis in (0, 1)) for place in one.points]
            for one in named(part, "path", "curve")
        }
    return found


def test_the_mean_is_over_train_sets_up_to_the_epoch_that_all_reached():
    content = training_content(
        findings_of(
            epochs("alpha", "fog", [0.8, 0.6, 0.4]),
            epochs("alpha", "kiln", [0.6, 0.2]),
            epochs("beta", "fog", [0.9, 0.7, 0.5]),
        )
    )
    found = lines(content)
    assert set(found) == {"Train loss", "Train accuracy"}  # nothing was held out
    assert np.array(found["Train loss"]["alpha"]) == pytest.approx(np.array([(1, 0.7), (2, 0.4)]), abs=0.02)
    assert np.array(found["Train loss"]["beta"]) == pytest.approx(np.array([(1, 0.9), (2, 0.7), (3, 0.5)]), abs=0.02)
    assert np.array(found["Train accuracy"]["alpha"]) == pytest.approx(np.array([(1, 65), (2, 80)]), abs=1.0)
    assert content.charts[0].description == "2 detectors were trained in epochs."
    assert outside(content.charts[0]) == []


def test_the_numbers_are_every_epoch_of_every_training():
    content = training_content(findings_of(epochs("beta", "fog", [0.9, 0.7], validation=0.8)))
    assert len(content.rows) == 2 * 4
    assert set(content.rows["part"]) == {"train", "validation"}
    assert content.charts[0].description == "1 detector was trained in epochs."
    assert [part.title for part in content.charts[0].parts] == [
        "Train loss",
        "Train accuracy",
        "Validation loss",
        "Validation accuracy",
    ]


def test_seeds_that_ended_apart_are_no_mean():
    content = training_content(
        findings_of(epochs("alpha", "fog", [0.8, 0.6, 0.4]), epochs("alpha", "fog", [0.6, 0.2], seed=1))
    )
    assert len(lines(content)["Train loss"]["alpha"]) == 2


def test_a_detector_without_a_loss_on_one_train_set_has_no_mean():
    content = training_content(
        findings_of(
            epochs("alpha", "fog", [0.8]), epochs("alpha", "kiln", [NO_VALUE, NO_VALUE]), epochs("beta", "fog", [0.5])
        )
    )
    assert set(lines_names(content)) == {"beta"}
    lonely = training_content(
        findings_of(epochs("alpha", "fog", [0.8], validation=0.2), epochs("alpha", "kiln", [NO_VALUE], validation=0.2))
    )
    assert [part.title for part in lonely.charts[0].parts] == ["Validation loss", "Validation accuracy"]


def lines_names(content):
    return [one.tip for part in content.charts[0].parts for one in named(part, "path", "curve")]


def test_a_loss_without_bounds_and_one_of_nothing_are_drawn_as_far_as_they_can_be():
    content = training_content(
        findings_of(epochs("alpha", "fog", [0.8, float("inf")]), epochs("beta", "fog", [0.0, 0.0]))
    )
    own = [one for one in named(content.charts[0].parts[0], "path", "curve") if one.tip == "alpha"]
    assert len(own[0].points) == 1
    nothing = training_content(findings_of(epochs("beta", "fog", [0.0, 0.0])))
    assert "0" in texts(nothing.charts[0])


def test_the_best_twelve_are_drawn_and_the_rest_counted():
    names = tuple(f"d{place:02}" for place in range(14))
    trainings = [epochs(name, "fog", [0.6, 0.5], validation=0.5 if name == "d13" else NO_VALUE) for name in names]
    found = findings_of(*trainings, detectors=names)
    content = training_content(found)
    assert {one.tip for one in named(content.charts[0], "path", "curve")} == set(found.best(12))
    assert "2 more in the numbers." in content.charts[0].note
    # of the fourteenth alone something was held out
    assert [part.title for part in content.charts[0].parts] == ["Train loss", "Train accuracy"]


def test_without_epochs_there_is_nothing():
    for found in (Findings.of(make_run(n=4)), findings_of(epochs("nobody", "fog", [0.5]))):
        content = training_content(found)
        assert (list(content.charts), content.rows, content.reason) == ([], None, "Nothing was trained in epochs.")


def test_no_epoch_in_common_is_a_reason():
    content = training_content(
        findings_of(epochs("alpha", "fog", [0.5])[:1], [{**epochs("alpha", "kiln", [0.5])[0], "epoch": 3}])
    )
    assert not content.charts
    assert len(content.rows) == 4
    assert content.reason == "No epoch was reached by all trainings of a detector."
