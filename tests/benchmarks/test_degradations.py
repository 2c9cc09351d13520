"""What each kind of degradation costs, one thread, and how many times what `jpeg:75` costs in the same run.

Run with `make benchmark`. The middle severity of each kind where it has some; the dearest decides how long a run takes.
What torch can compute is computed by it too, on the first CUDA device where there is one: how many times as long as the
processor takes in the same run, with what goes to the device and comes back.
"""

from importlib.util import find_spec
from time import perf_counter

import pytest
import torch

from detectors.checks import sample
from protocols.degradations import parse_degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.benchmarks.compare import ROUNDS
from tests.support.pictures import photograph

SIDE = 256
EXTRAS = {"heic": "pillow_heif", "jxl": "pillow_jxl"}
WITHOUT_SEVERITIES = {
    "canonical": "canonical:png",
    "flip": "flip:horizontal",
    "greyscale": "greyscale",
    "random": "random:jpeg",
}
CHAINS = ["longest:200+jpeg:85", "avif:60:9"]
REPEATS = 30
BY_TORCH = [kind for kind in BUILT_IN if BUILT_IN[kind].by_torch]
LARGE_SIDE = 1024  # of what torch degrades


def middle(kind):
    """A kind at its middle severity, or as it is."""
    severities = BUILT_IN[kind].severities
    return f"{kind}:{severities[2]}" if severities else WITHOUT_SEVERITIES[kind]


@pytest.fixture(scope="module")
def picture():
    return sample(photograph("benchmark", SIDE, SIDE))


@pytest.fixture(scope="module")
def jpeg_s(picture):
    return least_seconds(parse_degradation("jpeg:75"), picture)


def least_seconds(degradation, picture):
    """Seconds that a degradation takes: the least of some, as noise only adds."""
    seconds = []
    for _ in range(REPEATS):
        start = perf_counter()
        degradation(picture)
        seconds.append(perf_counter() - start)
    return min(seconds)


@pytest.mark.parametrize("text", [*map(middle, BUILT_IN), *CHAINS])
def test_cost(benchmark, picture, jpeg_s, text):
    module = EXTRAS.get(text.partition(":")[0], "numpy")
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    degradation = parse_degradation(text)
    degraded = benchmark.pedantic(degradation, args=(picture,), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["times_jpeg"] = round(benchmark.stats.stats.min / jpeg_s, 2)
    benchmark.extra_info["side"] = SIDE
    assert degraded.pixels.size


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("text", [*map(middle, BY_TORCH)])
def test_by_torch(benchmark, text):
    picture = sample(photograph("by torch", LARGE_SIDE, LARGE_SIDE))
    degradation, device = parse_degradation(text), "cuda" if torch.cuda.is_available() else "cpu"
    degraded = benchmark.pedantic(degradation.on(device), args=(picture,), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["times_processor"] = round(benchmark.stats.stats.min / least_seconds(degradation, picture), 2)
    benchmark.extra_info["side"] = LARGE_SIDE
    benchmark.extra_info["device"] = device
    assert degraded.pixels.size
