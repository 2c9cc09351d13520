"""Whatever shares an image, it is read, degraded and prepared once in a pass, and every reading is counted."""

import io
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import ClassVar
from weakref import finalize

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard
from PIL import Image

from bench.engine import image_pass
from bench.images import image_set
from detectors.api import Card
from detectors.checks import texture
from protocols.api import Cell, Subset
from protocols.degradations import Degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.support.miniature import Bench, Means, NearestMeanRecipe

GENERATORS = ("a", "b", "c", "d")
REAL, OWN = 14, 14


def put(path, name, strength=0):
    pixels = texture(name, 40, 40).astype(int)
    pixels[::2, ::2] += strength
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.getvalue())


@pytest.fixture
def shared(tmp_path):
    """Four generators that share one pool of real images; half of everything in each split."""
    for kind, size in (("real", REAL), *((name, OWN) for name in GENERATORS)):
        for index in range(size):
            split = "train" if index % 2 else "val"
            put(tmp_path / "data" / split / kind / f"{index}.png", f"{kind}{index}", 0 if kind == "real" else 20)
    return tmp_path / "data"


class Work:
    """What was really decoded, degraded, prepared and embedded."""

    def __init__(self, monkeypatch):
        self.decoded, self.degraded, self.prepared = [], [], []
        decode, degrade, prepare = image_set.decode, Degradation.__call__, Means.prepare
        monkeypatch.setattr(
            image_set, "decode", lambda data, where, *more: self.decoded.append(where) or decode(data, where, *more)
        )
        monkeypatch.setattr(
            Degradation, "__call__", lambda one, sample: self.degraded.append(one.name) or degrade(one, sample)
        )
        monkeypatch.setattr(Means, "prepare", lambda one, sample: self.prepared.append(1) or prepare(one, sample))


def everywhere(detectors, degradations=("none",)):
    return [
        Cell(detector, Subset((train,), "train"), Subset((test,), "val", degradation=step))
        for detector in detectors
        for train in GENERATORS
        for test in GENERATORS
        for step in degradations
    ]


def test_a_shared_pool_is_embedded_once(shared, tmp_path, monkeypatch):
    recipe = NearestMeanRecipe("small")
    bench = Bench(shared, tmp_path, {"nearest_mean": recipe})
    planned = bench.planned(everywhere(["nearest_mean"]))
    work = Work(monkeypatch)
    engine, _ = bench.run(planned)
    images = REAL + len(GENERATORS) * OWN
    assert len(work.decoded) == len(set(work.decoded)) == images == 70
    assert len(work.prepared) == recipe.shared.embedded == images
    assert engine.counts["embeddings made"] == engine.counts["images decoded"] == images


def test_a_shared_pool_is_scored_once_and_every_cell_has_all_of_it(shared, tmp_path, monkeypatch):
    bench = Bench(shared, tmp_path, {"nearest_mean": NearestMeanRecipe("small"), "network": Network("small")})
    planned = bench.planned(everywhere(["network"], ("none", "jpeg:65")))
    for item in {item.fit_key: item for item in planned}.values():
        bench_fit(bench, item)
    work = Work(monkeypatch)
    engine, _ = bench.run(planned)
    images = (REAL + len(GENERATORS) * OWN) // 2
    assert len(work.decoded) == len(set(work.decoded)) == images
    assert len(work.degraded) == images  # clean ones are left alone
    assert len(work.prepared) == 2 * images  # for four fits alike
    assert engine.counts["images decoded"] == images
    for by_name in bench.scores(planned).values():
        assert sum("/real/" in name for name in by_name) == REAL // 2
        assert len(by_name) == (REAL + OWN) // 2


SWEPT = (
    "jpeg",
    "blur",
    "resize",
    "scale",
    "rotate",
    "median",
    "sharpen",
    "gaussian_noise",
    "contrast",
    "gamma",
    "text",
)
CONDITIONS = [f"{kind}:{text}" for kind in (*SWEPT, "sticker") for text in BUILT_IN[kind].severities]


def test_a_sweep_of_five_detectors_under_sixty_conditions_does_its_work_once(shared, tmp_path, monkeypatch):
    """Each image is decoded once, degraded once per condition, and prepared once per condition and kind of input."""
    kinds = [Network, Network, Network, NearestMeanRecipe, NearestMeanRecipe]  # probes share an embedder
    names = [f"detector{index}" for index in range(len(kinds))]
    recipes = {
        name: type(name, (kind,), {"card": replace(kind.card, name=name)})("small")
        for name, kind in zip(names, kinds, strict=True)
    }
    bench = Bench(shared, tmp_path, recipes)
    train = Subset(("a",), "train")
    cells = [Cell(name, train, Subset(("b",), "val", degradation=step)) for name in names for step in CONDITIONS]
    planned = bench.planned(cells)
    for item in {item.fit_key: item for item in planned}.values():
        bench_fit(bench, item)
    work = Work(monkeypatch)
    engine, outcomes = bench.run(planned)
    images = (REAL + OWN) // 2
    assert {one.status for one in outcomes.values()} == {"scored"}
    assert len(outcomes) == 300
    assert len(work.decoded) == len(set(work.decoded)) == engine.counts["images decoded"] == images
    assert Counter(work.degraded) == dict.fromkeys(CONDITIONS, images)
    assert len(work.prepared) == images * len(CONDITIONS) * (3 + 1)
    assert engine.counts["embeddings made"] == images * len(CONDITIONS)


def test_a_train_set_is_read_once_however_often_a_fit_asks(shared, tmp_path, monkeypatch):
    bench = Bench(shared, tmp_path, {"network": Network("small")})
    planned = bench.planned([Cell("network", Subset(GENERATORS, "train"), Subset(("a",), "val"))])
    work = Work(monkeypatch)
    engine, _ = bench.run(planned)
    read = [name for name in work.decoded if "/train/" in name]
    assert len(read) == len(set(read)) == (REAL + len(GENERATORS) * OWN) // 2
    assert engine.counts["images decoded"] == len(work.decoded)


def test_two_data_sets_that_share_files_read_them_once(shared, tmp_path, monkeypatch):
    other = tmp_path / "other"
    for split in ("train", "val"):  # the real images of one, with another generator, under other names
        for index, path in enumerate(sorted((shared / split / "real").iterdir())):
            copy = other / split / "real" / f"copy{index}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            put(other / split / "e" / f"{index}.png", f"{split}e{index}", 20)
    recipe = NearestMeanRecipe("small")
    bench = Bench(shared, tmp_path, {"nearest_mean": recipe, "network": Network("small")})
    cells = [
        Cell(detector, Subset(("a",), "train"), test)
        for detector in bench.recipes
        for test in (Subset(("a",), "val"), Subset(("e",), "val", data="other"))
    ]
    planned = bench.planned(cells, other=other)
    work = Work(monkeypatch)
    engine, outcomes = bench.run(planned)
    assert {one.status for one in outcomes.values()} == {"scored"}
    trained, tested = (REAL + OWN) // 2, REAL // 2 + OWN // 2 + REAL // 2
    assert recipe.shared.embedded == trained + tested
    assert len(work.decoded) == trained + trained + tested  # embedding, one training, one pass for both detectors
    assert engine.counts["images decoded"] == len(work.decoded)
    own, away = (bench.scores(planned)[cell] for cell in cells[:2])
    assert sorted(score for name, score in own.items() if "/real/" in name) == sorted(
        score for name, score in away.items() if "/real/" in name
    )


def bench_fit(bench, item):
    engine, _ = bench.run([])
    engine.detector(item)


@dataclass(frozen=True)
class Network(Checkerboard):
    """No embedder: it is handed prepared images. It reads its train set twice."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="network")
    shared: Means = field(default_factory=Means, compare=False)

    def fit(self, train, seed, runtime):
        for _ in range(2):
            levels = [train[index].pixels.mean() for index in range(len(train))]
        part = train.part(np.flatnonzero(train.labels == 0))
        assert part[0].pixels.mean() == levels[train.names.index(part.names[0])]
        return Prepared(self.shared)

    def restore(self, state, runtime):
        return Prepared(self.shared)


class Prepared(type(Checkerboard().restore({"cut": np.zeros(1), "slope": np.ones(1)}, None))):
    def __init__(self, shared):
        super().__init__(0.0, 1.0)
        self.shared = shared

    def prepare(self, sample):
        return self.shared.prepare(sample)

    def score(self, batch):
        return np.array([1 / (1 + np.exp(-one[0])) for one in batch], np.float32)


@pytest.mark.slow
def test_conditions_that_are_prepared_some_at_a_time_change_no_score_and_repeat_no_work(shared, tmp_path, monkeypatch):
    steps = ("none", "jpeg:65", "blur:1", "longest:30+jpeg:50", "longest:30+jpeg:80", "gamma:1.4")
    found = []
    for inputs in (image_pass.INPUT_MEMORY, 1):
        with monkeypatch.context() as patch:
            patch.setattr(image_pass, "INPUT_MEMORY", inputs)
            alive, most, single = watch_chunks(patch)
            work = Work(patch)
            recipes = {"nearest_mean": NearestMeanRecipe("small"), "checkerboard": Checkerboard("small")}
            bench = Bench(shared, tmp_path / str(inputs), recipes, batch_size=8)
            planned = bench.planned(everywhere(recipes, steps))
            engine, outcomes = bench.run(planned)
        assert {one.status for one in outcomes.values()} == {"scored"}
        found.append((bench.scores(planned), engine.counts, *map(sorted, (work.decoded, work.degraded, work.prepared))))
        assert max(most) == 1  # what was prepared before is gone
        assert not alive
        assert len(single) == (len(steps) if inputs == 1 else 1)  # training images come clean
    assert found[0] == found[1]


def watch_chunks(patch):
    """Parts of chunks that are alive, how many there were at a time, and the conditions of those with one alone."""
    alive, most, single = set(), [], set()
    collected = image_pass._Pass.collected

    def watched(work, part, prepared):
        most.append(len(alive) + 1)
        chunk = collected(work, part, prepared)
        alive.add(id(chunk))
        finalize(chunk, alive.discard, id(chunk))
        if len(chunk.conditions) == 1:
            single.update(chunk.conditions)
        return chunk

    patch.setattr(image_pass._Pass, "collected", watched)
    return alive, most, single
