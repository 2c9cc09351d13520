"""What each degradation asks by itself is, added up, what the passes do."""

import io

import pytest
from rich.console import Console

from bench.platform.progress import Reporter
from bench.rehearsal.amounts import added
from bench.rehearsal.workload import workload
from bench.request.planned_run import plan_run
from tests.support.protocol_runs import ProtocolRunner

STEPS = ("jpeg:65", "lr:20", "lr:20+jpeg:65")


@pytest.fixture(scope="module")
def work(miniature, tmp_path_factory):
    runner = ProtocolRunner(miniature, tmp_path_factory.mktemp("runs"))
    request = runner.request("degradation", ("colour", "checkerboard"), degradations=",".join(STEPS), test_all="true")
    return workload(plan_run(request, Reporter(Console(file=io.StringIO())), dry=True))


def test_every_degradation_of_a_pass_is_counted_by_itself(work):
    apart = work.scoring_pass.conditions
    assert [one.chain for one in apart] == sorted(["none", *STEPS])
    assert [one.chain for one in work.embedding_pass.conditions] == ["none"]
    for kind in ("scored", "decided"):
        counts = {key: sum(getattr(one, kind)[key] for one in apart) for key in work.detectors}
        assert counts == {key: getattr(one, kind) for key, one in work.detectors.items()}
    made = sum(count for one in (*work.embedding_pass.conditions, *apart) for count in one.embedded.values())
    assert made == sum(one.images for one in work.embedders.values())
    assert work.scoring_pass.images == work.scoring.decoded["PNG"].images
    assert work.images == work.checked["PNG"].images


def test_what_is_apart_shares_no_decoded_image_and_no_step(work):
    apart = work.scoring_pass.conditions
    decoded = added(one.read.decoded for one in apart)["PNG"]
    assert decoded.images == len(apart) * work.scoring.decoded["PNG"].images
    steps = added(one.read.degraded for one in apart)
    assert steps["lr:20"].images == 2 * work.scoring.degraded["lr:20"].images
    assert steps["lr:20+jpeg:65"] == work.scoring.degraded["lr:20+jpeg:65"]
