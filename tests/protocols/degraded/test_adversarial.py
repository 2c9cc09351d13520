"""Adversarial: every target is attacked for itself and for all others."""

from shutil import copytree

import numpy as np
import pytest

from protocols.api import Unanswerable
from protocols.degraded.adversarial import Adversarial, attack_of, target_of
from tests.support.protocol_runs import ProtocolRunner, averages, fake_scope

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
        "transfer": ("away", 8),
        "white box": (None, 4),
        "white box, fgsm:2": (None, 2),
        "white box, pgd:2:0.5:10": (None, 2),
    }


def test_what_is_degraded_after_an_attack_has_averages_of_its_own():
    assert averages(Adversarial(attacks=("fgsm:2",), after=("jpeg:90",)), fake_scope(**TWO)) == {
        "clean": ("home", 3),
        "transfer": ("away", 4),
        "white box": (None, 2),
        "white box, fgsm:2": (None, 2),
        "white box, fgsm:2 + jpeg:90": (None, 2),
    }
    cells = Adversarial(attacks=("fgsm:2",), after=("jpeg:90",)).cells(fake_scope(**TWO))
    assert {attack_of(cell) for cell in cells} == {"none", "jpeg:90", "fgsm:2", "fgsm:2 + jpeg:90"}


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


@pytest.mark.slow
def test_an_attack_fools_its_target_and_no_random_change_does(run_on_miniature):
    options = {
        "detectors": ("clip_probe", "checkerboard"),
        "attacks": "fgsm:4,pgd:4:2:3",
        "after": "jpeg:50",
        "images": 6,
    }
    done = run_on_miniature("adversarial", **options)
    probe = done.cells.set_index(["detector", "attack"])["accuracy"]["clip_probe"]
    assert probe["none"] > 0.8
    assert probe["pgd:4:2:3"] <= probe["fgsm:4"] < 0.3
    assert probe["pgd:4:2:3"] < probe["pgd:4:2:3 + jpeg:50"]
    means = {row.detector: row.means for row in done.ranking.rows}
    assert means["clip_probe"]["white box"].cells == 2
    assert means["checkerboard"]["white box"].cells == 0
    assert means["checkerboard"]["transfer"].cells == 2
    again = run_on_miniature("adversarial", **{**options, "detectors": ("checkerboard", "clip_probe")})
    assert (done.fits, again.count("fits made")) == (2, 0)
    assert np.array_equal(again.run.scores["score"].sort_values(), done.run.scores["score"].sort_values())
    assert not (done.folder / "conditions.md").exists()
    assert "white box" in (done.folder / "leaderboard.md").read_text()


def test_an_image_of_both_classes_has_no_wrong_answer_to_be_led_to(miniature_folder, tmp_path):
    data = copytree(miniature_folder, tmp_path / "data")
    real, generated = (sorted((data / "even" / "val" / name).iterdir())[0] for name in ("nature", "ai"))
    real.write_bytes(generated.read_bytes())
    runner = ProtocolRunner(data, tmp_path / "runs")
    done = runner("adversarial", detectors=("clip_probe",), attacks="fgsm:1", images="0", train_on="even")
    cells = done.cells.set_index("attack")
    assert cells["status"].to_dict() == {"none": "scored", "fgsm:1": "failed"}
    assert "images of both classes (1) cannot be led to a wrong answer: remove them" in cells["reason"]["fgsm:1"]
