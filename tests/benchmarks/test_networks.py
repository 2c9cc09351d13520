"""How fast networks score prepared images: `pytest tests/benchmarks --benchmark-only`. Seeded weights, not trained."""

import numpy as np
import pytest
import torch

from detectors.api import Runtime
from detectors.checks import sample, texture
from detectors.cnnspot import EMBEDDED_VIEW, PAPER_VIEW
from detectors.nets import resnet50, small_resnet
from detectors.network import NetworkDetector

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
IMAGES = 256 if DEVICE == "cuda" else 8
RUNTIMES = [Runtime(DEVICE), Runtime(DEVICE, "bfloat16")]


def seeded(network):
    """The same network off the meta device, with small seeded weights."""
    generator = torch.Generator().manual_seed(0)
    network = network.to_empty(device="cpu")
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.fill_(1)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.02, generator=generator)
    return network


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: f"{runtime.device}-{runtime.precision}")
@pytest.mark.parametrize(
    ("build", "view"), [(small_resnet, EMBEDDED_VIEW), (resnet50, PAPER_VIEW)], ids=["small_resnet", "resnet50"]
)
def test_scoring(benchmark, build, view, runtime):
    detector = NetworkDetector(seeded(build()), view, runtime)
    batch = [detector.prepare(sample(texture(f"{index}", 256, 256))) for index in range(IMAGES)]
    scores = benchmark.pedantic(detector.score, args=(batch,), rounds=5, warmup_rounds=1)
    benchmark.extra_info["images"] = IMAGES
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: f"{runtime.device}-{runtime.precision}")
def test_embedding_with_vit_large(benchmark, runtime, tmp_path):
    import open_clip
    from safetensors.torch import save_file

    from detectors.clip_probe import ClipProbe

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.create_model("ViT-L-14-quickgelu")
    save_file(model.visual.state_dict(), tmp_path / "seeded.safetensors")
    embedder = ClipProbe("paper", weights=str(tmp_path / "seeded.safetensors")).embedder(runtime)
    batch = [embedder.prepare(sample(texture(f"{index}", 256, 256))) for index in range(IMAGES)]
    embeddings = benchmark.pedantic(embedder.embed, args=(batch,), rounds=3, warmup_rounds=1)
    benchmark.extra_info["images"] = IMAGES
    assert np.isfinite(embeddings).all()
