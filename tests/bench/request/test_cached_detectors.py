import pytest

from bench.engine.cache import Cache
from bench.request.cached_detectors import MISSING, cached_detectors
from bench.request.planned_run import plan_run
from tests.support.protocol_runs import ProtocolRunner


@pytest.fixture(scope="module")
def runner(miniature, tmp_path_factory):
    return ProtocolRunner(miniature, tmp_path_factory.mktemp("runs"))


def test_the_fits_of_a_run_are_had_without_fitting_and_answer_alike(runner, quiet):
    request = runner.request("cross_generator", ("checkerboard", "hog_svm"))
    planned = plan_run(request, quiet)
    before = cached_detectors(planned)
    assert before.found == ()
    assert set(before.missing.values()) == {MISSING}
    scores = runner.run(request).run.scores
    found = cached_detectors(planned)
    assert not found.missing
    assert {one.name for one in found.found} == set(before.missing)
    item = next(one for one in planned.planned if one.cell.detector == "hog_svm")
    detector = next(one.detector for one in found.found if one.name.startswith(f"hog_svm-{item.cell.train.name}"))
    images = planned.selections[item.cell.test].images
    recorded = scores[scores["key"] == item.key].set_index("name")["score"]
    answered = detector.score([detector.prepare(images[row]) for row in range(4)])
    assert answered == pytest.approx(recorded[images.names[:4]].to_numpy(), abs=1e-6)


def test_a_fit_that_is_gone_is_named(runner, quiet):
    planned = plan_run(runner.request("cross_generator", ("checkerboard",)), quiet)
    runner.run(planned.request)
    lost = planned.planned[0]
    Cache(planned.request.cache)._fit_path(lost.training_key).unlink()
    found = cached_detectors(planned)
    assert list(found.missing.values()) == [MISSING]
    assert len(found.found) == 2
