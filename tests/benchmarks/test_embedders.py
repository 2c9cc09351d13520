"""How fast the families without weights embed: `pytest tests/benchmarks --benchmark-only`."""

import numpy as np
import pytest
import torch

from detectors.api import Runtime
from detectors.checks import sample, texture
from detectors.handcrafted.hog_svm import HogSvm
from detectors.handcrafted.residual import Residual
from detectors.handcrafted.spectrum import Spectrum
from tests.benchmarks.compare import ROUNDS

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
SIDE = {"paper": 256, "small": 128}
IMAGES = 64


@pytest.fixture
def samples(setting):
    return [sample(texture(f"{index}", SIDE[setting], SIDE[setting])) for index in range(IMAGES)]


@pytest.mark.parametrize("setting", SIDE)
@pytest.mark.parametrize("recipe", [HogSvm, Spectrum, Residual])
def test_preparing(benchmark, recipe, setting, samples):
    embedder = recipe(setting).embedder(Runtime())
    prepared = benchmark.pedantic(lambda: [embedder.prepare(one) for one in samples], rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["images"] = IMAGES
    assert len(prepared) == IMAGES


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("setting", SIDE)
@pytest.mark.parametrize("recipe", [HogSvm, Spectrum, Residual])
def test_embedding(benchmark, recipe, setting, device, samples):
    embedder = recipe(setting).embedder(Runtime(device))
    batch = [embedder.prepare(one) for one in samples]
    embeddings = benchmark.pedantic(embedder.embed, args=(batch,), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["images"] = IMAGES
    assert np.isfinite(embeddings).all()
