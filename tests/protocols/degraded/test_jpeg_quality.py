"""JPEG quality: each quality of training against each of testing."""

import pytest

from protocols.degradations import UnknownDegradation
from protocols.degraded.jpeg_quality import JpegQuality
from tests.support.protocol_runs import averages, fake_scope


def test_each_quality_is_trained_on_and_tested():
    cells = JpegQuality(qualities=(90, 40)).cells(fake_scope(seeds=(0, 1)))
    places = [(cell.train.degradation, cell.test.degradation) for cell in cells if cell.seed == 0]
    assert places == [("jpeg:90", "jpeg:90"), ("jpeg:90", "jpeg:40"), ("jpeg:40", "jpeg:90"), ("jpeg:40", "jpeg:40")]
    assert {(cell.train.generators, cell.test.generators) for cell in cells} == {(("a", "b", "c"), ("a", "b", "c"))}
    assert {(cell.train.split, cell.test.split) for cell in cells} == {("train", "val")}


def test_the_averages_tell_a_higher_quality_from_a_lower_one():
    assert averages(JpegQuality(), fake_scope()) == {
        "same quality": ("home", 3),
        "other quality": ("away", 6),
        "tested at a higher quality": (None, 3),
        "tested at a lower quality": (None, 3),
    }
    protocol = JpegQuality(qualities=(40, 90))
    groups = {group.name: group.cells for group in protocol.groups(protocol.cells(fake_scope()), fake_scope())}
    (upwards,) = groups["tested at a higher quality"]
    assert (upwards.train.degradation, upwards.test.degradation) == ("jpeg:40", "jpeg:90")


def test_a_quality_that_jpeg_does_not_have_is_refused():
    with pytest.raises(UnknownDegradation, match="'jpeg:101' is not known"):
        JpegQuality(qualities=(40, 101)).cells(fake_scope())


def test_generators_are_trained_on_and_tested_together():
    (cell,) = JpegQuality(qualities=(40,), train_on=("a", "b")).cells(fake_scope())
    assert (cell.train.name, cell.test.name) == ("a+b", "a+b")


def test_a_run_lays_out_a_square_of_qualities(run_on_miniature):
    done = run_on_miniature("jpeg_quality")
    found = done.matrix()
    assert list(found.index) == list(found.columns) == ["jpeg:40", "jpeg:65", "jpeg:90"]
    assert found.loc["jpeg:90", "jpeg:90"] > found.loc["jpeg:90", "jpeg:40"]  # what JPEG leaves of a checkerboard
    assert done.fits == 3
    assert [done.ranking.home, done.ranking.away] == ["same quality", "other quality"]
