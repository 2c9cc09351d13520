"""Options of a detector and the version of its package are part of the keys that a plan gives; names of fits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.engine.plan import detector_names, fit_name, plan, training_text
from detectors import catalogue
from detectors.api import Recipe, Runtime
from detectors.networks.npr import Npr
from detectors.training import network_recipe
from detectors.weights import released
from detectors.weights.released import Checkpoint
from protocols.api import Cell, Subset
from tests.support.miniature import NearestMeanRecipe, Smoothed

TEST = Subset(("even",), "val")


def test_another_option_is_another_fit(make_bench):
    one, five = (make_bench("same", [Smoothed("small", sigma=sigma)]) for sigma in (1.0, 5.0))
    before, after = one.plan(("none",)), five.plan(("none",))
    one.run(before)
    engine, _ = five.run(after)
    assert engine.counts["fits made"] == 2
    assert not engine.counts["fits reused"]
    scores = (bench.scores(planned) for bench, planned in ((one, before), (five, after)))
    low, high = (np.mean([list(by_name.values()) for by_name in found.values()]) for found in scores)
    assert low > high + 0.1  # the cut is at sigma: nothing of the first fit was served to the second


def test_the_same_option_is_the_same_fit(make_bench):
    for again in (False, True):
        bench = make_bench("same", [Smoothed("small", sigma=1.0 if again else 1)])
        engine, _ = bench.run(bench.plan(("none",)))
        assert bool(engine.counts["cells reused"]) is again


def test_options_of_a_cell_win_over_those_of_the_run(make_bench):
    bench = make_bench(recipes=[Smoothed("small")])
    train, test = Subset(("even",), "train"), Subset(("odd",), "val")
    cells = [Cell("smoothed", train, test), Cell("smoothed", train, test, options=(("sigma", 5.0),))]
    planned = bench.planned(cells)
    bench.run(planned)
    usual, other = (list(bench.scores(planned)[cell].values()) for cell in cells)
    assert np.mean(usual) > np.mean(other) + 0.1


def test_another_version_of_a_plug_in_is_another_fit_of_its_detectors_alone(make_bench, monkeypatch):
    recipes: list[Recipe] = [Smoothed("small"), NearestMeanRecipe("small")]
    before = make_bench(recipes=recipes).plan(("none",))
    monkeypatch.setattr(catalogue, "distribution", lambda made: "smoothed 2.0" if made is Smoothed else "")
    after = make_bench(recipes=recipes).plan(("none",))
    moved = {old.cell.detector for old, new in zip(before, after, strict=True) if old.key != new.key}
    assert moved == {"smoothed"}


def test_another_file_beside_a_checkpoint_is_another_detector(make_bench, tmp_path, monkeypatch):
    (tmp_path / "net.pth").write_bytes(b"weights")
    cell = Cell("smoothed", None, TEST, checkpoint=str(tmp_path / "net.pth"))
    bench = make_bench(recipes=[Smoothed("small")])
    known = Checkpoint(
        detector="smoothed", name="a", file="a", page="", licence="", layout="", training="", companions=("mean",)
    )
    keys = []
    for entries, mean in (((), b"1"), ((known,), b"1"), ((known,), b"2")):
        monkeypatch.setattr(released, "released_checkpoints", lambda entries=entries: entries)
        (tmp_path / "mean").write_bytes(mean)
        (planned,) = bench.planned([cell])
        keys.append((planned.recipe_key.rpartition("@")[2], planned.key, planned.fit_key))
    assert [len(key[0].split("+")) for key in keys] == [1, 2, 2]
    assert all(len(set(parts)) == 3 for parts in zip(*keys, strict=True))


def test_fits_of_one_run_that_are_kept_have_names_of_their_own():
    plain = Cell("checkerboard", Subset(("a", "b"), "train"), TEST)
    assert training_text(plain) == "a+b"
    others = [
        replace(plain, train=replace(plain.train, size=8)),
        replace(plain, train=replace(plain.train, degradation="jpeg:65")),
        replace(plain, options=(("sigma", 2.0),)),
        Cell("checkerboard", None, TEST, checkpoint="/weights/prob0.5.pth"),
    ]
    assert training_text(others[0]) == "a+b,train_size=8"
    assert training_text(others[3]) == "prob0.5"
    assert len({training_text(cell) for cell in (plain, *others)}) == 5


def test_fitted_detectors_of_one_run_have_different_files():
    one = Cell("cnnspot", None, TEST, checkpoint="/laion/best.pth")
    cells = {
        "0" * 64: one,
        "1" * 64: replace(one, checkpoint="/other/best.pth"),
        "2" * 64: replace(one, detector="npr"),
    }
    assert list(detector_names(cells).values()) == ["cnnspot-best-0-00000000", "cnnspot-best-0-11111111", "npr-best-0"]
    options = replace(one, options=(("sigma", 2.0),))
    assert training_text(options) != training_text(one)
    odd = [Cell("npr", Subset((name,), "train"), TEST) for name in ("a b", "a/b")]
    assert [fit_name(cell)[:4] for cell in odd] == ["a_b-", "a_b-"]
    assert len({fit_name(cell) for cell in odd}) == 2
    many = [Cell("npr", Subset(tuple(f"generator{i}" for i in range(count)), "train"), TEST) for count in (90, 91)]
    assert len({fit_name(cell) for cell in many}) == 2
    assert max(len(name) for name in detector_names(dict(zip("56", many, strict=True))).values()) < 200


def test_the_key_of_what_is_fine_tuned_tells_the_fit_that_it_goes_on_from(make_bench):
    network = Npr("small")
    bench = make_bench(recipes=[network, NearestMeanRecipe("small")])
    known = Subset(("even", "odd"), "train")
    more = replace(known, shots=(("faint", 2),))
    cells = [
        Cell(name, train, TEST, seed, fine_tuned=tuned)
        for name in ("npr", "nearest_mean")
        for train, seed, tuned in (
            (known, 0, False), (more, 0, False), (more, 0, True), (more, 1, True), (replace(more, size=3), 0, True),
        )
    ]  # fmt: skip
    planned = bench.planned(cells)
    base, at_once, tuned, other_seed, other_base, *heads = planned
    assert (base.base, at_once.base) == (None, None)
    assert tuned.base.training_key == base.training_key
    assert tuned.fitted_on == Subset(("faint",), "train", size=2)
    assert len({item.training_key for item in planned[:5]}) == len({item.key for item in planned[:5]}) == 5
    assert other_seed.base.training_key != base.training_key != other_base.base.training_key
    assert {item.base for item in heads} == {None}
    assert heads[1].key == heads[2].key  # a head is fitted at once, whether or not it is asked to go on


def test_another_way_of_fine_tuning_is_another_fit(make_bench, monkeypatch):
    cell = Cell("npr", Subset(("even",), "train", shots=(("faint", 2),)), TEST, fine_tuned=True)
    bench = make_bench(recipes=[Npr("small")])
    keys = []
    for epochs in (10, 11):
        monkeypatch.setattr(network_recipe, "FINE_TUNING_EPOCHS", epochs)
        (item,) = bench.planned([cell])
        keys.append((item.base.training_key, item.training_key))
    (base, tuned), (same_base, other) = keys
    assert base == same_base
    assert tuned != other


@pytest.fixture
def keys_of(make_bench):
    """The keys of one fit of ResNet-18 in a setting on a device, planned where torch has so many threads."""

    def keys(setting, threads, device="cpu", checkpoint=""):
        bench = make_bench(recipes=[catalogue.recipe("resnet18", setting)])
        train = None if checkpoint else Subset(("even",), "train")
        cells = [Cell("resnet18", train, TEST, checkpoint=checkpoint)]
        bench.planned(cells)
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            (item,) = plan(cells, bench.recipes, bench.selections, Runtime(device))
        finally:
            torch.set_num_threads(before)
        return item.key, item.fit_key, item.training_key

    return keys


def test_another_number_of_threads_is_another_fit_where_a_training_follows_it(keys_of):
    assert keys_of("paper", 1) == keys_of("paper", 1)
    assert not set(keys_of("paper", 1)) & set(keys_of("paper", 2))


def test_the_number_of_threads_is_no_part_of_a_fit_of_one_thread_or_on_a_gpu(keys_of):
    assert keys_of("small", 1) == keys_of("small", 2)
    assert keys_of("paper", 1, "cuda") == keys_of("paper", 2, "cuda")


def test_the_number_of_threads_is_no_part_of_what_is_not_fitted(keys_of, tmp_path):
    (tmp_path / "net.pth").write_bytes(b"weights")
    first, second = (keys_of("paper", threads, checkpoint=str(tmp_path / "net.pth")) for threads in (1, 2))
    assert first == second
