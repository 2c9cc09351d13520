"""The gate, from images to exit code: planted regressions make it fail, and nothing else does."""

import io
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from lineup_checkerboard import Checkerboard
from rich.console import Console

from bench.command import regression_gate as gate
from bench.command.gate import gate_runs
from bench.command.gate.gate_output import GateOutput
from bench.command.gate.gate_runs import GateRuns, joined
from bench.evaluation.cells import cells_table
from bench.golden.fitted_record import read_fitted
from bench.golden.golden_record import describe_update, golden_from, read_golden, write_golden
from bench.golden.regression import compare, seeds_differ
from bench.golden.speeds import read_speeds, write_speeds
from bench.platform.errors import InputError
from bench.platform.progress import Reporter
from bench.records import columns
from bench.records.saved_detector import SavedDetector, to_bytes
from protocols.degradations import parse_degradation
from tests.support.command_line import one_line
from tests.support.miniature import Bench, Means, NearestMean, NearestMeanRecipe, write_folder
from tests.support.synthetic_runs import make_run


class Shuffled(Means):
    """Columns of each embedding in an order of their own, and an unchanged key: a change that forgot its version."""

    def embed(self, batch):
        rng = np.random.default_rng(0)
        embedded = super().embed(batch)
        return rng.permuted(embedded, axis=1) if len(embedded) else embedded


@dataclass(frozen=True)
class Flipped(NearestMeanRecipe):
    """Trained with its labels the wrong way round."""

    def fit(self, train, seed, runtime):
        fitted = super().fit(train, seed, runtime)
        fitted.means = fitted.means[::-1]
        return fitted


class Noisy(Means):
    def embed(self, batch):
        embedded = super().embed(batch)
        return embedded + np.random.default_rng(1).normal(0, 4, embedded.shape).astype(np.float32)


@dataclass(frozen=True)
class SlightlyWorse(NearestMeanRecipe):
    """Sees noise on top of its features."""

    shared: Means = field(default_factory=Noisy, compare=False)


@dataclass(frozen=True)
class Augmented(NearestMeanRecipe):
    """Trained on blurred copies of its images as well, as often as `copies` says."""

    copies: int = field(default=3, compare=False)  # a change of code that forgot its version

    def fit(self, train, seed, runtime):
        blur = parse_degradation("blur:0.6")
        copies = [self.shared.prepare(blur(train[index])) for index in range(len(train))] * self.copies
        embeddings = np.concatenate([train.embed(self.shared), self.shared.embed(copies)])
        labels = np.tile(train.labels, 1 + self.copies)
        return NearestMean(self.shared, np.stack([embeddings[labels == label].mean(axis=0) for label in (0, 1)]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("gate") / "data", train=20, val=60)


@pytest.fixture(scope="module")
def run_of(folder, tmp_path_factory):
    """Run recipes over the miniature in fresh folders, as the gate does."""

    def run(*recipes, seeds=(0,), degradation="jpeg:65"):
        bench = Bench(folder, tmp_path_factory.mktemp("run"), {recipe.card.name: recipe for recipe in recipes}, 50)
        return bench.stored_run(seeds, degradation)

    return run


def good():
    return [NearestMeanRecipe("small"), Checkerboard("small")]


@pytest.fixture(scope="module")
def good_run(run_of):
    return run_of(*good())


@pytest.fixture(scope="module")
def golden(good_run):
    return golden_from([good_run])


@pytest.fixture(scope="module")
def flipped_run(run_of):
    """One detector is trained with its labels the wrong way round."""
    return run_of(Flipped("small"), Checkerboard("small"))


@pytest.fixture(scope="module")
def run_of_one(run_of):
    """One detector is missing."""
    return run_of(NearestMeanRecipe("small"))


def test_the_same_code_passes(run_of, good_run):
    golden = golden_from([run_of(*good(), seeds=(0, 1))])
    found = compare(golden, good_run)
    assert found.exit_code == 0
    assert found.cells["change"].abs().max() == 0


@pytest.mark.parametrize(
    "planted",
    [NearestMeanRecipe("small", shared=Shuffled()), None, SlightlyWorse("small")],
    ids=["shuffled features", "flipped labels", "noise"],
)
def test_a_planted_regression_fails_and_is_pinned_on_its_detector(run_of, golden, flipped_run, planted):
    found = compare(golden, run_of(planted, Checkerboard("small")) if planted else flipped_run)
    assert found.exit_code == 1
    assert set(found.cells.loc[found.cells["verdict"] == "fell", "detector"]) == {"nearest_mean"}


@pytest.mark.slow
def test_a_weakened_augmentation_falls_under_degradation(run_of):
    strong, weak = (
        run_of(Augmented("small", copies=copies), Checkerboard("small"), degradation="blur:0.6") for copies in (3, 0)
    )
    found = compare(golden_from([strong]), weak)
    fallen = found.cells[found.cells["verdict"] == "fell"]
    assert found.exit_code == 1
    assert set(fallen["detector"]) == {"nearest_mean"}
    home = fallen[fallen["train"] == fallen["test"]]
    assert set(home["degradation"]) == {"blur:0.6"}  # clean images of its own generator do not show it


def test_a_raised_version_or_a_missing_detector_cannot_be_compared(run_of, golden, run_of_one):
    @dataclass(frozen=True)
    class Newer(Checkerboard):
        card = replace(Checkerboard.card, version=2)

    assert compare(golden, run_of(NearestMeanRecipe("small"), Newer("small"))).exit_code == 2
    assert compare(golden, run_of_one).exit_code == 2


def silent():
    return Reporter(Console(file=io.StringIO()))


@pytest.fixture
def runs(good_run, monkeypatch):
    """What the gate would run, by protocol; both halves of the gate find the same."""
    runs = dict.fromkeys(gate.PROTOCOLS, good_run)
    monkeypatch.setattr(gate, "runs_now", lambda *_, timed: gate.RunsNow(dict(runs), dict(runs)))
    monkeypatch.setattr(gate, "runs_for_record", lambda *_: gate.RecordRuns(dict(runs)))
    return runs


def test_the_command_compares_afresh_and_says_what_changed_and_how_to_accept_it(
    runs, flipped_run, run_of_one, tmp_path, capsys
):
    with pytest.raises(InputError, match="holds no golden record"):
        gate.compare_now(tmp_path / "golden", tmp_path, silent())
    assert gate.update_golden(tmp_path / "golden", tmp_path, silent()) == 0
    assert gate.compare_now(tmp_path / "golden", tmp_path, silent()) == 0
    passed = capsys.readouterr().out
    assert passed.count("none fell") == passed.count("none changed") == 2
    assert "lineup regress --update" not in passed
    runs[gate.PROTOCOLS[1]] = flipped_run
    output = GateOutput(tmp_path / "a.xml", tmp_path / "a.md")
    assert gate.compare_now(tmp_path / "golden", tmp_path, silent(), output=output) == 1
    assert b"<failure" in (tmp_path / "a.xml").read_bytes()
    assert "lineup regress --update --only nearest_mean" in (tmp_path / "a.md").read_text()
    failed = capsys.readouterr().out
    assert "Cells that fell" in failed
    assert "Cells with changed decisions" in failed
    assert failed.count("lineup regress --update --only nearest_mean") == 1
    runs[gate.PROTOCOLS[1]] = run_of_one
    assert gate.compare_now(tmp_path / "golden", tmp_path, silent()) == 2


def test_fitted_detectors_that_cannot_be_scored_are_an_obstacle(runs, tmp_path, monkeypatch):
    gate.update_golden(tmp_path / "golden", tmp_path, silent())
    monkeypatch.setattr(gate, "runs_now", lambda *_, timed: gate.RunsNow({}, dict(runs), ["beta: no fit"]))
    console = io.StringIO()
    assert gate.compare_now(tmp_path / "golden", tmp_path, Reporter(Console(file=console))) == 2
    assert "Not scored again: beta: no fit" in console.getvalue()


def test_speeds_are_compared_on_request_alone(runs, good_run, tmp_path, capsys):
    gate.update_golden(tmp_path / "golden", tmp_path, silent())
    with pytest.raises(InputError, match="holds no speeds"):
        gate.compare_now(tmp_path / "golden", tmp_path, silent(), speed=True)
    write_speeds(good_run, tmp_path / "golden")
    assert gate.compare_now(tmp_path / "golden", tmp_path, silent(), speed=True) == 0
    assert "Gate: speed" in capsys.readouterr().out
    assert gate.compare_now(tmp_path / "golden", tmp_path, silent()) == 0
    assert "Gate: speed" not in capsys.readouterr().out


def test_seeds_that_detectors_depend_on_stand_beside_the_record(tmp_path, monkeypatch):
    """The record itself stays as it is; both are one when the gate compares."""
    record = joined([make_run(detectors=["unsteady"], seeds=(0, 1)), make_run(detectors=["steady"])])
    further = make_run(detectors=["unsteady"], seeds=(2, 3))
    found = gate.RecordRuns(*(dict.fromkeys(gate.PROTOCOLS, run) for run in (record, further)))
    monkeypatch.setattr(gate, "runs_for_record", lambda *_: found)
    golden = tmp_path / "golden"
    gate.update_golden(golden, tmp_path, silent())
    assert seeds_differ(read_golden(golden / gate.PROTOCOLS[0])) == ["unsteady"]
    record = gate.read_record(golden, gate.PROTOCOLS[0])
    seeds = record.cells.groupby("detector")["seed"].unique().map(sorted)
    assert seeds.to_dict() == {"steady": [0], "unsteady": [0, 1, 2, 3]}
    monkeypatch.setattr(gate, "runs_for_record", lambda *_: gate.RecordRuns(found.golden))
    gate.update_golden(golden, tmp_path, silent(), ["steady"])
    assert (golden / "further_seeds" / gate.PROTOCOLS[0]).is_dir()
    gate.update_golden(golden, tmp_path, silent(), ["unsteady"])
    assert gate.read_record(golden, gate.PROTOCOLS[0]).manifest.seeds == (0, 1)


def test_fits_of_other_detectors_stay_when_one_is_replaced(runs, tmp_path, monkeypatch):
    golden = tmp_path / "golden"
    files = {f"{name}.safetensors": kept(name) for name in ("nearest_mean", "checkerboard")}
    monkeypatch.setattr(gate, "runs_for_record", lambda *_: gate.RecordRuns(dict(runs), {}, files))
    gate.update_golden(golden, tmp_path, silent())
    newer = {"checkerboard.safetensors": kept("checkerboard", seed=9)}
    monkeypatch.setattr(gate, "runs_for_record", lambda *_: gate.RecordRuns(dict(runs), {}, newer))
    gate.update_golden(golden, tmp_path, silent(), ["checkerboard"])
    found = {name: (golden / "fitted" / name).read_bytes() for name in read_fitted(golden / "fitted")}
    assert found == files | newer


def kept(detector, seed=0):
    saved = SavedDetector(detector, 1, "small", {}, "even", seed, "made up")
    return to_bytes(saved, {"weights": np.ones(2, np.float32)})


def test_an_update_is_described(run_of, run_of_one, tmp_path):
    old, new = (golden_from([run]) for run in (run_of_one, run_of(Flipped("small"))))
    write_golden(old, tmp_path / "golden")
    described = describe_update(read_golden(tmp_path / "golden"), new)
    assert "nearest_mean: mean accuracy" in described
    assert describe_update(None, new).startswith("new record")


def test_a_stored_run_reads_back_whole(good_run):
    table = cells_table(good_run)
    assert len(table) == len(good_run.cells) == 2 * 2 * 3 * 2
    assert set(table["n"]) == {120}
    assert tuple(good_run.throughput.columns) == columns.THROUGHPUT


def test_an_update_mends_a_damaged_record(runs, tmp_path):
    console = io.StringIO()
    folder = tmp_path / "golden" / gate.PROTOCOLS[0]
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{")
    assert gate.update_golden(tmp_path / "golden", tmp_path, Reporter(Console(file=console))) == 0
    assert "Starting anew" in console.getvalue()
    assert gate.compare_now(tmp_path / "golden", tmp_path, silent()) == 0


def test_an_update_of_some_detectors_keeps_the_others(good_run, flipped_run, tmp_path, monkeypatch):
    found, asked = gate.RecordRuns(dict.fromkeys(gate.PROTOCOLS, flipped_run)), []
    monkeypatch.setattr(gate, "runs_for_record", lambda *arguments: asked.append(arguments[0]) or found)
    with pytest.raises(InputError, match="holds no golden record"):
        gate.update_golden(tmp_path / "golden", tmp_path, silent(), ["nearest_mean"])
    assert asked == []
    for protocol in gate.PROTOCOLS:
        write_golden(golden_from([good_run]), tmp_path / "golden" / protocol)
    assert gate.update_golden(tmp_path / "golden", tmp_path, silent(), ["checkerboard"]) == 0
    record = read_golden(tmp_path / "golden" / gate.PROTOCOLS[0])
    assert compare(record, good_run).exit_code == 0
    assert gate.update_golden(tmp_path / "golden", tmp_path, silent(), ["nearest_mean"]) == 0
    assert compare(read_golden(tmp_path / "golden" / gate.PROTOCOLS[0]), flipped_run).exit_code == 0
    assert asked == [["checkerboard"], ["nearest_mean"]]


@pytest.mark.slow
def test_a_record_of_real_runs_passes_and_trains_those_that_depend_on_their_seed_more_often(
    tmp_path, monkeypatch, capsys
):
    """From images to the verdict, with one detector on a miniature; it is only said to depend on its seed."""
    data, scratch = write_folder(tmp_path / "data"), iter("abc")

    @contextmanager
    def miniature(_, reporter):
        yield GateRuns(data, tmp_path / next(scratch), reporter)

    monkeypatch.setattr(gate, "gate_runs", miniature)
    monkeypatch.setattr(gate, "GATED", ("spectrum",))
    monkeypatch.setattr(gate, "GOLDEN_SEEDS", (0, 1))
    monkeypatch.setattr(gate, "FURTHER_SEEDS", dict.fromkeys(gate.PROTOCOLS, (2,)))
    monkeypatch.setattr(gate, "SEEDS_NOW", dict.fromkeys(gate.PROTOCOLS, (0, 1)))
    monkeypatch.setattr(gate, "seeds_differ", lambda _: ["spectrum"])
    monkeypatch.setattr(gate_runs, "TRAINED_ON", dict.fromkeys(gate.PROTOCOLS, ("even",)))
    golden = tmp_path / "golden"
    assert gate.update_golden(golden, tmp_path, silent()) == 0
    assert gate.read_record(golden, gate.PROTOCOLS[0]).manifest.seeds == (0, 1, 2)
    assert [path.name for path in golden.glob("fitted/*.safetensors")] == ["spectrum-even-0.safetensors"]
    assert gate.compare_now(golden, tmp_path, silent()) == 0
    found = capsys.readouterr().out
    assert "36 decisions compared, none changed" in found
    assert "132 decisions compared, none changed" in found
    assert found.count("every decision is that of the record's training of that seed: spectrum") == 2
    assert gate.update_speeds(golden, tmp_path, silent()) == 0
    assert read_speeds(golden)["detector"].tolist() == ["spectrum"]


def test_options_of_the_gate_that_do_not_fit_are_refused(lineup):
    assert "--only is given without --update" in one_line(lineup("regress", "--only", "clip_probe"))
    assert "clip_prob" in one_line(lineup("regress", "--update", "--only", "clip_prob"))
    said = one_line(lineup("regress", "--update", "--junit", "a.xml"))
    assert "--junit, --summary and --json are of a comparison" in said
    assert "--only and --speed" in one_line(lineup("regress", "--update", "--speed", "--only", "clip_probe"))


def test_an_installed_copy_keeps_its_golden_record(lineup, monkeypatch):
    monkeypatch.setattr("bench.command.regress.in_checkout", lambda: False)
    assert "give a folder with --golden" in one_line(lineup("regress", "--update"))
