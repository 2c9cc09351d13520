"""The work of SIDBench by its loop and by Lineup, at equal scores: `pytest tests/benchmarks --benchmark-only`.

Told: how many times as fast Lineup is, each round one after the other; beside it how long it takes to export the
network and to compare the backend with torch, which is done once. Set PEER_PRECISION=bfloat16 for that of
OpenVINO, and PEER_IMAGES=200 for all of its images.
"""

from __future__ import annotations

import os
from time import perf_counter

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from bench.engine.image_pass import ImageReader, split_into_chunks
from bench.engine.scoring.agreement import IMAGES, AgreementImages, compare_with_torch
from bench.engine.scoring.score_images import ScoringRequest, score_images
from bench.images.decoding.decoder import decode
from bench.images.decoding.structure import MAX_PIXELS
from bench.request.devices import runtime
from detectors import catalogue
from protocols.degradations import parse_degradation
from tests.benchmarks.peers.dataset_loop import score
from tests.support.pictures import photograph

CONDITIONS = ("none", "jpeg:95", "jpeg:90", "jpeg:50", "jpeg:30", "blur:2", "blur:4", "blur:2+jpeg:50")
COUNT, SIDE, ROUNDS, BATCH = int(os.environ.get("PEER_IMAGES", "64")), 256, 3, 64
PRECISION = os.environ.get("PEER_PRECISION", "float32")
SAME = 1e-4  # of a score, in float32


@pytest.fixture
def folder(tmp_path):
    paths = [tmp_path / f"{number:03}.png" for number in range(COUNT)]
    for path in paths:
        Image.fromarray(photograph(path.name, SIDE, SIDE)).save(path)
    return paths


@pytest.fixture
def checkpoint(tmp_path):
    """A ResNet-50 with seeded weights, and its file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.resnet50(num_classes=1).eval()
    torch.save({"model": network.state_dict()}, tmp_path / "net.pth")
    return network, tmp_path / "net.pth"


def test_sidbench(benchmark, folder, checkpoint, tmp_path):
    network, weights = checkpoint
    device = runtime("cpu", PRECISION, "openvino" if PRECISION == "bfloat16" else "auto", tmp_path / "cache")
    reader = ImageReader(lambda place: decode(folder[place].read_bytes(), "image", MAX_PIXELS), COUNT, 2, ahead=False)
    detector = catalogue.recipe("cnnspot", "paper").load(weights, device)
    start = perf_counter()
    images = AgreementImages([reader.read(place) for place in range(min(IMAGES, COUNT))])
    agreement = compare_with_torch(detector, ("net",), images, device, "net")
    checked = perf_counter() - start
    positions = np.arange(COUNT)
    requests = [
        ScoringRequest(("net", name), detector, ("net",), parse_degradation(name), positions) for name in CONDITIONS
    ]

    def lineup():
        found = {}
        for chunk in score_images(reader, split_into_chunks(positions, BATCH), requests, None):
            for part in chunk.answers:
                found.setdefault(part.key[1], []).extend(part.answer.log_odds)
        return found

    ours, theirs, ratios = lineup(), score(folder, network, CONDITIONS), []
    for _ in range(ROUNDS):
        start = perf_counter()
        score(folder, network, CONDITIONS)
        middle = perf_counter()
        lineup()
        ratios.append((middle - start) / (perf_counter() - middle))
    benchmark.pedantic(lineup, rounds=1)
    expected, found = (np.array([odds[name] for name in CONDITIONS]) for odds in (theirs, ours))
    change = np.abs(1 / (1 + np.exp(-found)) - 1 / (1 + np.exp(-expected))).max()
    benchmark.extra_info["times_as_fast"] = round(float(np.median(ratios)), 2)
    benchmark.extra_info["ratios"] = [round(ratio, 2) for ratio in ratios]
    benchmark.extra_info["largest_change"] = float(change)
    benchmark.extra_info["decisions_that_differ"] = int(((found > 0) != (expected > 0)).sum())
    benchmark.extra_info["export_and_check_s"] = round(checked, 1)
    benchmark.extra_info["checked"] = agreement.largest_change
    assert change < SAME or PRECISION != "float32"
