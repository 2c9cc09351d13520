"""A workload in units: they add up to what one machine does, and have the sizes and bytes of their kinds."""

from dataclasses import replace

import pytest
from lineup_checkerboard import Checkerboard

from bench.cluster.cutting import MOST_ANSWERS
from bench.rehearsal.amounts import Amount, ImagesRead
from bench.rehearsal.cluster.units import EMBED, FINE_TUNE, FIT, SCORE, UnitPricing
from bench.rehearsal.conditions import ConditionWork, PassWork
from bench.rehearsal.estimate import FLOAT_BYTES, HASH_BYTES, Prices, estimate
from bench.rehearsal.rates import Rates
from bench.rehearsal.sample_images import SIDE
from bench.rehearsal.workload import DetectorWork, EmbeddingWork, Workload
from detectors import catalogue
from protocols.degradations import parse_degradation
from tests.support.miniature import Means

JPEG = parse_degradation("jpeg:65").key
RATES = {
    "decode PNG": 0.01, "decode JPEG": 0.02, f"degrade {JPEG}": 0.002, "prepare means.1": 0.001, "prepare n": 0.002,
    "embed means.1": 0.5, "score n": 0.25, "decide p": 0.003, "fit n": 2.0, "fit p": 0.1, "fit start n": 3.0,
    "fit start p": 5.0, "fit bytes n": 1000, "fit bytes p": 10, "record": 0.001, "row bytes": 20, "row memory": 100,
    "index memory": 7, "file bytes PNG": 50_000, "file bytes JPEG": 20_000,
}  # fmt: skip
ROW = Means.dim * FLOAT_BYTES + HASH_BYTES


def images(count, chain="", kind="PNG"):
    amount = Amount(count, count * SIDE**2)
    return ImagesRead({kind: amount}, {chain: amount} if chain else {})


CLEAN = ConditionWork("none", 500, images(500), {"means.1": 500}, {"means.1": 700}, {}, {}, {})
DEGRADED = ConditionWork(
    "jpeg:65", 1000, images(1000, "jpeg:65"), {"means.1": 1000}, {"means.1": 1200}, {"n": 1000}, {"n": 2000},
    {"p": 1500},
)  # fmt: skip


@pytest.fixture
def work():
    probe = DetectorWork(Checkerboard("small"), "probe", columns=8, fits=[100, 300, 300], decided=1500)
    network = DetectorWork(catalogue.recipe("resnet18", "small"), "network", fits=[50], prepared=1000, scored=2000)
    return Workload(
        cells=7,
        checked={},
        embedding=images(500),
        scoring=images(1000, "jpeg:65"),
        fitting=images(50, kind="JPEG"),
        refitting=images(450, kind="JPEG"),
        embedders={"means.1": EmbeddingWork(Means(), 1500)},
        detectors={"p": probe, "n": network},
        recorded=3500,
        timed={},
        left_out={},
        embedding_pass=PassWork(500, [CLEAN]),
        scoring_pass=PassWork(1000, [DEGRADED]),
        images=2000,
    )  # fmt: skip


@pytest.fixture
def rates():
    return Rates(dict(RATES))


def units_of(work, rates, batch_size=5):
    unmeasured = {}
    found = UnitPricing(work, Prices(rates, unmeasured), 2, on_cpu=True, batch_size=batch_size).units()
    assert not unmeasured
    return found


def test_units_add_up_to_what_one_machine_does(work, rates):
    local = estimate(work, rates, 2, on_cpu=True)
    found = units_of(work, rates)
    passes = ("decode", "degrade", "prepare", "embed", "score", "decide", "fit")
    assert sum(one.seconds / one.side_by_side for one in found) == pytest.approx(
        sum(local.costs[name].elapsed(2) for name in passes)
    )
    assert sum((one.seconds + one.further) / one.side_by_side for one in found) == pytest.approx(
        sum(local.costs[name].longest(2) for name in passes)
    )


def test_shards_are_of_consecutive_batches_and_the_last_has_the_rest(work, rates):
    embed, *_, score = units_of(work, rates)
    assert (embed.stage, embed.count, embed.size) == (EMBED, 34, 15)  # of 100 batches
    assert (score.stage, score.count, score.size) == (SCORE, 34, 30)  # of 200
    assert score.largest == pytest.approx(score.seconds * 30 / 1000)
    whole = units_of(work, rates, batch_size=1000)[-1]
    assert (whole.count, whole.size, whole.largest) == (1, 1000, whole.seconds)


def test_more_answers_are_more_shards(work, rates):
    more = replace(DEGRADED, decided={"p": 60 * MOST_ANSWERS - 2000})
    found = units_of(replace(work, scoring_pass=PassWork(1000, [more])), rates)[-1]
    assert (found.count, found.size) == (67, 15)  # at least 60, of whole batches


def test_where_batches_are_too_few_degradations_are_apart_and_decode_for_themselves(work, rates):
    chains = [replace(DEGRADED, chain=name, embedded={}, looked_up={}) for name in ("a", "b", "c")]
    together = replace(work, scoring=images(1000, "jpeg:65"), scoring_pass=PassWork(1000, chains))
    shared = [one for one in units_of(together, rates) if one.stage == SCORE]
    apart = [one for one in units_of(together, rates, batch_size=100) if one.stage == SCORE]
    assert [one.what for one in shared] == ["a shard to score under 3 degradations"]
    assert [(one.what, one.count) for one in apart] == [(f"a shard to score under {name}", 10) for name in "abc"]
    reading = 1000 * (0.01 + 0.002) / 2
    assert sum(one.seconds for one in apart) == pytest.approx(shared[0].seconds + 2 * reading)
    assert sum(one.images_read for one in apart) == 3 * shared[0].images_read


def test_fits_are_a_unit_each_by_size(work, rates):
    small, large, network = (one for one in units_of(work, rates) if one.stage == FIT)
    assert [(one.count, one.size) for one in (small, large, network)] == [(1, 100), (2, 300), (1, 50)]
    assert (small.largest, large.largest, large.seconds) == pytest.approx((15.0, 35.0, 70.0))
    assert (small.images_read, small.read) == (0.0, 100 * 8 * FLOAT_BYTES)
    of_cores = 2 / network.side_by_side  # that read its images
    assert network.largest == pytest.approx(3.0 + 50 * (2.0 + 0.02 / of_cores))
    epochs = catalogue.recipe("resnet18", "small").plan.epochs
    assert network.further == pytest.approx(50 * 2.0 * (epochs - 1) + 450 * 0.02 / of_cores)
    assert network.images_read == pytest.approx(50 * 20_000)


def test_what_goes_on_from_a_fit_is_a_unit_of_its_own_stage(work, rates):
    work.detectors["n"].fine_tuned.extend([20, 20])
    (found,) = (one for one in units_of(work, rates) if one.stage == FINE_TUNE)
    assert (found.count, found.seconds, found.written) == (2, pytest.approx(80.0), 2000)


def test_bytes_are_those_of_files_embeddings_and_answers(work, rates):
    embed, *_, score = units_of(work, rates)
    assert (embed.images_read, embed.read, embed.written) == pytest.approx((500 * 50_000, 0.0, 500 * ROW))
    assert score.images_read == pytest.approx(1000 * 50_000)
    assert score.read == 200 * ROW  # the others are made there
    assert score.written == 1000 * ROW + 3500 * 8


def test_what_has_no_rate_is_named(work, rates):
    rates.forget("file bytes", "PNG")
    unmeasured = {}
    UnitPricing(work, Prices(rates, unmeasured), 2, on_cpu=True, batch_size=5).units()
    assert unmeasured == {"bytes of PNG": ""}
