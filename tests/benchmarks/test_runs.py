"""How fast a run is beside its networks: fit heads, score, write, evaluate, rank and report, one thread.

Run with `make benchmark`.
"""

from io import StringIO
from shutil import rmtree

import pytest
from rich.console import Console

from bench.evaluation.cells import evaluate
from bench.evaluation.leaderboard import rankings_of
from bench.platform.progress import Reporter
from bench.records.store import Store
from bench.report.figures.findings import Findings
from bench.report.page.document import page
from bench.report.run_report import report_run
from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import ToyTrainSet
from tests.benchmarks.compare import ROUNDS
from tests.support.miniature import Bench, write_folder
from tests.support.synthetic_runs import make_run

HEADS = ("hog_svm", "spectrum", "residual", "colour")
IMAGES = 64


@pytest.fixture(scope="module")
def run():
    return make_run(n=200, seeds=(0, 1))


class EmbeddedTrainSet(ToyTrainSet):
    """One whose embeddings are made once: what is timed is the head."""

    def __init__(self, size, embedder):
        super().__init__(size)
        self._embeddings = super().embed(embedder)

    def embed(self, embedder):
        del embedder
        return self._embeddings


@pytest.mark.parametrize("name", HEADS)
def test_fitting_a_head(benchmark, name):
    recipe = catalogue.recipe(name, "small")
    train = EmbeddedTrainSet(IMAGES, recipe.embedder(Runtime()))
    detector = benchmark.pedantic(recipe.fit, args=(train, 0, Runtime()), rounds=ROUNDS, warmup_rounds=1)
    assert detector.state()


@pytest.mark.parametrize("degradation", ["none", "jpeg:65"])
def test_scoring_cells(benchmark, tmp_path, degradation):
    """All that the engine does with detectors that are fitted: their fits are in the cache, and no answer is."""
    recipes = {"hog_svm": catalogue.recipe("hog_svm", "small")}
    bench = Bench(write_folder(tmp_path / "data"), tmp_path, recipes, workers=1)
    planned = bench.plan((degradation,))
    bench.run(planned)

    def forget_answers():
        for place in ("out", "cache/answers"):
            rmtree(tmp_path / place)
        return (planned,), {}

    engine, outcomes = benchmark.pedantic(bench.run, setup=forget_answers, rounds=ROUNDS)
    assert {one.status for one in outcomes.values()} == {"scored"}
    assert engine.counts["cells answered"] == len(planned)
    assert not engine.counts["fits made"]


def test_writing_scores(benchmark, run, tmp_path):
    store = Store.at(tmp_path)
    benchmark.pedantic(store.record_scores, args=(run.scores,), rounds=ROUNDS, warmup_rounds=1)
    assert store.recorded() == set(run.cells["key"])


def test_evaluating(benchmark, run):
    measured = benchmark.pedantic(evaluate, args=(run,), rounds=ROUNDS, warmup_rounds=1)
    assert len(measured.table) == len(run.cells)


def test_ranking(benchmark, run):
    measured = evaluate(run)
    ranked = benchmark.pedantic(rankings_of, args=(run, measured), rounds=ROUNDS, warmup_rounds=1)
    assert [len(one.rows) for one in ranked] == [2]


def test_writing_a_report(benchmark, run, tmp_path):
    arguments = (run, Store.at(tmp_path), Reporter(Console(file=StringIO())))
    benchmark.pedantic(report_run, args=arguments, kwargs={"show": False}, rounds=ROUNDS, warmup_rounds=1)
    assert (tmp_path / "leaderboard.md").is_file()


def test_writing_the_page(benchmark, run):
    findings = Findings.of(run)
    whole = benchmark.pedantic(page, args=([findings],), rounds=ROUNDS, warmup_rounds=1)
    assert "</html>" in whole
