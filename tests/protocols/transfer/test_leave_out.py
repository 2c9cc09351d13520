"""Leave-out: mixed training without one generator or family."""

from functools import partial

import pytest

from protocols.api import Unanswerable
from protocols.transfer.leave_out import LeaveOut
from tests.support.protocol_runs import ProtocolRunner, averages, fake_scope


def trains(protocol, **images):
    return {cell.train.name: cell.train.generators for cell in protocol.cells(fake_scope(**images))}


def test_each_generator_is_left_out_once_and_all_are_tested():
    assert trains(LeaveOut()) == {"all but a": ("b", "c"), "all but b": ("a", "c"), "all but c": ("a", "b")}
    assert len(LeaveOut().cells(fake_scope(("d", "e"), (0, 1)))) == 2 * 2 * 9
    assert averages(LeaveOut(), fake_scope()) == {
        "trained on": ("home", 6), "left out": ("away", 3), "in no train set": (None, 0),
    }  # fmt: skip


def test_a_family_is_left_out_whole():
    protocol = LeaveOut(leave="family")
    assert trains(protocol) == {"all but x": ("c",), "all but y": ("a", "b")}
    assert averages(protocol, fake_scope())["left out"] == ("away", 3)


def test_generators_that_are_never_trained_on_are_not_counted_as_left_out():
    assert averages(LeaveOut(train_on=("a", "b")), fake_scope()) == {
        "trained on": ("home", 2), "left out": ("away", 2), "in no train set": (None, 2),
    }  # fmt: skip


def test_one_generator_or_family_alone_cannot_be_left_out():
    with pytest.raises(Unanswerable, match="training images of one generator alone"):
        LeaveOut().cells(fake_scope(untrained=("a", "b")))
    with pytest.raises(Unanswerable, match="one family alone"):
        LeaveOut(leave="family").cells(fake_scope(untrained=("c",)))


def test_a_run_shows_what_is_lost_on_the_generator_left_out(run_on_miniature):
    done = run_on_miniature("leave_out")
    found = done.matrix()
    assert sorted(found.index) == ["all but even", "all but faint", "all but odd"]
    assert found.loc["all but faint", "faint"] == pytest.approx(0.5, abs=0.2)  # too faint for the others' cut
    assert done.ranking.rows[0].means["left out"].cells == 3
    assert done.fits == 3


def test_what_another_protocol_fitted_or_embedded_is_not_made_again(miniature_folder, tmp_path):
    run = partial(ProtocolRunner(miniature_folder, tmp_path), report=False)
    detectors = ("checkerboard", "colour")
    first = run("leave_out", detectors=detectors)
    assert (first.count("fits made"), first.count("fits reused")) == (6, 0)
    mixed = run("mixed", detectors=detectors, train_on="odd,faint")
    assert (mixed.count("fits made"), mixed.count("fits reused")) == (0, 2)
    assert (first.count("embeddings made"), mixed.count("embeddings made")) == (84, 0)
    squares = run("cross_generator", detectors=detectors), run("robustness", detectors=detectors, severities="50")
    assert [one.count("fits made") for one in squares] == [6, 2]
    everything = run("training_size", detectors=detectors, sizes="24"), run("mixed", detectors=detectors)
    assert [one.count("fits made") for one in everything] == [0, 0]  # of all images, and what robustness fitted
