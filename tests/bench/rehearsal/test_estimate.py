"""Amounts times rates: the arithmetic on a made table, and what becomes of rates that there are not."""

import pytest
from lineup_checkerboard import Checkerboard

from bench.engine import timing
from bench.rehearsal.amounts import Amount, ImagesRead
from bench.rehearsal.estimate import FLOAT_BYTES, HASH_BYTES, Cost, estimate
from bench.rehearsal.rates import Rates
from bench.rehearsal.sample_images import SIDE
from bench.rehearsal.workload import DetectorWork, EmbeddingWork, Workload
from detectors import catalogue
from protocols.degradations import parse_degradation
from tests.support.miniature import Means

PIXELS = SIDE**2


def amount(images, size=1.0):
    return Amount(images, images * size * PIXELS)


@pytest.fixture
def work():
    probe = DetectorWork(Checkerboard("small"), "probe", columns=8, fits=[100, 300], decided=1000)
    network = DetectorWork(catalogue.recipe("resnet18", "small"), "network", fits=[50], prepared=400, scored=2000)
    return Workload(
        cells=7,
        checked={"PNG": amount(1000, 4)},
        embedding=ImagesRead({"PNG": amount(500, 4)}, {"jpeg:65": amount(500, 4), "avif:40": amount(100, 4)}),
        scoring=ImagesRead({"PNG": amount(100)}, {"jpeg:65": amount(100)}),
        fitting=ImagesRead({"JPEG": amount(50)}, {}),
        refitting=ImagesRead({"JPEG": amount(450)}, {}),
        embedders={"means.1": EmbeddingWork(Means(), 600)},
        detectors={"p": probe, "n": network},
        recorded=3000,
        timed={
            "n": ImagesRead({"PNG": amount(300, 4)}, {"jpeg:65": amount(300, 4)}),
            "p": ImagesRead({"PNG": amount(60)}, {}),
        },
        left_out={},
    )


@pytest.fixture
def rates():
    found = Rates()
    jpeg, avif = (parse_degradation(name).key for name in ("jpeg:65", "avif:40"))
    values = {
        "decode": {"PNG": 0.01, "JPEG": 0.02},
        "degrade": {jpeg: 0.002, avif: 0.15},
        "prepare": {"means.1": 0.001, "n": 0.002},
        "embed": {"means.1": 0.5},
        "score": {"n": 0.25},
        "decide": {"p": 0.003},
        "fit": {"n": 2.0, "p": 0.1},
        "fit start": {"n": 3.0, "p": 5.0},
        "fit bytes": {"n": 1000, "p": 10},
        "record": {"": 0.001},
        "row bytes": {"": 20},
        "row memory": {"": 100},
        "index memory": {"": 7},
    }
    for kind, of in values.items():
        for name, value in of.items():
            found.put(kind, name, value)
    return found


LEAST = 1.0  # seconds of timing a detector, at least


def test_every_amount_is_multiplied_by_its_rate_and_pixels_scale_decoding_and_degrading(work, rates, monkeypatch):
    monkeypatch.setattr(timing, "LEAST_SECONDS", LEAST)
    found = estimate(work, rates, 2, on_cpu=True)
    assert found.unmeasured == {}
    costs = found.costs
    assert costs["check files"].shared == pytest.approx(1000 * 4 * 0.01)
    assert costs["decode"].shared == pytest.approx(500 * 4 * 0.01 + 100 * 0.01 + 50 * 0.02)
    assert found.degrading == pytest.approx({"avif:40": 100 * 4 * 0.15, "jpeg:65": 500 * 4 * 0.002 + 100 * 0.002})
    assert list(found.degrading) == ["avif:40", "jpeg:65"]
    assert costs["prepare"].shared == pytest.approx(600 * 0.001 + 400 * 0.002)
    assert costs["embed"] == Cost(serial=300.0)
    assert costs["score"] == Cost(serial=500.0)
    assert costs["decide"].serial == pytest.approx(3.0)
    of_network, of_probe = 300 * (4 * 0.01 + 4 * 0.002 + 0.002 + 0.25), 60 * (0.01 + 0.003)
    assert of_probe < LEAST < of_network  # short work is repeated
    assert costs["time"].serial == pytest.approx(of_network + LEAST)
    assert costs["record"].serial == pytest.approx(3.0)
    epochs = catalogue.recipe("resnet18", "small").plan.epochs
    side_by_side = 2 if catalogue.recipe("resnet18", "small").single_threaded_fit else 1
    probes = 2 * 5.0 + 400 * 0.1
    assert costs["fit"].serial == pytest.approx(probes + (3.0 + 100.0) / side_by_side)
    assert costs["fit"].further_serial == pytest.approx((epochs - 1) * 100.0 / side_by_side)
    assert costs["fit"].further_shared == pytest.approx(450 * 0.02)
    assert found.disk.embeddings == {"means.1": 600 * (8 * FLOAT_BYTES + HASH_BYTES)}
    assert (found.disk.fits, found.disk.scores) == (1000 + 20, 60_000)
    assert found.memory == {
        "embeddings in a fit": 300 * 8 * FLOAT_BYTES,
        "the index of embeddings": 600 * 7,
        "scores in the report": 300_000,
    }


def test_workers_share_what_is_done_by_cores_and_nothing_else(work, rates):
    one, four = (estimate(work, rates, workers, on_cpu=False).total for workers in (1, 4))
    assert one == four
    assert one.elapsed(4) == pytest.approx(one.shared / 4 + one.serial)
    assert one.longest(4) == pytest.approx(one.elapsed(4) + one.further_shared / 4 + one.further_serial)


def test_what_has_no_rate_is_in_no_sum_and_named_with_its_reason(work, rates):
    whole = estimate(work, rates, 1, on_cpu=True).total
    rates.fail("score", "n", "Unavailable: no weights")
    rates.forget("degrade", parse_degradation("avif:40").key)
    rates.forget("decode", "JPEG")
    part = estimate(work, rates, 1, on_cpu=True)
    assert part.unmeasured == {"scoring by network": "Unavailable: no weights", "avif:40": "", "decoding JPEG": ""}
    assert part.total.serial == pytest.approx(whole.serial - 500.0 - 300 * 0.25)
    assert part.total.shared == pytest.approx(whole.shared - 60.0 - 1.0)
