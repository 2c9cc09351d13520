"""Fits side by side in processes of their own are those of this process, and their trouble is told alike."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector

from bench.engine.cache import Cache
from bench.engine.plan import detector_names
from detectors.api import Card, Runtime
from detectors.checks import ToyTrainSet, sample
from detectors.handcrafted.metadata import Metadata
from detectors.networks.npr import Npr
from detectors.preprocessing.augmentation import padded_centre
from detectors.zero_shot.coding_cost import CodingCost
from protocols.api import Cell, Subset
from tests.support.miniature import Bench, write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


def answered(folder, root, recipes, workers):
    """Scores by cell, outcomes by detector, and what was counted."""
    bench = Bench(folder, root, recipes, workers=workers)
    planned = bench.plan(("none",))
    engine, outcomes = bench.run(planned)
    told = {name: set() for name in recipes}
    for item in planned:
        told[item.cell.detector].add((outcomes[item.key].status, outcomes[item.key].reason))
    return bench.scores(planned), told, engine.counts


@pytest.fixture(scope="module")
def there(folder, tmp_path_factory):
    """In two processes: a network that learns, the same shown tiles, another without its start, what wants more images.

    The network is shown tiles before it is shown whole images, so that the first of both has to fit.
    """
    root = tmp_path_factory.mktemp("there")
    absent, tiles = Npr("small", start=str(root / "absent.pth")), Npr("small", input="tiles")
    recipes = {"tiles": tiles, "npr": Npr("small"), "absent": absent, "coding_cost": CodingCost("small")}
    return answered(folder, root, recipes, 2)


@pytest.mark.slow  # as all that looks at what two processes fitted
def test_processes_change_no_score(folder, there, tmp_path):
    here, told, counted = answered(folder, tmp_path, {"npr": Npr("small")}, 1)
    same, same_told, same_counted = there
    assert here == {cell: scores for cell, scores in same.items() if cell.detector == "npr"}
    assert told["npr"] == same_told["npr"] == same_told["tiles"] == {("scored", "")}
    assert counted["fits made"] == same_counted["fits made"] == 2
    assert not counted["fits reused"]
    assert same_counted["fits reused"] == 2  # of the network that is shown tiles


@pytest.mark.slow
def test_trouble_in_a_process_is_the_reason_of_the_hole(there):
    scores, told, _ = there
    assert {cell.detector for cell in scores} == {"npr", "tiles"}
    ((status, reason),) = told["absent"]
    assert status == "skipped"
    assert reason.startswith("no weights at ")
    assert told["coding_cost"] == {
        ("failed", "ValueError: coding_cost learns from real images and needs at least 20, found 8: give more")
    }


class Square(CheckerboardDetector):
    """Reads the centre of 16 pixels."""

    def prepare(self, sample):
        return padded_centre(sample.pixels, 16)

    def score(self, batch):
        return super().score([super(Square, self).prepare(sample(image)) for image in batch])


@dataclass(frozen=True)
class Squares(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="squares")

    def fit(self, train, seed, runtime):
        return self.restore(super().fit(train, seed, runtime).state(), runtime)

    def restore(self, state, runtime):
        return Square(float(state["cut"][0]), float(state["slope"][0]))


def test_one_training_serves_every_way_to_show_test_images(folder, tmp_path):
    usual, crops = Squares("small"), Squares("small", input="five_crops")
    scores, told, counted = answered(folder, tmp_path, {"squares": usual, "crops": crops}, 1)
    assert set().union(*told.values()) == {("scored", "")}
    assert counted["fits made"] == counted["fits reused"] == 2
    found = {name: [one for cell, one in scores.items() if cell.detector == name] for name in told}
    assert found["squares"] != found["crops"]


def test_detectors_that_are_shown_images_differently_are_two_of_one_training(folder, tmp_path):
    bench = Bench(folder, tmp_path, {"squares": Squares("small"), "tiles": Squares("small", input="tiles")})
    usual, tiles = (bench.plan(("none",))[position] for position in (0, 6))
    assert usual.training_key == usual.fit_key == tiles.training_key
    assert len({(item.fit_key, item.key, item.scoring_key) for item in (usual, tiles)}) == 2
    assert len(detector_names({item.fit_key: item.cell for item in (usual, tiles)})) == 2


def test_what_cannot_be_shown_is_refused_before_it_is_fitted(folder, tmp_path):
    def forbidden(self, *_):
        raise AssertionError

    never = type("Never", (Metadata,), {"fit": forbidden})
    _, told, counted = answered(folder, tmp_path, {"metadata": never("small", input="crop")}, 1)
    ((status, reason),) = told["metadata"]
    assert status == "skipped"
    assert reason.startswith("what square of an image metadata reads cannot be told")
    assert not counted["images decoded"]


KNOWN, HELD_OUT = Subset(("even", "odd"), "train"), Subset(("faint",), "val")


def few(k, detector="npr", *, fine_tuned=True):
    """A cell of the faint generator, of which k images join the training on the others."""
    return Cell(detector, replace(KNOWN, shots=(("faint", k),)), HELD_OUT, fine_tuned=fine_tuned)


def fine_tuned_answers(folder, root, workers, cells):
    """Scores by cell, the planned cells, and what was counted."""
    bench = Bench(folder, root, {"npr": Npr("small")}, workers=workers)
    planned = bench.planned(cells)
    engine, outcomes = bench.run(planned)
    assert {one.status for one in outcomes.values()} == {"scored"}
    return bench.scores(planned), planned, engine.counts


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_what_is_fine_tuned_goes_on_from_one_fit_that_others_share(folder, tmp_path, processes):
    scores, _, counts = fine_tuned_answers(folder, tmp_path / "two", processes, [few(2), few(4)])
    assert (counts["fits made"], counts["fits reused"]) == (3, 2)  # the fit on the known ones, then one for each number
    again, _, more = fine_tuned_answers(
        folder, tmp_path / "two", 1, [Cell("npr", KNOWN, HELD_OUT), few(2, fine_tuned=False), few(2), few(4)]
    )
    assert (more["fits made"], more["fits reused"]) == (1, 1)  # at once on all; the known ones were fitted
    base, at_once = again[Cell("npr", KNOWN, HELD_OUT)], again[few(2, fine_tuned=False)]
    assert scores[few(2)] != scores[few(4)]
    assert scores[few(2)] not in (base, at_once)
    alone, _, _ = fine_tuned_answers(folder, tmp_path / "one", 1, [few(4)])
    assert alone[few(4)] == scores[few(4)]


def test_fine_tuning_starts_from_the_state_of_its_base(folder, tmp_path):
    _, (item,), _ = fine_tuned_answers(folder, tmp_path, 1, [few(2)])
    cache = Cache(tmp_path / "cache")
    before, after = cache.read_fit(item.base.training_key), cache.read_fit(item.training_key)
    weights = [name for name in before if before[name].dtype.kind == "f" and np.ptp(before[name])]
    moved = max(np.abs(after[name] - before[name]).max() for name in weights)
    other = Npr("small").fit(ToyTrainSet(8), 0, Runtime()).state()
    assert 0 < moved < max(np.abs(other[name] - before[name]).max() for name in weights) / 2
    assert len(cache.history(item.training_key)) == Npr("small").fine_tuning_epochs


def test_a_base_that_cannot_be_fitted_is_the_reason_of_all_that_go_on_from_it(folder, tmp_path):
    bench = Bench(folder, tmp_path, {"npr": Npr("small", start=str(tmp_path / "absent.pth"))})
    planned = bench.planned([few(2), few(4)])
    _, outcomes = bench.run(planned)
    assert {(one.status, "absent.pth" in one.reason) for one in outcomes.values()} == {("skipped", True)}
