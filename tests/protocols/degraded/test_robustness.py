"""Robustness: one degradation from mild to strong."""

import pytest

from protocols.api import Unanswerable
from protocols.degradations import UnknownDegradation
from protocols.degradations.catalogue import BUILT_IN
from protocols.degraded.robustness import Robustness
from tests.support.protocol_runs import averages, fake_scope


def steps(protocol, **images):
    return [cell.test.degradation for cell in protocol.cells(fake_scope(**images))]


def test_clean_images_come_first_then_severities_from_mild_to_strong():
    assert steps(Robustness()) == ["none", *(f"jpeg:{quality}" for quality in range(100, 0, -10))]
    assert steps(Robustness(kind="blur", severities=(0.5, 2)))[1:] == ["blur:0.5", "blur:2"]
    assert steps(Robustness(kind="blur"))[1:] == [f"blur:{step / 2:g}" for step in range(1, 11)]
    assert steps(Robustness(kind="lr"), short_side=110)[1:] == [f"lr:{side}" for side in range(100, 0, -10)]
    assert steps(Robustness(kind="lr"), short_side=12)[-2:] == ["lr:2", "lr:1"]
    cells = Robustness().cells(fake_scope())
    assert {cell.train.degradation for cell in cells} == {"none"}


def test_clean_images_are_home():
    assert averages(Robustness(severities=(80, 30)), fake_scope(("d", "e"))) == {
        "clean": ("home", 2), "degraded": ("away", 4), "jpeg:80": (None, 2), "jpeg:30": (None, 2),
    }  # fmt: skip


def test_other_kinds_have_their_own_severities():
    assert steps(Robustness(kind="webp"))[1:] == [f"webp:{text}" for text in BUILT_IN["webp"].severities]
    assert steps(Robustness(kind="jpeg_shifted"))[-1] == "jpeg_shifted:75:16"


def test_what_has_no_severities_has_to_be_given_some():
    with pytest.raises(Unanswerable, match="flip has no severities; give them with --severities"):
        steps(Robustness(kind="flip"))
    for severities in ((), (5,)):
        with pytest.raises(Unanswerable, match=r"none leaves images as they are.*such as --kind jpeg"):
            steps(Robustness(kind="none", severities=severities))
    with pytest.raises(UnknownDegradation, match=r"'jpg' is not known; did you mean jpeg"):
        steps(Robustness(kind="jpg"))
    with pytest.raises(UnknownDegradation, match=r"'jpg:50' is not known; did you mean jpeg:50"):
        steps(Robustness(kind="jpg", severities=(50,)))


def test_severities_are_written_without_an_exponent():
    found = steps(Robustness(kind="poisson_noise", severities=(999_999, 1_000_000)))
    assert found[1:] == ["poisson_noise:999999", "poisson_noise:1000000"]
    assert steps(Robustness(kind="blur", severities=(1.2345678,)))[1:] == ["blur:1.2345678"]


def test_a_run_shows_the_fall_and_the_worst_severity(run_on_miniature):
    done = run_on_miniature("robustness", kind="blur", severities="0.4,1,3")
    found = done.matrix()
    assert list(found.columns) == ["none", "blur:0.4", "blur:1", "blur:3"]
    clean, *degraded = found.iloc[0]
    assert clean > min(degraded)
    worst = done.ranking.rows[0].over["degradation"]
    assert worst.worst == pytest.approx(min(degraded))
    assert done.fits == 1
