"""Rates that are measured here: which there are, and what becomes of what fails."""

import numpy as np
import pytest

from bench.rehearsal import fit_measuring
from bench.rehearsal.measuring import RateMeasurement, measure
from bench.rehearsal.rates import Rates
from bench.rehearsal.sample_images import sample_images
from bench.rehearsal.workload import workload
from bench.request.planned_run import plan_run
from detectors.api import Runtime
from detectors.architectures.support import torch_contexts  # noqa: F401 - imported before any is timed
from protocols.degradations import Degradation, parse_degradation
from tests.support.miniature import Means
from tests.support.protocol_runs import ProtocolRunner


@pytest.fixture
def rates():
    return Rates()


@pytest.fixture
def measurement(rates):
    return RateMeasurement(sample_images(), Runtime(), 4, rates)


def test_every_rate_that_a_run_needs_is_measured(miniature, tmp_path, quiet, measurement, rates, monkeypatch):
    monkeypatch.setattr(fit_measuring, "BUDGET", 0.0)
    runner = ProtocolRunner(miniature, tmp_path / "runs")
    detectors = ("colour", "resnet18", "checkerboard")
    planned = plan_run(runner.request("degradation", detectors, degradations="lr:64+jpeg:65,blur:1"), quiet)
    work = workload(planned)
    measure(work, planned.images, measurement, quiet)
    assert rates.reasons == {}
    keys = {one.label: key for key, one in work.detectors.items()}
    (embedder,) = work.embedders
    needed = {
        *((kind, name) for kind in ("decode", "file bytes") for name in ("JPEG", "PNG")),
        *(("degrade", parse_degradation(name).key) for name in ("lr:64", "lr:64+jpeg:65", "blur:1")),
        *((kind, embedder) for kind in ("prepare", "embed")),
        *((kind, keys[name]) for kind in ("prepare", "score") for name in ("resnet18", "checkerboard")),
        *((kind, key) for kind in ("fit", "fit start", "fit bytes") for key in keys.values()),
        *((kind, "") for kind in ("record", "row bytes", "row memory", "index memory")),
        ("decide", keys["colour"]),
    }
    assert set(rates.values) == {f"{kind} {of}".strip() for kind, of in needed}
    assert all(np.isfinite(value) and value >= 0 for value in rates.values.values())
    assert rates.get("degrade", parse_degradation("blur:1").key) > 0
    assert 4 < rates.get("row bytes") < 500
    assert 40 <= rates.get("index memory") < 80  # a hash, and a number of eight bytes


def test_a_degradation_that_refuses_the_images_leaves_a_reason_and_so_does_what_follows_it(
    measurement, rates, monkeypatch
):
    degrade = Degradation.__call__

    def refusing(one, sample):
        if one.name == "blur:2":
            raise ValueError("it refuses")
        return degrade(one, sample)

    monkeypatch.setattr(Degradation, "__call__", refusing)
    measurement.degrading(dict.fromkeys(["blur:2+jpeg:65", "blur:1+jpeg:65"]))
    key, after = parse_degradation("blur:2").key, parse_degradation("blur:2+jpeg:65").key
    assert rates.reason("degrade", key) == "ValueError: it refuses"
    assert rates.reason("degrade", after) == "ValueError: what it begins with refuses the images"
    assert rates.get("degrade", parse_degradation("blur:1+jpeg:65").key) > 0


def test_an_embedder_that_fails_leaves_a_reason_in_place_of_an_older_rate(measurement, rates, monkeypatch):
    embedder = Means()
    measurement.embedding(embedder)
    assert rates.get("embed", embedder.key) > 0

    def embed(batch):
        raise OSError("no weights")

    monkeypatch.setattr(embedder, "embed", embed)
    measurement.embedding(embedder)
    assert rates.get("embed", embedder.key) is None
    assert rates.reason("embed", embedder.key) == "OSError: no weights"
