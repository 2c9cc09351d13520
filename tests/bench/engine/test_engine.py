"""The engine: everything asked is answered once, whatever the order, the batch size, the workers or a kill."""

import signal
import time
from dataclasses import dataclass, field, replace
from shutil import rmtree
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from lineup_checkerboard import Checkerboard, CheckerboardDetector
from PIL import Image

import bench.engine.cache
from bench.engine.plan import plan
from bench.engine.scoring.agreement import AgreementCheck
from bench.engine.selections import Selections
from bench.images import image_set
from bench.platform.errors import InputError
from detectors.api import Answer, Card, Detector, Recipe, Runtime
from detectors.composite.nested_fits import join_states, state_of
from detectors.composition import Composite
from detectors.isolation.calls import batch_limit
from protocols.api import Cell, Subset
from protocols.degradations import Degradation
from protocols.degradations.kind import TensorStep
from tests.support.miniature import SIZES, Bench, Means, Missing, NearestMeanRecipe


@pytest.fixture(scope="module")
def undisturbed(miniature, tmp_path_factory):
    """The cells of a usual run, and its scores."""
    recipes = {one.card.name: one for one in (NearestMeanRecipe("small"), Checkerboard("small"))}
    bench = Bench(miniature, tmp_path_factory.mktemp("undisturbed"), recipes)
    planned = bench.plan()
    bench.run(planned)
    return planned, bench.scores(planned)


def accuracy(scores):
    return np.mean([(score > 0.5) == ("/ai/" in name) for name, score in scores.items()])


def test_every_cell_is_answered_with_one_score_per_image(make_bench):
    bench = make_bench()
    planned = bench.plan()
    _, outcomes = bench.run(planned)
    assert {outcome.status for outcome in outcomes.values()} == {"scored"}
    scores = bench.scores(planned)
    assert len(scores) == len(planned) == 2 * 2 * 3 * 2
    for cell, by_name in scores.items():
        assert len(by_name) == 2 * SIZES["val"]
        assert all(name.startswith(f"{cell.test.name}/val/") for name in by_name)


def test_scores_mean_what_they_should(make_bench):
    bench = make_bench()
    planned = bench.plan()
    bench.run(planned)
    by_place = {
        (c.detector, c.train.name, c.test.name, c.test.degradation): s for c, s in bench.scores(planned).items()
    }
    assert accuracy(by_place["nearest_mean", "even", "even", "none"]) == 1
    assert accuracy(by_place["nearest_mean", "even", "odd", "none"]) <= 0.7  # the phase is the other one
    assert accuracy(by_place["checkerboard", "even", "odd", "none"]) >= 0.9  # energy does not know the phase


def test_a_second_run_does_nothing(make_bench):
    bench = make_bench()
    planned = bench.plan()
    bench.run(planned)
    engine, outcomes = bench.run(planned)
    assert engine.counts == {"cells reused": len(planned), "cells answered": 0}
    assert {outcome.status for outcome in outcomes.values()} == {"scored"}


def test_new_results_from_a_warm_cache_decode_nothing_for_heads_and_fit_nothing(make_bench):
    first = make_bench("a")
    planned = first.plan()
    first.run(planned)
    for path in (first.root / "out" / "scores").iterdir():
        path.unlink()
    engine, _ = first.run(planned)
    assert engine.counts["embeddings made"] == 0
    assert engine.counts["fits made"] == 0
    only_heads = [item for item in planned if item.cell.detector == "nearest_mean"]
    for path in (first.root / "out" / "scores").iterdir():
        path.unlink()
    engine, _ = first.run(only_heads)
    assert engine.counts["images decoded"] == 0


def test_each_image_is_decoded_and_degraded_once_for_all_detectors(make_bench, monkeypatch):
    recipes = [NearestMeanRecipe("small"), Other("small"), Checkerboard("small")]
    bench = make_bench(recipes=recipes)
    planned = bench.plan(degradations=("none", "jpeg:65", "blur:1"))
    heads = [item for item in planned if item.cell.detector != "checkerboard"]
    decoded, degraded = [], []
    decode, degrade = image_set.decode, Degradation.__call__
    monkeypatch.setattr(
        image_set, "decode", lambda data, where, *more: decoded.append(where) or decode(data, where, *more)
    )
    monkeypatch.setattr(Degradation, "__call__", lambda self, s: degraded.append(self.name) or degrade(self, s))
    bench.run(heads)
    assert len(decoded) == len(set(decoded)) == 2 * 2 * SIZES["train"] + 3 * 2 * SIZES["val"]
    assert len(degraded) == 2 * 3 * 2 * SIZES["val"]  # by two; clean images are left alone


def test_what_torch_degrades_is_answered_anew_and_nothing_else(make_bench, monkeypatch):
    conditions = ("none", "jpeg:65", "jpeg:65+blur:1")
    first, again = (make_bench(degrading_device=device) for device in ("", "cpu"))
    planned, by_torch = first.plan(conditions), again.plan(conditions)
    moved = [one.cell.test.degradation for one, other in zip(planned, by_torch, strict=True) if one.key != other.key]
    assert set(moved) == {"jpeg:65+blur:1"}
    first.run(planned)
    taken, take = [], TensorStep.__call__
    monkeypatch.setattr(
        TensorStep, "__call__", lambda self, s, *given: taken.append((self.device, *given)) or take(self, s, *given)
    )
    engine, _ = again.run(by_torch)
    assert engine.counts["cells reused"] == len(planned) - len(moved)
    assert engine.counts["fits made"] == 0
    assert taken == [("cpu", 1.0)] * (3 * 2 * SIZES["val"])
    expected, found = first.scores(planned), again.scores(by_torch)
    assert expected.keys() == found.keys()
    for cell, by_name in expected.items():
        assert by_name == pytest.approx(found[cell], abs=0.02)  # single levels of single pixels


def test_a_fit_on_what_torch_degraded_is_another_one(make_bench):
    train = Subset(("even",), "train", degradation="blur:1")
    cells = [Cell("nearest_mean", train, Subset(("odd",), "val"))]
    benches = [make_bench(degrading_device=device) for device in ("", "cpu")]
    made = [bench.run(bench.planned(cells))[0].counts for bench in benches]
    assert [one["fits made"] for one in made] == [1, 1]
    assert made[0]["embeddings made"] > made[1]["embeddings made"] > 0  # those of clean tests are there


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 100}, {"workers": 1}, {"workers": 5}])
def test_batch_size_and_workers_change_no_score(undisturbed, make_bench, options):
    (planned, left), other = undisturbed, make_bench(**options)
    other.run(other.plan())
    right = other.scores(planned)
    assert left.keys() == right.keys()
    for cell, by_name in left.items():
        assert by_name == pytest.approx(right[cell], abs=1e-6)


def test_the_order_of_cells_changes_no_score(undisturbed, make_bench):
    (planned, expected), other = undisturbed, make_bench()
    other.plan()
    other.run(planned[::-1])
    assert other.scores(planned) == expected


@pytest.mark.parametrize("after", range(1, 12, 2))
def test_a_killed_run_repeated_equals_an_undisturbed_one(undisturbed, make_bench, monkeypatch, after):
    (planned, expected), killed = undisturbed, make_bench()
    killed.plan()
    writes = []

    def dying(path, write, real=bench.platform.files.write_atomically):
        writes.append(path)
        if len(writes) == after:
            signal.raise_signal(signal.SIGINT)  # a KeyboardInterrupt without a signal is a detector's own
        real(path, write)

    with monkeypatch.context() as patch:
        patch.setattr("bench.platform.seals.write_atomically", dying)
        patch.setattr("bench.platform.checksums.write_atomically", dying)
        with pytest.raises(KeyboardInterrupt):
            killed.run(planned)
    for path in [*killed.root.rglob("*.parquet"), *killed.root.rglob("*.safetensors")][:2]:
        path.with_name(f".{path.name}.partial").write_bytes(path.read_bytes()[:20])  # as a power cut would leave it
    killed.run(planned)
    assert killed.scores(planned) == expected


def test_one_detectors_trouble_leaves_the_others_alone_and_has_a_reason(make_bench):
    recipes = [NearestMeanRecipe("small"), Missing("small"), Raising("small"), Wild("small")]
    bench = make_bench(recipes=recipes)
    planned = bench.plan()
    _, outcomes = bench.run(planned)
    by_detector = {item.cell.detector: outcomes[item.key] for item in planned}
    assert by_detector["nearest_mean"].status == "scored"
    assert (by_detector["missing"].status, by_detector["missing"].reason) == (
        "skipped",
        "weights of missing are not here; fetch them",
    )
    assert by_detector["raising"].status == "failed"
    assert by_detector["raising"].reason == "RuntimeError: out of luck"
    assert by_detector["wild"].status == "failed"
    assert "scores must be" in by_detector["wild"].reason
    assert len(bench.scores(planned)) == len(planned) // 4


def test_an_image_that_is_damaged_during_a_run_stops_it_with_its_name(make_bench):
    bench = make_bench()
    planned = bench.plan()
    victim = bench.folder / "odd" / "val" / "ai" / "odd_val_ai_3.png"
    victim.write_bytes(victim.read_bytes()[:60])
    with pytest.raises(InputError, match=r"odd_val_ai_3\.png was sound and cannot be decoded any more"):
        bench.run(planned)


def test_a_changed_image_changes_the_keys_that_depend_on_it_and_no_others(make_bench):
    bench = make_bench()
    before = {item.cell: item.key for item in bench.plan()}
    changed = bench.folder / "odd" / "val" / "ai" / "odd_val_ai_3.png"
    changed.write_bytes((bench.folder / "even" / "val" / "ai" / "even_val_ai_3.png").read_bytes())
    after = {item.cell: item.key for item in bench.plan()}
    assert {cell.test.name for cell in before if before[cell] != after[cell]} == {"odd"}
    assert {cell.test.name for cell in before if before[cell] == after[cell]} == {"even", "faint"}


def test_keys_tell_versions_seeds_and_settings_apart(make_bench):
    keys = [
        {item.key for item in make_bench("a", recipes).plan(seeds=seeds)}
        for recipes, seeds in (
            ([Checkerboard("small")], [0]),
            ([Checkerboard("small")], [1]),
            ([Checkerboard("paper")], [0]),
            ([Newer("small")], [0]),
        )
    ]
    assert sum(map(len, keys)) == len(set.union(*keys)) == 4 * 12


class OtherMeans(Means):
    key = "means.2"


@dataclass(frozen=True)
class Other(NearestMeanRecipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="other")
    shared: Means = field(default_factory=OtherMeans, compare=False)


@dataclass(frozen=True)
class Newer(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, version=2)


@dataclass(frozen=True)
class Raising(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="raising")

    def fit(self, train, seed, runtime):
        msg = "out of luck\nin two lines"
        raise RuntimeError(msg)


class WildDetector(CheckerboardDetector):
    def score(self, batch):
        return super().score(batch) * 3


@dataclass(frozen=True)
class Wild(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="wild")

    def fit(self, train, seed, runtime):
        return WildDetector(0.0, 1.0)


def test_a_damaged_score_file_is_named(make_bench):
    bench = make_bench()
    planned = bench.plan()
    bench.run(planned)
    victim = next((bench.root / "out" / "scores").glob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:100])
    with pytest.raises(InputError, match=f"{victim.name} is damaged"):
        bench.run(planned)


def test_a_damaged_cache_costs_time_and_nothing_else(make_bench):
    bench = make_bench()
    planned = bench.plan()
    bench.run(planned)
    before = bench.scores(planned)
    for folder, kind in (("inspected", "parquet"), ("fitted", "safetensors")):
        for path in (bench.root / "cache" / folder).rglob(f"*.{kind}"):
            path.write_bytes(path.read_bytes()[:20])
    for path in (bench.root / "out" / "scores").iterdir():
        path.unlink()
    bench.run(bench.plan())
    assert bench.scores(planned) == before


def test_keys_follow_what_fits_and_intervals_read_beside_the_images(make_bench):
    bench = make_bench()
    before = bench.plan()

    def keys_with(**columns):
        known = bench.inspections[""]
        told = replace(known, images=replace(known.images, table=known.images.table.assign(**columns)))
        return plan([item.cell for item in before], bench.recipes, Selections({"": told}), Runtime())

    for column in ("source", "content"):
        for old, new in zip(before, keys_with(**{column: "one"}), strict=True):
            assert new.fit_key != old.fit_key
            assert new.key != old.key


class Blended(Detector):
    """Scores by the first column of whatever was embedded for it while it was fitted."""

    def __init__(self, level):
        self.level = level

    def prepare(self, sample):
        return np.float32(sample.pixels.mean())[None]

    def score(self, batch):
        return np.full(len(batch), self.level, np.float32)

    def state(self):
        return {"level": np.float32([self.level])}


@dataclass(frozen=True)
class Borrowing(Recipe):
    """A recipe without an embedder of its own that fits on the embeddings of another one."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="borrowing")
    variants = Checkerboard.variants
    shared: Means = field(default_factory=Means, compare=False)

    def fit(self, train, seed, runtime):
        embeddings = train.embed(self.shared)
        assert embeddings.shape == (len(train), self.shared.dim)
        return Blended(float(np.clip(np.abs(embeddings).mean(), 0, 1)))

    def restore(self, state, runtime):
        return Blended(float(state["level"][0]))


def test_a_recipe_may_ask_for_embeddings_of_other_embedders_and_they_are_kept(make_bench):
    alone = Borrowing("small")
    bench = make_bench("alone", [alone])
    _, outcomes = bench.run(bench.plan(("none",)))
    assert {one.status for one in outcomes.values()} == {"scored"}
    assert alone.shared.embedded == 2 * 2 * SIZES["train"]  # both train sets, each image once
    beside = Borrowing("small")
    both = make_bench("both", [NearestMeanRecipe("small"), beside])
    both.run(both.plan(("none",)))
    assert beside.shared.embedded == 0  # they were in the cache already


@dataclass(frozen=True)
class Unsaid(NearestMeanRecipe):
    """Its detectors are probes, and it does not say so beforehand."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="unsaid")

    def embedder(self, runtime):
        return None


def test_a_probe_that_was_not_announced_is_answered_from_embeddings_all_the_same(make_bench):
    bench = make_bench(recipes=[Unsaid("small"), NearestMeanRecipe("small")])
    planned = bench.plan(("none", "jpeg:65"))
    _, outcomes = bench.run(planned)
    assert {one.status for one in outcomes.values()} == {"scored"}
    scores = bench.scores(planned)
    for cell, by_name in scores.items():
        assert by_name == scores[replace(cell, detector="nearest_mean")]


class BatchTellers(CheckerboardDetector):
    """Scores that show how large the batch was: what must not follow from what is recorded already."""

    def score(self, batch):
        return np.full(len(batch), len(batch) / 100, np.float32)


@dataclass(frozen=True)
class Teller(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="teller")

    def fit(self, train, seed, runtime):
        return BatchTellers(0.0, 1.0)

    def restore(self, state, runtime):
        return BatchTellers(0.0, 1.0)


@dataclass(frozen=True)
class OtherTeller(Teller):
    card: ClassVar[Card] = replace(Checkerboard.card, name="other_teller")


def test_batches_follow_from_the_plan_whatever_is_recorded(make_bench):
    bench = make_bench(recipes=[Teller("small"), OtherTeller("small")])
    train = Subset(("even",), "train")
    planned = bench.planned(
        Cell(detector, train, Subset((name,), "val"))
        for detector, names in (("teller", ("even", "odd")), ("other_teller", ("odd", "faint")))
        for name in names
    )
    bench.run(planned)
    before = bench.scores(planned)
    groups = sorted((bench.root / "out" / "scores").iterdir())
    assert len(groups) > 1
    for group in groups:
        group.unlink()
        forget(bench)
        bench.run(planned)
        assert bench.scores(planned) == before


@dataclass(frozen=True)
class Mixed(Recipe):
    """A composite of a head, whose embeddings are cached, and of a detector that reads images."""

    card: ClassVar[Card] = replace(Checkerboard.card, name="mixed")
    variants = Checkerboard.variants
    shared: Means = field(default_factory=Means, compare=False)

    def components(self):
        return NearestMeanRecipe(self.setting, shared=self.shared), Checkerboard(self.setting)

    def fit(self, train, seed, runtime):
        return Both({one.card.name: one.fit(train, seed, runtime) for one in self.components()})

    def restore(self, state, runtime):
        return Both({one.card.name: one.restore(state_of(state, one.card.name), runtime) for one in self.components()})


class Both(Composite):
    def __init__(self, members):
        self.members = members

    def combine(self, answers):
        return Answer(np.mean([one.scores for one in answers.values()], axis=0, dtype=np.float32))

    def state(self):
        return join_states({name: one.state() for name, one in self.members.items()})


def test_a_composite_reads_the_embeddings_of_its_heads_and_shares_every_decode(make_bench):
    recipe, alone = Mixed("small"), NearestMeanRecipe("small")
    bench = make_bench(recipes=[recipe, replace(alone, shared=recipe.shared), Checkerboard("small")])
    planned = bench.plan(("none",))
    _, outcomes = bench.run(planned)
    assert {one.status for one in outcomes.values()} == {"scored"}
    assert recipe.shared.embedded == 2 * 2 * SIZES["train"] + 3 * 2 * SIZES["val"]  # for both
    scores = bench.scores(planned)
    for cell, by_name in scores.items():
        if cell.detector == "mixed":
            parts = [scores[replace(cell, detector=name)] for name in ("nearest_mean", "checkerboard")]
            for name, score in by_name.items():
                assert score == pytest.approx(np.mean([part[name] for part in parts]), abs=1e-6)


def forget(bench, *names):
    """Delete parts of the cache, and all answers."""
    for name in ("answers", *names):
        rmtree(bench.root / "cache" / name)


def test_a_composite_whose_embeddings_are_gone_is_answered_again(make_bench):
    bench = make_bench(recipes=[Mixed("small")], batch_size=20)
    planned = bench.plan(("none",))
    bench.run(planned)
    before = bench.scores(planned)
    forget(bench, "embeddings")
    for path in (bench.root / "out" / "scores").iterdir():
        path.unlink()
    bench.run(planned[1:])
    forget(bench, "embeddings")
    _, outcomes = bench.run(planned)
    assert {one.status for one in outcomes.values()} == {"scored"}
    assert bench.scores(planned) == before


class FailingLate(CheckerboardDetector):
    """Breaks at its third batch, or tells more of later images than of earlier ones."""

    def __init__(self, batches, diagnostics):
        super().__init__(0.0, 1.0)
        self.batches, self.diagnostics, self.seen = batches, diagnostics, 0

    def answer(self, batch):
        self.seen += 1
        late = self.seen > self.batches
        if late and self.diagnostics is None:
            msg = f"no {self.seen}"
            raise RuntimeError(msg)
        told = {"note": np.array(self.diagnostics[: len(batch)], dtype=object)} if late and self.diagnostics else {}
        return Answer(self.score(batch), told)


@dataclass(frozen=True)
class Late(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="late")
    batches: int = 3
    diagnostics: tuple[object, ...] | None = field(default=None, compare=False)

    def fit(self, train, seed, runtime):
        return FailingLate(self.batches, self.diagnostics)


def test_what_is_recorded_before_a_detector_breaks_stays_scored(make_bench):
    bench = make_bench(recipes=[Late("small"), Checkerboard("small")], batch_size=12)
    train = Subset(("even",), "train")
    cells = [Cell(name, train, Subset((test,), "val")) for name in bench.recipes for test in ("even", "odd", "faint")]
    planned = bench.planned(
        replace(cell, options=(("batches", 1),)) if cell.detector == "late" else cell for cell in cells
    )
    _, outcomes = bench.run(planned)
    assert [outcomes[item.key].status for item in planned] == ["scored", "failed", "failed", *["scored"] * 3]
    assert {outcomes[item.key].reason for item in planned[1:3]} == {"RuntimeError: no 2"}
    assert bench.store.recorded() == {item.key for item in planned if outcomes[item.key].status == "scored"}


@pytest.mark.parametrize(
    ("batches", "diagnostics", "reason"),
    [
        (1, ("a",) * 12, "the diagnostics of all images must be the same; got ['note'] after []"),
        (0, (1, "a") * 6, "the diagnostic 'note' must be 12 numbers or 12 texts; got object"),
        (0, ("a",) * 3, "the diagnostic 'note' must be 12 numbers or 12 texts; got object (3,)"),
    ],
)
def test_diagnostics_that_cannot_be_recorded_are_a_failed_cell_and_nothing_else(
    make_bench, batches, diagnostics, reason
):
    late = Late("small", batches, diagnostics)
    bench = make_bench(recipes=[late, Checkerboard("small")], batch_size=12)
    planned = bench.plan(("none",))
    _, outcomes = bench.run(planned)
    told = {item.cell.detector: outcomes[item.key] for item in planned}
    assert told["checkerboard"].status == "scored"
    assert reason in told["late"].reason


def test_names_that_a_recipe_reorders_stay_as_they_are_for_the_others(undisturbed, make_bench):
    bench = make_bench(recipes=[Reordering("small"), Checkerboard("small")])
    planned = bench.plan(("none",))
    _, outcomes = bench.run(planned)
    for item in planned:
        assert outcomes[item.key].status == ("failed" if item.cell.detector == "reordering" else "scored")
    _, expected = undisturbed
    found = bench.scores(planned)
    assert len(found) == len(planned) // 2
    assert all(by_name == expected[cell] for cell, by_name in found.items())


@dataclass(frozen=True)
class Reordering(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="reordering")

    def fit(self, train, seed, runtime):
        train.names.reverse()
        return super().fit(train, seed, runtime)


class AnnotatingDetector(CheckerboardDetector):
    """Says a text and a number of every image."""

    def answer(self, batch):
        notes = {"note": np.array([f"{one:.3f}" for one in batch], object), "log_odds": np.array(batch)}
        odds = np.asarray(batch, np.float32).reshape(-1) - np.float32(5)
        return replace(Answer.of_log_odds(odds), diagnostics=notes)


@dataclass(frozen=True)
class Annotating(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="annotating")

    def fit(self, train, seed, runtime):
        return AnnotatingDetector(0.0, 1.0)

    def restore(self, state, runtime):
        return AnnotatingDetector(0.0, 1.0)


@pytest.mark.parametrize("recipe", [Checkerboard("small"), NearestMeanRecipe("small"), Annotating("small")])
def test_what_another_run_answered_is_not_answered_again(make_bench, recipe):
    bench = make_bench(recipes=[recipe])
    planned = bench.plan()
    first, _ = bench.run(planned)
    before = bench.stored_run(planned=planned)
    assert first.counts["cells answered"] == len(planned)
    rmtree(bench.root / "out")
    again, outcomes = bench.run(planned)
    assert again.counts == {"cells reused": len(planned), "cells answered": 0}
    assert {one.status for one in outcomes.values()} == {"scored"}
    after = bench.stored_run(planned=planned)
    for table in ("scores", "diagnostics"):
        one, other = (getattr(run, table).sort_values(["key", "name"], ignore_index=True) for run in (before, after))
        pd.testing.assert_frame_equal(one, other)


def test_a_damaged_answer_is_made_again(make_bench):
    bench = make_bench(recipes=[Checkerboard("small")])
    planned = bench.plan()
    bench.run(planned)
    before = bench.scores(planned)
    damaged, cut = sorted((bench.root / "cache" / "answers").iterdir())[:2]
    damaged.write_bytes(b"PAR1 nothing")
    cut.write_bytes(cut.read_bytes()[:-9])
    rmtree(bench.root / "out")
    again, _ = bench.run(planned)
    assert again.counts["cells answered"] == 2
    assert again.counts["fits made"] == 0
    assert bench.scores(planned) == before


class PickyMeans(Means):
    """Cannot prepare small images."""

    key = "picky.1"

    def prepare(self, sample):
        if len(sample.pixels) < 40:
            msg = "it is too small"
            raise ValueError(msg)
        return super().prepare(sample)


class PickyDetector(CheckerboardDetector):
    def prepare(self, sample):
        PickyMeans().prepare(sample)
        return super().prepare(sample)


@dataclass(frozen=True)
class Picky(Checkerboard):
    card: ClassVar[Card] = replace(Checkerboard.card, name="picky")

    def fit(self, train, seed, runtime):
        return PickyDetector(0.0, 1.0)

    def restore(self, state, runtime):
        return PickyDetector(0.0, 1.0)


@pytest.mark.parametrize("recipe", [Picky("small"), NearestMeanRecipe("small", shared=PickyMeans())])
@pytest.mark.parametrize("batch_size", [5, 50])
def test_an_image_that_cannot_be_prepared_costs_the_cells_that_hold_it_and_no_other(make_bench, recipe, batch_size):
    bench = make_bench(recipes=[recipe], batch_size=batch_size)
    bad = sorted((bench.folder / "faint" / "val" / "ai").iterdir())[0]
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(bad)
    planned = bench.plan()
    _, outcomes = bench.run(planned)
    for item in planned:
        holds = item.cell.test.generators == ("faint",)
        assert outcomes[item.key].status == ("failed" if holds else "scored")
        assert not holds or outcomes[item.key].reason == "ValueError: it is too small"


def test_a_comparison_of_backends_that_takes_too_long_fails_its_detector_alone(make_bench, monkeypatch):
    def slow(self, item, detector):
        if item.cell.detector == "checkerboard":
            for _ in range(1000):
                time.sleep(0.01)

    monkeypatch.setattr(AgreementCheck, "check", slow)
    bench = make_bench()
    planned = bench.plan()
    with batch_limit(0.1):
        _, outcomes = bench.run(planned)
    failed = {item.cell.detector for item in planned if outcomes[item.key].status == "failed"}
    scored = {item.cell.detector for item in planned if outcomes[item.key].status == "scored"}
    assert (failed, scored) == ({"checkerboard"}, {"nearest_mean"})
