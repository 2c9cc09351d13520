"""Resharing: images that were passed on again and again."""

import pytest

from protocols.api import Unanswerable
from protocols.degradations import UnknownDegradation
from protocols.degraded.resharing import Resharing
from tests.support.protocol_runs import averages, fake_scope


def chains(protocol, **images):
    return {cell.test.name: cell.test.degradation for cell in protocol.cells(fake_scope(**images))}


def test_each_time_follows_on_those_before():
    assert chains(Resharing(times=("lr:64+jpeg:80", "blur:1.0", "blur:1"))) == {
        "original": "none",
        "passed on 1x": "lr:64+jpeg:80",
        "passed on 2x": "lr:64+jpeg:80+blur:1",
        "passed on 3x": "lr:64+jpeg:80+blur:1+blur:1",
    }


def test_the_usual_times_never_stay_on_one_grid():
    found = chains(Resharing(), short_side=100)
    assert found["passed on 2x"] == "lr:90+jpeg:85+lr:81+jpeg:75"
    assert len(found) == 5


def test_what_is_no_degradation_is_refused():
    with pytest.raises(UnknownDegradation, match="'jpg:80' is not known"):
        chains(Resharing(times=("jpg:80",)))
    with pytest.raises(Unanswerable, match="nothing is done to the images"):
        chains(Resharing(times=("none",)))


def test_originals_are_home():
    assert averages(Resharing(), fake_scope()) == {"original": ("home", 1), "passed on": ("away", 4)}


def test_a_run_shows_what_is_left_after_each_time(run_on_miniature):
    done = run_on_miniature("resharing", times="blur:0.4,lr:30+jpeg:75")
    found = done.matrix()
    assert list(found.columns) == ["original", "passed on 1x", "passed on 2x"]
    assert found.loc["all generators", "passed on 2x"] < found.loc["all generators", "original"]
    assert done.fits == 1
    assert (done.ranking.home, done.ranking.away) == ("original", "passed on")
