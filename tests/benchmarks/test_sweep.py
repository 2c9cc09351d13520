"""A sweep of five families under sixty conditions, as a run does it, beside one loop per detector and condition.

Run with `make benchmark`. Told: the processor time that reading, decoding and degrading take, as a share of the loop's;
and the wall time of the sweep, as a share of that plus what each detector takes to prepare and score by itself, once
with a thread for each core, as runs have by default, and once with one thread.
"""

import os
from time import perf_counter, thread_time

import pytest
from PIL import Image

from bench.images import image_set
from detectors import catalogue
from protocols.api import Cell, Subset
from protocols.degradations import Degradation, parse_degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.support.miniature import Bench
from tests.support.pictures import photograph

FAMILIES = ("hog_svm", "spectrum", "residual", "cnnspot", "clip_probe")
SWEPT = ("jpeg", "webp", "blur", "resize", "scale", "rotate", "median", "sharpen", "gaussian_noise", "contrast",
         "gamma", "text")  # fmt: skip
CONDITIONS = [f"{kind}:{text}" for kind in SWEPT for text in BUILT_IN[kind].severities]
SIDE, IMAGES, BATCH = 256, 12, 12  # of each class and split


@pytest.fixture
def photographs(tmp_path):
    """A folder of photographs in two classes, half of each to train on."""
    for label, split in ((label, split) for label in ("nature", "ai") for split in ("train", "val")):
        for index in range(IMAGES):
            path = tmp_path / "data" / "made" / split / label / f"{label}_{split}_{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(photograph(path.name, SIDE, SIDE)).save(path)
    return tmp_path / "data"


class Clock:
    """Adds up the time of the calls of a function."""

    def __init__(self, now):
        self.now, self.seconds = now, 0.0

    def timed(self, function):
        def call(*args):
            start = self.now()
            try:
                return function(*args)
            finally:
                self.seconds += self.now() - start

        return call


@pytest.mark.parametrize("workers", [os.cpu_count() or 1, 1], ids=["threads", "one_thread"])
def test_sweep(benchmark, workers, photographs, tmp_path, monkeypatch):
    recipes = {name: catalogue.recipe(name, "small") for name in FAMILIES}
    bench = Bench(photographs, tmp_path, recipes, batch_size=BATCH, workers=workers)
    train = Subset(("made",), "train")
    planned = bench.planned(
        Cell(name, train, Subset(("made",), "val", degradation=step)) for name in FAMILIES for step in CONDITIONS
    )
    fits = {item.cell.detector: item for item in planned}
    engine, _ = bench.run([])
    detectors = {name: engine.detector(item) for name, item in fits.items()}

    images = bench.selections[planned[0].cell.test].images
    pixel_work, own = Clock(thread_time), Clock(perf_counter)
    read, degrade = pixel_work.timed(images.__getitem__), pixel_work.timed(lambda step, sample: step(sample))
    for detector in detectors.values():
        prepare, score = own.timed(detector.prepare), own.timed(detector.score)
        for text in CONDITIONS:
            step, batch = parse_degradation(text), []
            for row in range(len(images)):
                batch.append(prepare(degrade(step, read(row))))
            score(batch)

    swept = Clock(thread_time)
    monkeypatch.setattr(image_set, "decode", swept.timed(image_set.decode))
    monkeypatch.setattr(Degradation, "__call__", swept.timed(Degradation.__call__))
    start = perf_counter()
    _, outcomes = benchmark.pedantic(bench.run, args=(planned,), rounds=1)
    wall = perf_counter() - start

    benchmark.extra_info["pixel_work_share"] = round(swept.seconds / pixel_work.seconds, 3)
    benchmark.extra_info["wall_share"] = round(wall / (swept.seconds + own.seconds), 3)
    benchmark.extra_info["seconds"] = {
        "loop": round(pixel_work.seconds, 2), "sweep": round(swept.seconds, 2), "own": round(own.seconds, 2),
        "wall": round(wall, 2),
    }  # fmt: skip
    assert {one.status for one in outcomes.values()} == {"scored"}
    assert swept.seconds <= 0.25 * pixel_work.seconds
