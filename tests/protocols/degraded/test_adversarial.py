"""Adversarial: every target is attacked for itself and for all others."""

import numpy as np
import pytest

from protocols.api import Unanswerable
from protocols.degraded.adversarial import Adversarial, attack_of, target_of
from tests.support.protocol_runs import averages, fake_scope

TWO = {"detectors": ("hog_svm", "clip_probe", "cnnspot"), "differentiable": ("clip_probe", "cnnspot")}


def test_all_detectors_see_what_was_attacked_for_each_that_can_be():
    cells = Adversarial(attacks=("fgsm:1",)).cells(fake_scope(**TWO))
    assert [(cell.detector, target_of(cell), attack_of(cell)) for cell in cells] == [
        (detector, target, attack)
        for detector in TWO["detectors"]
        for target, attack in (("none", "none"), ("clip_probe", "fgsm:1"), ("cnnspot", "fgsm:1"))
    ]


def test_a_target_was_fitted_on_the_same_images_with_the_same_seed():
    cells = Adversarial().cells(fake_scope(seeds=(3, 4), **TWO))
    attacked = [cell for cell in cells if cell.attack]
    assert len(attacked) == 3 * 2 * 2 * 2
    assert all(cell.attack.target in cells for cell in attacked)
    assert all((cell.attack.target.train, cell.attack.target.seed) == (cell.train, cell.seed) for cell in attacked)


def test_images_are_degraded_after_the_attack_and_not_before():
    cells = Adversarial(after=("jpeg:90",)).cells(fake_scope(**TWO))
    assert {cell.test.degradation for cell in cells if cell.attack} == {"none", "jpeg:90"}
    assert {cell.attack.target.test.degradation for cell in cells if cell.attack} == {"none"}
    assert len(cells) == len(set(cells)) == 2 * 3 * 5


def test_a_released_detector_is_attacked_for_trained_ones_and_they_for_it():
    scope = fake_scope(("clip_probe", "cnnspot@x"), (3, 4), ("cnnspot@x",), differentiable=("clip_probe", "cnnspot@x"))
    cells = Adversarial(attacks=("fgsm:1",)).cells(scope)
    assert [(cell.detector, cell.seed, target_of(cell), cell.attack.target.seed) for cell in cells if cell.attack] == [
        ("clip_probe", 3, "clip_probe", 3),
        ("clip_probe", 3, "cnnspot@x", 0),
        ("clip_probe", 4, "clip_probe", 4),
        ("clip_probe", 4, "cnnspot@x", 0),
        ("cnnspot@x", 0, "clip_probe", 3),
        ("cnnspot@x", 0, "cnnspot@x", 0),
    ]


def test_the_white_box_is_told_from_transfer():
    assert averages(Adversarial(), fake_scope(**TWO)) == {
        "clean": ("home", 3),
        "attacked": ("away", 12),
        "white box": (None, 4),
        "transfer": (None, 8),
        "white box, fgsm:2": (None, 2),
        "white box, pgd:2:0.5:10": (None, 2),
    }


@pytest.mark.parametrize(
    ("options", "scope", "message"),
    [
        ({}, {"detectors": ("hog_svm",)}, "none of hog_svm has a gradient to follow; add cnnspot or clip_probe"),
        ({"targets": ("hog_svm",)}, TWO, "hog_svm has no gradient to follow .* of the run clip_probe, cnnspot can"),
        ({"targets": ("npr",)}, TWO, "npr is not in the run and cannot be attacked"),
    ],
)
def test_what_has_no_gradient_is_no_target(options, scope, message):
    with pytest.raises(Unanswerable, match=message):
        Adversarial(**options).cells(fake_scope(**scope))
    with pytest.raises(ValueError, match="images has -5"):
        Adversarial(images=-5)


def test_an_unknown_attack_is_refused_before_the_data_is_read(run_on_miniature):
    with pytest.raises(Exception, match="attack 'cw:1' is not known; write fgsm:E"):
        run_on_miniature("adversarial", detectors=("clip_probe",), attacks="cw:1")


def test_an_attack_fools_its_target_and_no_random_change_does(run_on_miniature):
    options = {
        "detectors": ("clip_probe", "checkerboard"),
        "attacks": "fgsm:4,pgd:4:2:3",
        "after": "jpeg:50",
        "images": 6,
    }
    done = run_on_miniature("adversarial", **options)
    accuracy = done.cells.set_index(["detector", "attack", "degradation"])["accuracy"]
    probe = accuracy["clip_probe"]
    assert probe["none", "none"] > 0.8
    assert probe["pgd:4:2:3", "none"] <= probe["fgsm:4", "none"] < 0.3
    assert probe["pgd:4:2:3", "none"] < probe["pgd:4:2:3", "jpeg:50"]
    means = {row.detector: row.means for row in done.ranking.rows}
    assert means["clip_probe"]["white box"].cells == 4
    assert means["checkerboard"]["white box"].cells == 0
    assert means["checkerboard"]["transfer"].cells == 4
    again = run_on_miniature("adversarial", **{**options, "detectors": ("checkerboard", "clip_probe")})
    assert (done.count("fits made"), again.count("fits made")) == (2, 0)
    assert np.array_equal(again.run.scores["score"].sort_values(), done.run.scores["score"].sort_values())
    assert not (done.folder / "conditions.md").exists()
    assert "white box" in (done.folder / "leaderboard.md").read_text()
