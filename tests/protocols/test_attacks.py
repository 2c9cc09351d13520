"""Attacks: what they do to a linear and to a curved detector, and that a budget is kept."""

import numpy as np
import pytest

from detectors.checks import texture
from protocols.attacks import UnknownAttack, canonical_attacks, parse_attack

PIXELS = texture("attacked", 24, 16)
WEIGHTS = np.random.default_rng(0).normal(size=PIXELS.shape).astype(np.float32)


def linear(pixels):
    """The gradient of a linear detector, which is the same everywhere."""
    assert pixels.dtype == np.float32
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    return WEIGHTS


@pytest.mark.parametrize(("label", "direction"), [(0, 1), (1, -1)])
@pytest.mark.parametrize("text", ["fgsm:3", "pgd:3", "pgd:3:0.1:200", "pgd:3:6:1"])
def test_of_a_linear_detector_every_attack_reaches_the_corner_of_the_budget(text, label, direction):
    attacked = parse_attack(text)(PIXELS, label, linear)
    expected = np.clip(PIXELS.astype(int) + direction * 3 * np.sign(WEIGHTS).astype(int), 0, 255)
    assert attacked.dtype == np.uint8
    assert (attacked == expected).all()


@pytest.mark.parametrize("text", ["fgsm:1", "fgsm:64", "pgd:1:0.4:3", "pgd:7:2.5:6"])
def test_no_sample_leaves_the_budget_or_the_levels(text):
    extremes = PIXELS.copy()
    extremes[:8], extremes[8:12] = 0, 255
    method = parse_attack(text)
    steps = iter(np.random.default_rng(1).normal(size=(method.steps, *extremes.shape)).astype(np.float32))
    change = method(extremes, 0, lambda _: next(steps)).astype(int) - extremes
    assert 0 < np.abs(change).max() <= method.budget


def test_what_a_detector_does_not_read_is_left_by_one_step_and_stays_at_its_random_start_otherwise():
    blind = np.zeros_like(WEIGHTS)
    assert (parse_attack("fgsm:4")(PIXELS, 1, lambda _: blind) == PIXELS).all()
    moved = parse_attack("pgd:4")(PIXELS, 1, lambda _: blind).astype(int) - PIXELS
    assert np.abs(moved).max() == 4
    assert len(np.unique(moved[(PIXELS > 4) & (PIXELS < 251)])) == 9


def test_steps_follow_a_curve_that_one_step_overshoots():
    target = PIXELS + 1.0  # log odds fall with the distance from here: one level up is best, four are too many

    def gradient(pixels):
        return (target / 255 - pixels).astype(np.float32)

    def distance(text):
        return np.abs(parse_attack(text)(PIXELS, 0, gradient) - target)[PIXELS < 250].mean()

    assert distance("fgsm:4") == 3
    assert distance("pgd:4:0.25:40") < 0.1


def test_a_random_start_follows_from_the_content_alone():
    method = parse_attack("pgd:4:1:1")
    other = texture("another", 24, 16)
    first = method(PIXELS, 0, linear)
    method(other, 0, linear)
    assert (method(np.asfortranarray(PIXELS), 0, linear) == first).all()
    zero = np.zeros_like(WEIGHTS)
    starts = [method(pixels, 0, lambda _: zero).astype(int) - pixels for pixels in (PIXELS, other)]
    assert (starts[0] != starts[1]).mean() > 0.5


def test_the_input_is_left_alone():
    before = PIXELS.copy()
    parse_attack("pgd:4")(PIXELS, 0, linear)
    assert (before == PIXELS).all()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fgsm:2", "fgsm:2"),
        ("pgd:2", "pgd:2:0.5:10"),
        ("pgd:2:0.50", "pgd:2:0.5:10"),
        ("pgd:8:2:20", "pgd:8:2:20"),
    ],
)
def test_an_attack_has_one_name(text, name):
    assert parse_attack(text).name == name
    assert parse_attack(name).key == parse_attack(text).key


def test_attacks_of_one_meaning_are_one():
    assert canonical_attacks(["pgd:2", "fgsm:1", "pgd:2:0.5:10"]) == ("pgd:2:0.5:10", "fgsm:1")


@pytest.mark.parametrize(
    "text", ["", "fgsm", "fgsm:", "fgsm:0", "fgsm:1.5", "fgsm:65", "fgsm:2:1", "pgd:2:0", "pgd:2:1:0", "pgd:2:1:5:1",
             "pgd:2:1:1.5", "cw:1", "pgd:-1", "pgd:nan"],
)  # fmt: skip
def test_what_is_no_attack_is_refused_with_how_they_are_written(text):
    with pytest.raises(UnknownAttack, match="write fgsm:E or pgd:E, pgd:E:STEP or pgd:E:STEP:STEPS"):
        parse_attack(text)
