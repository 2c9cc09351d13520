"""How fast networks score and train: `pytest tests/benchmarks --benchmark-only`. Weights are seeded, not learnt.

On a GPU every network is timed in the paper setting, on a CPU in the small one. What is told beside the times:
images a second on the device, without decoding and preparing, and the most memory that was allocated on a GPU.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from detectors import catalogue
from detectors.api import Runtime
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, sample, texture
from detectors.training import loop
from detectors.training.network_recipe import NetworkRecipe
from detectors.weights.loading import load_strict
from tests.benchmarks.compare import ROUNDS

CUDA = torch.cuda.is_available()
DEVICE, SETTING, IMAGES, BATCHES = ("cuda", "paper", 256, 8) if CUDA else ("cpu", "small", 32, 2)
RUNTIMES = [Runtime(DEVICE), Runtime(DEVICE, "bfloat16")] if CUDA else [Runtime(DEVICE)]
NETWORKS = [name for name in catalogue.names() if isinstance(catalogue.recipe(name), NetworkRecipe)]
on_networks = pytest.mark.parametrize("name", NETWORKS)
on_runtimes = pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda one: f"{one.device}-{one.precision}")


@pytest.fixture
def told(benchmark):
    """Say images a second, and how much memory of a GPU was allocated since the test began."""
    if CUDA:
        torch.cuda.reset_peak_memory_stats()

    def tell(images, seconds):
        benchmark.extra_info["images_per_s"] = round(images / seconds, 1)
        if CUDA:
            benchmark.extra_info["peak_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20)

    return tell


@on_networks
@on_runtimes
def test_scoring(benchmark, told, name, runtime):
    recipe = catalogue.recipe(name, SETTING)
    detector = recipe.restore({key: tensor.numpy() for key, tensor in random_init(recipe.network, 0).items()}, runtime)
    batch = [detector.prepare(sample(texture(f"{index}", 256, 256))) for index in range(IMAGES)]
    scores = benchmark.pedantic(detector.score, args=(batch,), rounds=ROUNDS, warmup_rounds=1)
    told(IMAGES, benchmark.stats.stats.median)
    assert np.isfinite(scores).all()


@on_networks
@on_runtimes
def test_training(benchmark, told, name, runtime):
    """Two epochs of a few batches; the second is told of, for kernels are chosen in the first."""
    recipe = catalogue.recipe(name, SETTING)
    plan, network = replace(recipe.plan, epochs=2), recipe.build()
    load_strict(network, random_init(recipe.network, 0), "seeded weights")
    train = ToyTrainSet(plan.batch * BATCHES)
    fitted = len(loop.validation_split(train, plan, 0)[0])
    arguments = (network, train, recipe.view, plan, 0, runtime)
    last = benchmark.pedantic(loop.train, args=arguments, rounds=1)[-1]
    told(fitted, last.forward_s + last.backward_s)
    assert np.isfinite(last.train_loss)


@on_runtimes
def test_embedding_with_vit_large(benchmark, told, runtime, tmp_path):
    import open_clip
    from safetensors.torch import save_file

    from detectors.foundation.clip_probe import ClipProbe

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.create_model("ViT-L-14-quickgelu")
    save_file(model.visual.state_dict(), tmp_path / "seeded.safetensors")
    embedder = ClipProbe("paper", weights=str(tmp_path / "seeded.safetensors")).embedder(runtime)
    batch = [embedder.prepare(sample(texture(f"{index}", 256, 256))) for index in range(IMAGES)]
    embeddings = benchmark.pedantic(embedder.embed, args=(batch,), rounds=ROUNDS, warmup_rounds=1)
    told(IMAGES, benchmark.stats.stats.median)
    assert np.isfinite(embeddings).all()
