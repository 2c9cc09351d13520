import pytest

from bench.golden.golden_record import golden_from
from bench.golden.replaced_detectors import compare_replaced, replaced_detectors
from tests.support.synthetic_runs import falling, make_run, with_detector


@pytest.fixture(scope="module")
def golden():
    return golden_from([make_run(n=60)])


def newer(*arguments, **options):
    return with_detector(make_run(*arguments, n=60, **options), "alpha", version=2)


def test_another_version_that_decides_alike_passes(golden):
    now = newer()
    assert replaced_detectors(golden.manifest, now.manifest) == ["alpha"]
    found = compare_replaced(golden, now, ["alpha"])
    assert (found.exit_code, found.fallen) == (0, ())
    assert set(found.comparisons[0].cells["verdict"]) == {"same"}


def test_another_version_that_is_worse_falls_and_one_that_is_better_does_not(golden):
    worse, better = (newer(falling(home=home, kin=home, away=home), noise=1) for home in (0.5, 0.99))
    assert compare_replaced(golden, worse, ["alpha"]).fallen == ("alpha",)
    found = compare_replaced(golden, better, ["alpha"])
    assert found.exit_code == 0
    assert "worse" in set(found.comparisons[0].cells["verdict"])  # the record's
