"""How fast images are decoded and degraded, one thread. Run with `make benchmark`."""

import pytest
from PIL import Image

from bench.images.decoding.decoder import decode
from detectors.checks import sample, texture
from protocols.degradations import parse_degradation


@pytest.mark.parametrize("side", [128, 512])
def test_decode_jpeg(benchmark, tmp_path, side):
    path = tmp_path / "image.jpg"
    Image.fromarray(texture("benchmark", side, side)).save(path, quality=90)
    benchmark.extra_info["side"] = side
    assert benchmark(decode, path.read_bytes(), str(path)).pixels.shape == (side, side, 3)


@pytest.mark.parametrize("name", ["jpeg:65", "blur:0.5", "blur:3", "lr:64"])
@pytest.mark.parametrize("side", [128, 512])
def test_degrade(benchmark, name, side):
    picture, step = sample(texture("benchmark", side, side)), parse_degradation(name)
    assert benchmark(step, picture).pixels.size
