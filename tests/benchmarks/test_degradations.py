"""What each kind of degradation costs, one thread, and how many times what `jpeg:75` costs in the same run.

Run with `make benchmark`. The middle severity of each kind where it has some; the dearest decides how long a run takes.
"""

from importlib.util import find_spec
from time import perf_counter

import pytest

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


def middle(kind):
    """A kind at its middle severity, or as it is."""
    severities = BUILT_IN[kind].severities
    return f"{kind}:{severities[2]}" if severities else WITHOUT_SEVERITIES[kind]


@pytest.fixture(scope="module")
def picture():
    return sample(photograph("benchmark", SIDE, SIDE))


@pytest.fixture(scope="module")
def jpeg_s(picture):
    """Seconds of one round trip through JPEG: the least of some, as noise only adds."""
    jpeg, seconds = parse_degradation("jpeg:75"), []
    for _ in range(REPEATS):
        start = perf_counter()
        jpeg(picture)
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
