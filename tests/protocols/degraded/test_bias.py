"""Bias: a degradation of one class only."""

import pytest

from protocols.api import Unanswerable
from protocols.degraded.bias import Bias, condition
from tests.support.protocol_runs import averages, fake_scope

CONDITIONS = ["none", "jpeg:65 on both", "jpeg:65 on real", "jpeg:65 on generated"]


def test_every_condition_is_trained_with_and_tested_with():
    cells = Bias().cells(fake_scope())
    assert [(condition(cell.train), condition(cell.test)) for cell in cells] == [
        (one, other) for one in CONDITIONS for other in CONDITIONS
    ]
    assert {cell.train.generators for cell in cells} == {("a", "b", "c")}


def test_clean_images_are_asked_once_for_several_degradations():
    cells = Bias(degradations=("jpeg:65", "blur:1")).cells(fake_scope())
    assert len(cells) == len(set(cells)) == 2 * 16 - 1


def test_opposite_biases_are_away():
    assert averages(Bias(), fake_scope()) == {
        "no bias": (None, 4),
        "same bias": ("home", 2),
        "opposite bias": ("away", 2),
        "bias in training alone": (None, 4),
    }


def test_a_degradation_has_to_be_named():
    with pytest.raises(Unanswerable, match="no degradation is named"):
        Bias(degradations=("none",)).cells(fake_scope())


@pytest.mark.parametrize("detector", ["checkerboard", "colour"])  # one reads images, one embeddings
def test_a_run_tells_who_reads_the_degradation(run_on_miniature, detector):
    done = run_on_miniature("bias", detectors=(detector,), degradations="blur:2")
    found = done.matrix(detector)
    one, other = "blur:2 on real", "blur:2 on generated"
    assert found.loc[one, one] > 0.9
    assert found.loc[one, other] < 0.5 < found.loc[one, one]
    assert found.loc[other, one] < found.loc[other, other]
    assert done.fits == 4
    means = done.ranking.rows[0].means
    assert means["opposite bias"].value == pytest.approx((found.loc[one, other] + found.loc[other, one]) / 2)
    assert done.cells["train"].nunique() == 4
    assert not (done.folder / "conditions.md").exists()  # an image under blur:2 is several images here
