"""What a run does before its first image is read for a detector: list, inspect, plan; of small files, in one thread.

Run with `make benchmark`. Told: the processor time of a file among five times as many, as a share of that among few,
which a step that is not linear raises; and the time of a second start, as a share of the first one's.
"""

from io import StringIO
from shutil import rmtree
from time import process_time

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.platform.progress import Reporter
from bench.request.planned_run import plan_run
from tests.benchmarks.compare import ROUNDS
from tests.support.protocol_runs import ProtocolRunner

GENERATORS = ("ADM", "BigGAN", "glide", "VQDM")
FEW, TIMES, SIDE = 1000, 5, 16


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """By number of images, a folder of so many in two classes and two splits of each generator."""
    found, rng = {}, np.random.default_rng(0)
    for count in (FEW, TIMES * FEW):
        found[count] = root = tmp_path_factory.mktemp("data")
        parts = [root / name / split / label for name in GENERATORS for split in ("train", "val")
                 for label in ("ai", "nature")]  # fmt: skip
        for folder in parts:
            folder.mkdir(parents=True)
            for index in range(count // len(parts)):
                pixels = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{index % 100:03d}_image_{index}.png")
    return found


def test_start(benchmark, folders, tmp_path):
    quiet = Reporter(Console(file=StringIO()))
    requests = {
        count: ProtocolRunner(folder, tmp_path / str(count)).request("cross_generator", ("hog_svm",))
        for count, folder in folders.items()
    }
    seconds = {"few": [], "many": [], "again": []}

    def start(what, count):
        begin = process_time()
        planned = plan_run(requests[count], quiet)
        seconds[what].append((process_time() - begin) / count)
        return planned

    def few_again_and_forget():
        start("few", FEW)
        if seconds["many"]:
            start("again", TIMES * FEW)
        for count in requests:
            rmtree(tmp_path / str(count), ignore_errors=True)

    planned = benchmark.pedantic(start, args=("many", TIMES * FEW), setup=few_again_and_forget, rounds=ROUNDS)
    few, many, again = (np.median(times) for times in seconds.values())
    benchmark.extra_info["ratios"] = {"a file of many": round(many / few, 3), "second start": round(again / many, 3)}
    assert len(planned.selections.pool) == TIMES * FEW // 16 * 16
    assert many <= 0.9 * few  # what is done once counts less
    assert again <= 0.25 * many
